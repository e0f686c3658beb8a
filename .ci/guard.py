"""The shape of the notebooks: one short rule a function.

A rule takes a `Project` and yields lines "file, cell N: what is wrong; what to do". Each is counted as one check,
and `test_guard.py` shows each of them failing. `python .ci/guard.py RULE` lists all that a rule finds, `--lower` lowers
the ceilings to what there is.
"""
import ast, getpass, io, re, socket, sys, tokenize
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
import names, project as pj

# Rules that the tree still breaks, and in how many places. A number only falls: more fails, and so does a ceiling above what there is.
CEILING = dict(
    public_is_reached=4,
    few_public=35,
)

RULES = []
LIMITS = dict(stage=300, index=150, tutorial=300, experiments=500, benchmarks=500, checks=500)  # KB
WIDTH = dict(shipped=120, other=140)             # characters a line of code: in exported cells and workbooks, elsewhere
PUBLIC, IN_FACES = 300, 160                      # public names in all modules, names in the faces
WORKBOOK = dict(basegun=50, others=95, names=30) # lines of code of a workbook, names of ours that it imports
BADGE = re.compile(r'https://colab\.research\.google\.com/github/([^/\s]+)/([^/\s]+)/blob/(\S+?)/(nbs/[^)\s"]+\.ipynb)')


def rule(f):
    "Register a rule; its docstring is its name"
    RULES.append(f)
    return f


@dataclass
class Project:
    "What the rules look at; made by `read`, or by hand in the tests"
    nbs: list
    settings: dict
    modules: list
    root: Path = pj.ROOT
    sources: dict = None  # generated modules: name -> text
    stubs: dict = None    # faces: room -> text of its __init__.pyi

    @cached_property
    def names(self): return names.names_of(self.sources, self.stubs, self.modules)

    @cached_property
    def taken(self): return {nb.path: names.taken(nb, self.names) for nb in self.nbs}


class Much(str):
    "A problem that counts `n` times: by how much a number is too large"
    def __new__(cls, text, n):
        self = super().__new__(cls, text)
        self.n = n
        return self


def amount(problems):
    "How much a rule found"
    return sum(getattr(o, 'n', 1) for o in problems)


def file_of(module): return module.replace('.', '/') + '.py'


def read(root=pj.ROOT):
    "The project on disk"
    mods = pj.modules(root)
    src = {m: (Path(root)/'nb_helpers'/f'{file_of(m)}').read_text(encoding='utf-8') for m in mods}
    return Project(pj.notebooks(root), pj.settings(root), mods, Path(root), src, names.stubs(root))


def at(nb, cell=None): return nb.path if cell is None else f'{nb.path}, cell {cell.idx}'


def trees(p, where=lambda nb, c: True):
    "(notebook, cell, syntax tree) of the code cells that `where` picks and that can be parsed"
    for nb in p.nbs:
        for c in nb.code():
            if where(nb, c) and (t := c.tree()) is not None: yield nb, c, t


def shipped(nb, c): return c.exported or nb.kind in ('experiments', 'tutorial')


def imported(tree, ours=(), faces=None):
    "All modules a syntax tree imports: nb_helpers.x, fastai.vision.all, ...; `ours`: modules that lie in folders; through a face, the module behind it"
    for n in pj.walk(tree):
        if isinstance(n, ast.Import): yield from (a.name for a in n.names)
        elif isinstance(n, ast.ImportFrom):
            base = ('nb_helpers.' * bool(n.level)) + (n.module or '')
            base = base.rstrip('.')
            inside = lambda a: base == 'nb_helpers' or f'{base}.{a.name}'.removeprefix('nb_helpers.') in ours
            face = (faces or {}).get(base.removeprefix('nb_helpers.'), {})
            behind = lambda a: f'nb_helpers.{face[a.name]}' if a.name in face else base
            yield from dict.fromkeys(f'{base}.{a.name}' if inside(a) else behind(a) for a in n.names)


# ---- modules and their order

@rule
def modules_unique(p):
    "every default_exp occurs once"
    seen = {}
    for nb in p.nbs:
        if not nb.module: continue
        if nb.module in seen: yield f'{nb.path}: default_exp {nb.module} is already that of {seen[nb.module]}; rename one'
        seen.setdefault(nb.module, nb.path)


