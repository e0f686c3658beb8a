"""Sphinx extension: the comment behind a parameter is its description, the one behind `->` that of the result (docments).

Everything is read from the source; the package is not imported.
"""
import ast, io, json, re, tokenize
from pathlib import Path
import astroid
from collect import gives

ROOT = Path(__file__).resolve().parent.parent


def comments(src):
    "{line: comment} of a source text"
    toks = tokenize.generate_tokens(io.StringIO(src).readline)
    return {t.start[0]: t.string.lstrip('# ').strip() for t in toks if t.type == tokenize.COMMENT}


def escape(text):
    "Plain text as reStructuredText: `code` stays code, nothing else means anything"
    parts = re.split(r'`+([^`\n]+)`+', text)
    return ''.join(f'\\ ``{p.strip()}``\\ ' if i % 2 else re.sub(r'([\\*_|`])', r'\\\1', p) for i, p in enumerate(parts))


def described(args, said):
    "[(name, comment)] of the parameters; several on one line share what is said"
    for a, default in args:
        if a.arg in ('self', 'cls'): continue
        text = said.get((default or a).end_lineno, '')
        if text: yield a.arg.lstrip('*'), text


def parameters(f):
    "[(argument, its default or None)] of a function"
    a = f.args
    plain = a.posonlyargs + a.args
    star = [(o, None) for o in (a.vararg, a.kwarg) if o]
    return [*zip(plain, [None]*(len(plain)-len(a.defaults)) + a.defaults), *zip(a.kwonlyargs, a.kw_defaults), *star]


def fields(f, said):
    "What the comments of a function's head say, as a field list"
    head = f.body[0].lineno
    own = {n: t for n, t in said.items() if f.lineno <= n < head}
    if f.lineno in own and f.lineno == (f.returns or f).lineno and head > f.lineno:   # def f(x): # one comment for all
        return ['', escape(own[f.lineno])]
    lines = [f':param {n}: {escape(t)}' for n, t in described(parameters(f), own)]
    result = own.get(f.returns.end_lineno) if f.returns else None
    used = {(d or a).end_lineno for a, d in parameters(f)}
    if result and f.returns.end_lineno not in used: lines.append(f':returns: {escape(result)}')
    return ['', *lines]


def modules(root=ROOT):
    "(name, source, its notebook or None, does it lie in __init__.pyi) of everything in the package"
    for p in sorted((root/'nb_helpers').rglob('*.py*')):
        if p.suffix not in ('.py', '.pyi') or p.name == '_modidx.py': continue
        src = p.read_text(encoding='utf-8')
        m = re.search(r'File to edit: \S*nbs/(\S+)\.ipynb', src)
        yield '.'.join(p.relative_to(root).with_suffix('').parts).removesuffix('.__init__'), src, m and m[1], p.name == '__init__.pyi'


def face(mod, src):
    "What an __init__.pyi hands on, as links"
    own = [n for n in ast.parse(src).body if isinstance(n, ast.ImportFrom) and n.level]
    names = [(f'{mod}.{n.module}.{a.name}', a.asname or a.name) for n in own for a in n.names]
    return ['', f'``from {mod} import`` ' + ', '.join(f':py:obj:`{short} <{full}>`' for full, short in names)] if names else []


def index(root=ROOT):
    "{full name: lines to add} of all modules, functions, classes and methods"
    says = gives(json.loads((root/'nbs'/'index.ipynb').read_text(encoding='utf-8')))
    res = {f'nb_helpers.{k[3:]}': ['', escape(t[:1].upper() + t[1:])] for k, t in says.items()}   # of folders; a module says it itself
    for mod, src, nb, is_face in modules(root):
        if is_face: res[mod] = [*res.get(mod, []), *face(mod, src)]; continue
        said = comments(src)
        if nb: res[mod] = ['', f'Explained and tested in :doc:`/{nb}`.']
        for n in ast.parse(src).body: walk(n, mod, said, res)
    return res


def by_stage(objs):
    "Modules and folders of modules in the order of their notebooks"
    of = {mod: nb for mod, _, nb, _ in modules() if nb}
    return sorted(objs, key=lambda o: (min((nb for m, nb in of.items() if f'{m}.'.startswith(f'{o.id}.')), default='~'), o.id))


def field(o, said):
    "A dataclass's field as a parameter"
    default = f'; default \\ ``{ast.unparse(o.value)}``\\ ' if o.value is not None else ''
    return [f':param {o.target.id}: {escape(said[o.end_lineno])}{default}', f':type {o.target.id}: {ast.unparse(o.annotation)}']


def walk(n, inside, said, res):
    "Put what is said of a definition, and of those in it, into `res`"
    if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
        owner = n.args.args[0].annotation if n.args.args and any(ast.unparse(d) == 'patch' for d in n.decorator_list) else None
        res[f'{inside}.{ast.unparse(owner)}.{n.name}' if owner else f'{inside}.{n.name}'] = fields(n, said)
    if isinstance(n, ast.ClassDef):
        own = f'{inside}.{n.name}'
        for o in n.body: walk(o, own, said, res)
        own_fields = [o for o in n.body if isinstance(o, ast.AnnAssign) and isinstance(o.target, ast.Name) and o.end_lineno in said]
        lines = [l for o in own_fields for l in field(o, said)]
        res[own] = ['', *lines] if lines else res.get(f'{own}.__init__', [])


def patched(module):
    "Methods that @patch puts into a class stand there in the reference as well"
    classes = {n.name: n for n in module.body if isinstance(n, astroid.nodes.ClassDef)}
    for f in [n for n in module.body if isinstance(n, astroid.nodes.FunctionDef) and n.decorators]:
        if 'patch' not in {d.as_string() for d in f.decorators.nodes} or not f.args.annotations or not f.args.annotations[0]: continue
        cls = classes.get(f.args.annotations[0].as_string())
        if cls is None or f.name in cls.locals: continue
        module.body.remove(f)
        f.parent = cls
        cls.body.append(f)
        cls.locals[f.name] = [f]
    return module


def described_nodes(module, said):
    "Docstrings as plain text, then what the comments say"
    todo = [module]
    while todo:
        n = todo.pop()
        todo += [o for o in getattr(n, 'body', []) if isinstance(o, (astroid.nodes.FunctionDef, astroid.nodes.ClassDef))]
        text, more = n.doc_node.value if n.doc_node else '', said.get(n.qname(), [])
        if text or n is module and more: n.doc_node = astroid.nodes.Const('\n'.join([*map(escape, text.splitlines()), *more]).strip())
    return module


def left_out(app, what, name, obj, skip, options):
    "Fields stand among the parameters of their class, and what has no docstring there is of use to Python alone"
    inside, short = what in ('attribute', 'method', 'property'), name.split('.')[-1]
    hidden = what == 'attribute' or short.startswith('__') and short != '__call__' or inside and not obj.docstring.strip()
    return True if hidden else skip


def setup(app):
    said, ours = index(), lambda m: m.name.split('.')[0] == 'nb_helpers'
    astroid.MANAGER.register_transform(astroid.nodes.Module, lambda m: described_nodes(patched(m), said), ours)
    app.connect('autoapi-skip-member', left_out)
    return dict(parallel_read_safe=True)
