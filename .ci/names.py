"""The names of the package, read without importing it: which are public, which stand in a face, who takes which.

A face is what a room hands on: the stub nb_helpers/<room>/__init__.pyi. A module that lies in no room is its own face.
"""
import ast, builtins, re
from dataclasses import dataclass, field
from pathlib import Path
import project as pj

CODE = re.compile(r'(?<!`)`([^`\n]+)`(?!`)')
FENCE = re.compile(r'(?ms)^ *(```|~~~).*?^ *\1')
SUFFIXES = set('avi csv gif gz html ini ipynb jpeg jpg json jsonl log md mov mp4 npy npz onnx pdf png pt pth py pyi rar safetensors sh tar tif tiff '
               'tmp toml tsv txt webm webp xls xlsx xml yaml yml zip'.split())


def literal(tree, name):
    "The list of strings assigned to `name` at the top of a module, with what += adds; None where there is none"
    res = None
    for n in tree.body:
        to = n.targets[0] if isinstance(n, ast.Assign) else n.target if isinstance(n, ast.AugAssign) else None
        if getattr(to, 'id', '') == name and isinstance(n.value, (ast.List, ast.Tuple)):
            res = (res or []) + [o.value for o in n.value.elts if isinstance(o, ast.Constant)]
    return res


def stub(text, room):
    "{name: module it is from} of a face; a module that is handed on whole is from itself"
    res = {}
    for n in ast.parse(text).body:
        if not isinstance(n, ast.ImportFrom) or n.level != 1: continue
        for a in n.names: res[a.asname or a.name] = f'{room}.{n.module}' if n.module else f'{room}.{a.name}'
    return res


def stubs(root=pj.ROOT):
    "{room: text of its __init__.pyi}"
    lib = Path(root)/'nb_helpers'
    return {'.'.join(p.parent.relative_to(lib).parts): p.read_text(encoding='utf-8') for p in sorted(lib.rglob('__init__.pyi')) if p.parent != lib}


def patched(f):
    "The class that a function marked @patch becomes a method of, or None"
    if not any('patch' in ast.unparse(d) for d in f.decorator_list) or not f.args.args: return None
    note = f.args.args[0].annotation
    return ast.unparse(note).split('.')[-1] if note is not None else None


def targets(n):
    "Names that an assignment stores"
    to = n.targets if isinstance(n, ast.Assign) else [n.target] if isinstance(n, (ast.AnnAssign, ast.AugAssign)) else []
    return [o.id for t in to for o in ast.walk(t) if isinstance(o, ast.Name)]


def members(cls):
    "Methods and attributes of a class, those that its methods set on self too"
    res = set()
    for n in cls.body:
        res |= {n.name} if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else set(targets(n))
    for n in ast.walk(cls):
        if isinstance(n, ast.Attribute) and getattr(n.value, 'id', '') == 'self': res.add(n.attr)
    for n in ast.walk(cls):  # store_attr() keeps the arguments, setattr and __slots__ take words
        if isinstance(n, ast.FunctionDef) and n.name == '__init__': res |= {a.arg for a in (*n.args.args, *n.args.kwonlyargs)}
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.isidentifier(): res.add(n.value)
    return res


@dataclass
class Names:
    "What `names_of` found"
    modules: list                                # gpu, dataset.items, ...
    public: dict = field(default_factory=dict)   # module -> its __all__
    top: dict = field(default_factory=dict)      # module -> every name at its top, imported ones too
    faces: dict = field(default_factory=dict)    # room -> {name: module}
    classes: dict = field(default_factory=dict)  # class of ours -> its members; None where it inherits from others

    @property
    def rooms(self): return {m.rsplit('.', 1)[0] for m in self.modules if '.' in m}

    def place(self, dotted):
        "nb_helpers.dataset.items -> dataset.items; None for what is none of our modules or rooms"
        name = dotted.removeprefix('nb_helpers.')
        return name if dotted.startswith('nb_helpers.') and (name in self.modules or name in self.rooms) else None

    def home(self, place, name):
        "The module that hands on `name` at `place`: a room's face names it, a module is it"
        return self.faces.get(place, {}).get(name, place)

    def in_faces(self):
        "[(face, name)]: the stubs, and what the modules in no room make public"
        own = [(m, n) for m in self.public if '.' not in m for n in self.public[m]]
        return [(room, n) for room, f in self.faces.items() for n in f] + own