@rule
def modules_and_notebooks(p):
    "every module has its notebook and the other way round"
    have = {nb.module for nb in p.nbs if nb.module and nb.exported()}
    for m in sorted(set(p.modules) - have): yield f'nb_helpers/{file_of(m)}: no notebook makes it; delete it'
    for m in sorted(have - set(p.modules)): yield f'nb_helpers/{file_of(m)} is missing; run make export'
    for nb in p.nbs:
        if nb.kind == 'stage' and not nb.module: yield f'{nb.path}: no #| default_exp; add it as the first cell'
        if nb.kind == 'stage' and not nb.order: yield f'{nb.path}: name it NN_word.ipynb, in a folder NN_word, so that it has a place'


@rule
def import_direction(p):
    "stages import from lower numbers only, by name"
    order = {nb.module: nb.order for nb in p.nbs if nb.module and nb.order}
    for nb, c, t in trees(p, lambda nb, c: c.exported):
        for m in imported(t, order, p.names.faces):
            if m == 'nb_helpers': yield f'{at(nb, c)}: import nb_helpers; import the functions by name'
            if not m.startswith('nb_helpers.'): continue
            other = m.removeprefix('nb_helpers.')
            if other.split('.')[0] == 'samples' and not str(nb.module).startswith('samples'): continue   # `no_samples` speaks of it
            if other not in order: yield f'{at(nb, c)}: imports {m}, which no notebook makes'
            elif nb.order and order[other] >= nb.order:
                yield f'{at(nb, c)}: imports {m}, which stands at or after it; take it as an argument'