def names_of(sources, faces=None, modules=()):
    "`Names` of generated modules {module: text} and of the stubs {room: text}"
    res = Names(list(modules or sources or ()))
    bases = {}
    trees = {m: pj.plain_tree(s) for m, s in (sources or {}).items()}
    for m, t in trees.items():
        res.public[m] = literal(t, '__all__') or []
        res.top[m] = set(res.public[m])
        for n in pj.walk(t): res.top[m] |= {a.asname or a.name for a in n.names} if isinstance(n, (ast.Import, ast.ImportFrom)) else set()
        for n in t.body:
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)): res.top[m].add(n.name)
            res.top[m] |= set(targets(n))
            if isinstance(n, ast.ClassDef):
                res.classes[n.name] = (res.classes.get(n.name) or set()) | members(n)
                bases[n.name] = [ast.unparse(b) for b in n.bases if ast.unparse(b) != 'object']
    for t in trees.values():
        for n in t.body:
            if isinstance(n, ast.FunctionDef) and (c := patched(n)) in res.classes: res.classes[c].add(n.name)
            if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Attribute) and (c := ast.unparse(n.targets[0].value)) in res.classes:
                res.classes[c].add(n.targets[0].attr)
    res.classes = {c: inherited(c, res.classes, bases) for c in res.classes}
    res.faces = {room: stub(text, room) for room, text in (faces or {}).items()}
    return res


def inherited(cls, classes, bases):
    "Members of a class and of those of ours above it; None where one above it is not ours"
    res = set(classes[cls])
    for b in bases.get(cls, []):
        up = inherited(b, classes, bases) if b in classes and b != cls else None
        if up is None: return None
        res |= up
    return res


def dotted(n):
    "a.b.c of a chain of names; '' for anything else"
    if isinstance(n, ast.Attribute): return f'{head}.{n.attr}' if (head := dotted(n.value)) else ''
    return getattr(n, 'id', '')


def taken(nb, known):
    "(cell, module or room, name) of all that a notebook takes from the package; name '*' for a star"
    alias, res, cells = {}, [], [(c, t) for c in nb.code() if (t := c.tree()) is not None]
    for c, t in cells:
        for n in pj.walk(t):
            if isinstance(n, ast.ImportFrom):
                up = (nb.module or '').split('.')[:-n.level] if n.level else []
                base = '.'.join((['nb_helpers'] if n.level else []) + up + ([n.module] if n.module else []))
                for a in n.names:
                    if known.place(f'{base}.{a.name}'): alias[a.asname or a.name] = known.place(f'{base}.{a.name}')
                    elif known.place(base): res.append((c, known.place(base), a.name))
            elif isinstance(n, ast.Import):
                alias |= {a.asname or a.name: known.place(a.name) for a in n.names if known.place(a.name)}
    for c, t in cells:
        args = {a.arg for n in pj.walk(t) if isinstance(n, ast.arguments) for a in (*n.posonlyargs, *n.args, *n.kwonlyargs)}
        local = args | {n.id for n in pj.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for n in pj.walk(t):
            if isinstance(n, ast.Attribute) and (head := dotted(n.value)) in alias and head not in local: res.append((c, alias[head], n.attr))
    return res


def words(nbs, sources=None):
    "Every identifier in the code of the notebooks and modules, and those of Python itself"
    res = set(dir(builtins))
    for t in [t for nb in nbs for c in nb.code() if (t := c.tree()) is not None] + [pj.plain_tree(s) for s in (sources or {}).values()]:
        for n in pj.walk(t):
            if isinstance(n, ast.Name): res.add(n.id)
            elif isinstance(n, ast.Attribute): res.add(n.attr)
            elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)): res.add(n.name)
            elif isinstance(n, ast.arg): res.add(n.arg)
            elif isinstance(n, ast.alias): res |= {n.name.split('.')[-1], n.asname or n.name}
            elif isinstance(n, ast.keyword) and n.arg: res.add(n.arg)
    return res


def quoted(cell):
    "Names in backticks of a markdown cell that may be ours: [(dotted name, is it called)]; fenced blocks are left out"
    for s in CODE.findall(FENCE.sub('', cell.source)):
        m = re.fullmatch(r'([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(\(.*)?', s.strip())
        if m and (m[2] or '.' in m[1]): yield m[1], bool(m[2])


def missing(name, called, known, local, everywhere):
    "Why a quoted name is none of ours although it looks like one, or ''; `local`: what the notebook's own code stores"
    *head, last = name.split('.')
    if not head: return '' if last in everywhere else 'is the name of nothing here'
    if last.lower() in SUFFIXES and not called: return ''
    if head[0] == 'nb_helpers': head = head[1:]
    elif head[0] in local: return ''
    if not head: return '' if last in known.modules or last in known.rooms or last.startswith('__') else 'is no module of nb_helpers'
    where = '.'.join(head)
    if where in known.classes or head[-1] in known.classes:
        have = known.classes.get(where, known.classes.get(head[-1]))
        return '' if have is None or last in have or last.startswith('__') else f'is no part of the class {head[-1]}'
    short = {m.split('.')[-1]: m for m in known.modules}
    for at in (where, short.get(where)):
        if at in known.rooms and at in known.faces and last in known.faces[at]: return ''
        if at in known.rooms and f'{at}.{last}' in known.modules: return ''
        if at in known.top: return '' if last in known.top[at] else f'is not in nb_helpers.{at}'
        if at in known.rooms: return f'is not in nb_helpers.{at}'
    return ''