@rule
def no_samples(p):
    "no exported cell needs samples"
    for nb, c, t in trees(p, lambda nb, c: c.exported):
        if str(nb.module).split('.')[0] == 'samples': continue
        named = [n.value for n in pj.walk(t) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        for m in [*imported(t), *named]:
            if re.match(r'nb_helpers\.samples\b', m): yield f'{at(nb, c)}: samples is for tests and workbooks; take the data as an argument'


@rule
def no_star_in_exports(p):
    "no import * in an exported cell"
    for nb, c, t in trees(p, lambda nb, c: c.exported):
        for n in pj.walk(t):
            if isinstance(n, ast.ImportFrom) and n.names[0].name == '*':
                yield f'{at(nb, c)}: from {n.module} import *; name what is used'


@rule
def workbooks_export_nothing(p):
    "no export in experiments, benchmarks, checks and the index"
    for nb in p.nbs:
        if nb.kind == 'stage': continue
        for c in nb.code():
            if c.exported or 'default_exp' in c.directives:
                yield f'{at(nb, c)}: exports; move the code to a stage'


@rule
def no_nbdev(p):
    "neither notebooks nor modules import nbdev"
    dev = {'nbdev', 'execnb'}
    for nb, c, t in trees(p):
        for m in imported(t):
            if m.split('.')[0] in dev: yield f'{at(nb, c)}: imports {m}, which Colab has not; leave it out'
    for name, src in (p.sources or {}).items():
        for m in imported(pj.plain_tree(src)):
            if m.split('.')[0] in dev: yield f'nb_helpers/{file_of(name)}: imports {m}; leave it out'


# ---- the first cells

@rule
def opening(p):
    "a notebook opens with default_exp (stages), # Title and > one line"
    for nb in p.nbs:
        cells = list(nb.cells)
        if nb.kind == 'stage' and nb.module:
            first = cells.pop(0)
            if first.body.strip() or 'default_exp' not in first.directives:
                yield f'{nb.path}: the first cell must be #| default_exp {nb.module} alone'
        top = cells[0] if cells else None
        if top is None or top.kind != 'markdown' or not re.match(r'# .+\n\n> .+', top.source):
            yield f'{nb.path}: after that comes a markdown cell: # Title, an empty line, > one line'


@rule
def badges(p):
    "Colab badges follow settings.ini"
    want, known = pj.repo(p.settings), {nb.path for nb in p.nbs}
    for nb in p.nbs:
        own = [c for c in nb.cells[:3] if c.kind == 'markdown' and pj.badge(nb.path, p.settings) in c.source]
        if not own and nb.kind != 'index': yield f'{nb.path}: no badge of its own in the title cell; write it, or run make badges'
        for c in nb.cells:
            for user, repo, branch, path in BADGE.findall(c.source):
                if (user, repo, branch) != want: yield f'{at(nb, c)}: badge of {user}/{repo}@{branch}; run make badges'
                elif path not in known: yield f'{at(nb, c)}: badge names {path}, which is not there'


@rule
def install_cells(p):
    "install cells follow settings.ini"
    want = pj.install_cell(p.settings)
    for nb in p.nbs:
        cells = [c for c in nb.code() if '%pip install' in c.source and 'nb_helpers' in c.source]
        if not cells and nb.kind != 'index': yield f'{nb.path}: no install cell; copy it from another notebook'
        for c in cells:
            if c.source.strip() != want: yield f'{at(nb, c)}: differs from the install cell of settings.ini; run make badges'


@rule
def parameters_cell(p):
    "an experiment has one cell tagged parameters, every line commented, no value computed from another"
    for nb in p.nbs:
        if nb.kind != 'experiments': continue
        cells = [c for c in nb.code() if 'parameters' in c.metadata.get('tags', [])]
        if len(cells) != 1: yield f'{nb.path}: {len(cells)} cells tagged parameters; there must be one'
        for c in cells:
            t = c.tree()
            if t is None: yield f'{at(nb, c)}: cannot be parsed'; continue
            names = {n.id for n in pj.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            used = {n.id for n in pj.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            if names & used: yield f'{at(nb, c)}: computed from {sorted(names & used)}; move that below the cell'
            commented, lines = comment_lines(c.body), c.body.split('\n')
            for n in t.body:
                above = n.lineno > 1 and lines[n.lineno-2].startswith('# ') and not lines[n.lineno-2].startswith('# ---')
                if not above and not commented & set(range(n.lineno, n.end_lineno+1)):
                    yield f'{at(nb, c)}: line {n.lineno} says neither unit nor meaning; add a comment'


# ---- cells

@rule
def directives(p):
    "#| lines open their cell and are spelled as nbdev knows them"
    for nb in p.nbs:
        for c in nb.code():
            for line in c.body.splitlines():
                if re.match(r'\s*#\s?\|', line): yield f'{at(nb, c)}: {line.strip()!r} is not at the top and has no effect; move it up'
            for d in c.directives:
                if d.rstrip(':') not in pj.KNOWN: yield f'{at(nb, c)}: unknown directive {d!r}; known: {" ".join(sorted(pj.KNOWN))}'
                if d == 'eval': yield f'{at(nb, c)}: write #| eval: false, with the colon'


@rule
def exports_parse(p):
    "exported cells are plain Python 3.10, at most 40 lines, half of them under 15"
    for nb in p.nbs:
        n = [len(c.body.strip().splitlines()) for c in nb.exported()]
        if n and median(n) >= 15: yield f'{nb.path}: exported cells have {median(n):.0f} lines in the middle; split them (under 15)'
        for c in nb.exported():
            lines = len(c.body.strip().splitlines())
            if lines > 40: yield f'{at(nb, c)}: {lines} lines; split it (at most 40)'
            try: ast.parse(c.body, feature_version=(3, 10))
            except SyntaxError as e: yield f'{at(nb, c)}: {e.msg} (line {e.lineno}); magics and shell lines do not belong in exports'


def comment_lines(src):
    "Line numbers that carry a comment"
    toks = tokenize.generate_tokens(io.StringIO(src).readline)
    return {t.start[0] for t in toks if t.type == tokenize.COMMENT}


@rule
def docments(p):
    "public functions say what they do and what every parameter is"
    for nb, c, t in trees(p, lambda nb, c: 'export' in c.directives):
        commented = comment_lines(c.body)
        for f in t.body:
            if not isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or f.name.startswith('_'): continue
            if any('patch' in ast.unparse(d) for d in f.decorator_list): continue
            if not ast.get_docstring(f): yield f'{at(nb, c)}: {f.name} has no docstring; add one line'
            if isinstance(f, ast.ClassDef): continue
            args = f.args.posonlyargs + f.args.args + f.args.kwonlyargs
            above = {i+1 for i, l in enumerate(c.body.splitlines(), 1) if l.strip().startswith('#')}
            bare = [a.arg for a in args if a.lineno not in above and a.end_lineno not in commented]
            if bare: yield f'{at(nb, c)}: {f.name}: no comment on {", ".join(bare)}; say shape, unit, limits'


@rule
def safe_code(p):
    "no bare or silent except, no shell, nothing unpickled"
    for nb, c, t in trees(p):
        for n in pj.walk(t):
            for what in unsafe(n, shipped(nb, c)): yield f'{at(nb, c)}: {what}'


def caught(handler):
    "Names of the exceptions that an except clause takes; a bare one takes all"
    if handler is None: return {'BaseException'}
    return {ast.unparse(o).split('.')[-1] for o in getattr(handler, 'elts', [handler])}


def last(n):
    "The last word of a name: suppress of contextlib.suppress"
    return n.attr if isinstance(n, ast.Attribute) else getattr(n, 'id', '')


def asserting(node):
    "Does a syntax tree check anything: assert, test_eq and its kin, expect_fail?"
    named = lambda n: isinstance(n, ast.Call) and re.match(r'(test|assert)_|expect_fail$', last(n.func))
    return any(isinstance(n, ast.Assert) or named(n) for n in pj.walk(node))


def swallowed(n, ship):
    "How the syntax node `n` lets a failed assertion pass; `ship`: what ships may catch the assertions of other libraries"
    wide = {'AssertionError', 'Exception', 'BaseException'}
    for h in n.handlers if isinstance(n, ast.Try) else ():
        if not caught(h.type) & wide or any(isinstance(o, ast.Raise) for s in h.body for o in ast.walk(s)): continue
        if any(asserting(s) for s in n.body):
            yield f'a failed assertion ends in except {ast.unparse(h.type) if h.type else ""}'.rstrip() + '; let it fail, or say expect_fail'
        elif not ship and 'AssertionError' in caught(h.type): yield 'except AssertionError hides what failed; say expect_fail(AssertionError)'
    if isinstance(n, ast.Call) and last(n.func) == 'suppress' and {ast.unparse(a) for a in n.args} & wide:
        yield 'suppress() lets a failed assertion pass; name the exception'


@rule
def assertions_count(p):
    "no failed assertion is caught"
    for nb, c, t in trees(p):
        for what in dict.fromkeys(w for n in pj.walk(t) for w in swallowed(n, c.exported)): yield f'{at(nb, c)}: {what}'


def unsafe(n, ship):
    "What speaks against the syntax node `n`; `ship`: in exported cells and workbooks the rules are stricter"
    if isinstance(n, ast.ExceptHandler):
        wide = n.type is None or getattr(n.type, 'id', '') in ('Exception', 'BaseException')
        if n.type is None: yield 'bare except; name the exception'
        elif wide and all(isinstance(s, (ast.Pass, ast.Continue)) for s in n.body): yield 'a silent except; name the exception'
    if isinstance(n, ast.keyword) and n.arg == 'shell' and getattr(n.value, 'value', 0) is True: yield 'shell=True; pass a list'
    if isinstance(n, ast.Attribute) and n.attr == 'system' and ast.unparse(n) == 'os.system': yield 'os.system; use subprocess.run with a list'
    if not ship: return
    if isinstance(n, ast.keyword) and n.arg == 'weights_only' and getattr(n.value, 'value', 1) is False:
        yield 'weights_only=False unpickles; use safetensors'
    if isinstance(n, (ast.Import, ast.ImportFrom)):
        for m in {'pickle', 'cPickle', 'dill', 'cloudpickle', 'shelve'} & {o.split('.')[0] for o in imported(n)}:
            yield f'imports {m}; use tensors and JSON'
    if isinstance(n, (ast.Name, ast.Attribute, ast.alias)):
        name = n.id if isinstance(n, ast.Name) else n.attr if isinstance(n, ast.Attribute) else n.name
        if name == 'load_learner': yield 'load_learner unpickles; use tensors and JSON'
    if isinstance(n, ast.Call) and last(n.func) in ('export', 'load'):
        f = ast.unparse(n.func)
        if re.fullmatch(r'(\w*\.)*learn\w*\.export', f): yield f'{f} pickles; use tensors and JSON'
        if f in ('torch.load',) and not any(k.arg == 'weights_only' for k in n.keywords): yield 'torch.load without weights_only=True'
        if f in ('np.load', 'numpy.load') and any(k.arg == 'allow_pickle' and getattr(k.value, 'value', 0) for k in n.keywords):
            yield 'np.load with allow_pickle'


@rule
def nothing_hidden(p):
    "no cell is hidden from the tests by a magic or by the word that nbdev looks for"
    for nb in p.nbs:
        for c in nb.code():
            if m := re.search(r'(?m)^\s*%%(?!(?:time|capture)[ \t]*$).*', c.source):
                yield f'{at(nb, c)}: {m[0].strip()[:40]} may hide the cell from the tests; leave it out (%%time and %%capture alone are fine)'
            if re.search(r'nbdev_export\s*\(', c.source): yield f'{at(nb, c)}: nbdev skips a cell with the word nbdev_export and a bracket, in a comment too'


@rule
def no_mutable_defaults(p):
    "no mutable defaults in exported functions"
    for nb, c, t in trees(p, lambda nb, c: c.exported):
        for f in pj.walk(t):
            if not isinstance(f, (ast.FunctionDef, ast.Lambda)): continue
            for d in [*f.args.defaults, *f.args.kw_defaults]:
                if isinstance(d, (ast.List, ast.Dict, ast.Set)):
                    yield f'{at(nb, c)}: {getattr(f, "name", "lambda")} has the mutable default {ast.unparse(d)}; use None or a tuple'


@rule
def something_runs(p):
    "every notebook has code that runs in the tests, and none turns itself off"
    for nb in p.nbs:
        if not nb.executed(): yield f'{nb.path}: no cell is executed by the tests; a notebook that tests nothing is a failure'
        elif nb.kind in ('stage', 'checks') and not any(asserting(t) for c in nb.executed() if not c.exported and (t := c.tree())):
            yield f'{nb.path}: no test cell is executed: all are slow, cuda, colab or eval: false, or there is none; add one that asserts'
        for c in nb.cells:
            if c.kind in ('raw', 'markdown') and re.search(r'skip_exec\s*:', c.source): yield f'{at(nb, c)}: skip_exec hides it from the tests'
        if (nb.metadata.get('kernelspec') or {}).get('language', 'python') != 'python':
            yield f'{nb.path}: not a Python kernel, so the tests skip it'


# ---- lines

@rule
def long_lines(p):
    "lines of code have at most 120 characters in exported cells and workbooks, 140 elsewhere"
    for nb in p.nbs:
        for c in nb.code():
            most = WIDTH['shipped' if shipped(nb, c) else 'other']
            for i, l in enumerate(c.source.splitlines(), 1):
                if len(l) > most: yield f'{at(nb, c)}, line {i}: {len(l)} characters, at most {most}'


def workbook_lines(nb):
    "Lines of code of a workbook that a reader meets: no install, no parameters, no comments"
    skip = lambda c: '%pip install' in c.source or 'parameters' in c.metadata.get('tags', [])
    return [l for c in nb.code() if not skip(c) for l in c.body.splitlines() if l.strip() and not l.strip().startswith('#')]


@rule
def short_workbooks(p):
    "a workbook without install and parameters has at most 95 lines of code (basegun 50)"
    for nb in p.nbs:
        n, most = len(workbook_lines(nb)), WORKBOOK.get(Path(nb.path).stem, WORKBOOK['others'])
        if nb.kind == 'experiments' and n > most: yield Much(f'{nb.path}: {n} lines of code, at most {most}; move some to a stage', n-most)


@rule
def few_imports(p):
    "a workbook imports at most 30 names of ours"
    for nb in p.nbs:
        if nb.kind != 'experiments': continue
        found = {a.asname or a.name for c in nb.code() if (t := c.tree()) for n in pj.walk(t) if isinstance(n, ast.ImportFrom)
                 and str(n.module).split('.')[0] == 'nb_helpers' for a in n.names}
        if len(found) > WORKBOOK['names']: yield Much(f"{nb.path}: imports {len(found)} names of ours, at most {WORKBOOK['names']}", len(found)-WORKBOOK['names'])


# ---- names

@rule
def private_stays_home(p):
    "no notebook takes a _name of another module"
    for nb in p.nbs:
        for c, place, name in p.taken[nb.path]:
            if re.match(r'_(?!_)', name) and place != nb.module: yield f'{at(nb, c)}: {name} is private to {place}; make it public, or do without'


@rule
def public_is_reached(p):
    "a public name is reached by a user: by a workbook, a command, a face or another module"
    reached = {(m, n) for m, n in re.findall(r'nb_helpers\.([\w.]+):(\w+)', p.settings.get('console_scripts', ''))}
    for nb in p.nbs:
        for c, place, name in p.taken[nb.path]:
            home = p.names.home(place, name)
            if home == nb.module or not (shipped(nb, c) or nb.kind == 'index' or (home or '').startswith('samples.')): continue   # a test reaches for itself
            reached |= {(home, n) for n in p.names.public.get(home, [])} if name == '*' else {(home, name)}
    reached |= {(m, n) for f in p.names.faces.values() for n, m in f.items()}
    for m, public in p.names.public.items():
        for n in public if '.' in m else ():
            if (m, n) not in reached: yield f'nb_helpers/{file_of(m)}: {n} is reached by no workbook, command, face or other module: wire it in, make it private or delete it'


@rule
def public_once(p):
    "no name is public twice"
    where = {}
    for m, public in p.names.public.items():
        for n in dict.fromkeys(public): where.setdefault(n, []).append(m)
    for room, face in p.names.faces.items():
        for n, m in face.items(): where.setdefault(n, []).append(m if m in where.get(n, []) else f'{room} (its face)')
    for n, ms in where.items():
        rooms = [room for room, face in p.names.faces.items() if n in face]
        if len(set(ms)) > 1 or len(rooms) > 1: yield f'{n} is public in {" and ".join(dict.fromkeys([*ms, *(rooms if len(rooms) > 1 else [])]))}; one is enough'


@rule
def few_public(p):
    "there are at most 300 public names"
    n = sum(map(len, p.names.public.values()))
    if n > PUBLIC: yield Much(f'{n} public names, at most {PUBLIC}; make private what no other notebook needs', n-PUBLIC)


@rule
def few_in_faces(p):
    "there are at most 160 names in the faces"
    n = len(p.names.in_faces())
    if n > IN_FACES: yield Much(f'{n} names in the faces, at most {IN_FACES}', n-IN_FACES)


@rule
def faces_hold(p):
    "a face hands on what its modules make public, and says so in __all__"
    for room, text in (p.stubs or {}).items():
        file, face = f'nb_helpers/{room.replace(".", "/")}/__init__.pyi', p.names.faces[room]
        for n, m in face.items():
            if m not in p.modules: yield f'{file}: {n} is from {m}, which is not there'
            elif m != f'{room}.{n}' and n not in p.names.public.get(m, []): yield f'{file}: {n} is not public in {m}'
        listed = names.literal(ast.parse(text), '__all__')
        if listed is not None and (odd := sorted(set(listed) ^ set(face))): yield f'{file}: __all__ and the imports differ in {", ".join(odd)}'


@rule
def names_in_text(p):
    "names in backticks exist"
    everywhere = names.words(p.nbs, p.sources)
    for nb in p.nbs:
        trees_ = [t for c in nb.code() if (t := c.tree()) is not None]
        local = {n.id for t in trees_ for n in pj.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        local |= {a.arg for t in trees_ for a in pj.walk(t) if isinstance(a, ast.arg)}
        for c in nb.cells:
            if c.kind != 'markdown': continue
            for name, called in dict.fromkeys(names.quoted(c)):
                if why := names.missing(name, called, p.names, local, everywhere): yield f'{at(nb, c)}: `{name}` {why}; correct the text'


# ---- what is stored

@rule
def sizes(p):
    "stage notebooks are at most 300 KB, workbooks 500 KB"
    for nb in p.nbs:
        if nb.size > LIMITS[nb.kind]*1024: yield f'{nb.path}: {nb.size/1024:.0f} KB, at most {LIMITS[nb.kind]}; fewer or smaller figures'


PATHS = re.compile(r'''(?<![\w.~/\-])(/(?:home|root|Users|work|tmp|mnt|private|var/folders)(?=/|\b)[^\s'")<>]*|[A-Z]:\\Users\\[^\s'"]*)''')
CONTENT = re.compile(r'(?<![\w.~/\-])/content\b')
GENERIC = {'root', 'user', 'users', 'runner', 'ubuntu', 'jovyan', 'admin', 'test', 'build', 'default', 'localhost', 'codespace', 'home'}


def machine_words():
    "This machine's user and host name, where they are no everyday words"
    words = {getpass.getuser(), Path.home().name, socket.gethostname()} - GENERIC
    return [w for w in words if len(w) > 3]


@rule
def machine_paths(p):
    "no path, user or host name of a machine in code or outputs, /content only in drive"
    words = [re.compile(rf'(?<!\w){re.escape(w)}(?!\w)') for w in machine_words()]
    for nb in p.nbs:
        for c in nb.cells:
            texts = [*c.texts(), *([c.source] if c.kind == 'code' else [])]
            found = {m for t in texts for r in (PATHS, *words) for m in r.findall(t)}
            if found: yield f'{at(nb, c)}: {sorted(found)[:3]} belongs to one machine; use relative or temporary folders, print names only'
            if nb.module != 'drive.workspace' and any(CONTENT.search(t) for t in [c.source, *c.texts()]):
                yield f'{at(nb, c)}: /content is known to drive alone; take a Path'
    for name, src in (p.sources or {}).items():
        if PATHS.search(src): yield f'nb_helpers/{file_of(name)}: {PATHS.search(src)[0]} belongs to one machine'


@rule
def clean_outputs(p):
    "no stored errors, progress bars or widgets"
    bar = re.compile(r'\d+%\|.*\d+/\d+|<progress|progress-bar-interrupted|\rEpoch')
    for nb in p.nbs:
        for c in nb.code():
            if any(o.get('output_type') == 'error' for o in c.outputs): yield f'{at(nb, c)}: stores an error; make it pass and run it again'
            if any('Traceback (most recent call last)' in t for t in c.texts()): yield f'{at(nb, c)}: stores a stack trace; show the message only'
            if any(bar.search(t) for t in c.texts()): yield f'{at(nb, c)}: stores a progress bar; clear that output'
            if any('widget' in m for o in c.outputs for m in o.get('data', {})): yield f'{at(nb, c)}: stores a widget; clear that output'


SECRET = re.compile(r'\bghp_\w{30,}|\bgithub_pat_\w{30,}|\bhf_[A-Za-z0-9]{25,}|\bAKIA[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9-]{24,}|'
                    r'"key"\s*:\s*"[0-9a-f]{32}"|-----BEGIN [A-Z ]*PRIVATE KEY')


@rule
def no_secrets(p):
    "nothing that looks like a token or key"
    for nb in p.nbs:
        for c in nb.cells:
            if any(SECRET.search(t) for t in [c.source, *c.texts()]): yield f'{at(nb, c)}: looks like a secret; remove it and revoke it'


def held(f, found, ceiling=None):
    "The problems of a rule: what it found, or that it found more or less than its ceiling"
    n, most = amount(found), (CEILING if ceiling is None else ceiling).get(f.__name__)
    if most is None: return found
    if n > most: return [f'{n} places, and the ceiling is {most}: python .ci/guard.py {f.__name__} lists them', *found]
    if n < most: return [f'{n} places now: lower the ceiling of {f.__name__} to {n}' if n else f'none is left: take {f.__name__} out of CEILING']
    return []


def check(p, show=None):
    "[(name, [problems])] of every rule; `show` is told what there is, a line a rule"
    res = []
    for f in RULES:
        found = list(f(p))
        res.append((f.__doc__, held(f, found)))
        if show: show(f'{amount(found):6}  {f.__name__}: {f.__doc__}' + (f' (ceiling {CEILING[f.__name__]})' if f.__name__ in CEILING else ''))
    return res


def lower(text, p):
    "guard.py's text with each ceiling lowered to what there is, never raised"
    for f in RULES:
        if (n := amount(f(p))) < CEILING.get(f.__name__, 0):
            text = re.sub(rf'(?m)^    {f.__name__}=\d+(?=,)', f'    {f.__name__}={n}', text) if n else re.sub(rf'(?m)^    {f.__name__}=\d+,.*\n', '', text)
    return text


def main(args):
    "List what the named rules find, or lower the ceilings"
    p = read()
    if args == ['--lower']: return Path(__file__).write_text(lower(Path(__file__).read_text(encoding='utf-8'), p), encoding='utf-8')
    if odd := set(args) - {f.__name__ for f in RULES}: sys.exit(f'unknown rule {" ".join(sorted(odd))}; there are: {" ".join(f.__name__ for f in RULES)}')
    for f in RULES:
        if f.__name__ in args or not args: print(*f(p), sep='\n')


if __name__ == '__main__': main(sys.argv[1:])
