"""What importing a module, a room or a face of nb_helpers does besides: it should do nothing.

`effect()`: imported with none of ours before it, does it print, seed, start threads, write files, change the environment or matplotlib's
settings? `added()`: after fastai.vision.all, which modules does it add? Each in a forked process. What needs no torch by its imports is forked from a
process that has none, and must not bring it; the rest from one that has imported fastai, which sets what it likes.
"""
import ast, json, os, random, sys, tempfile, threading, traceback
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {'torch', 'torchvision', 'fastai', 'timm', 'accelerate'}   # what takes seconds to import
FIRST = ('numpy', 'pandas', 'PIL.Image', 'matplotlib.pyplot', 'scipy.stats', 'sklearn.metrics', 'sklearn.model_selection')
LIGHT = {'nb_helpers', 'lazy_loader', 'tqdm', 'fastcore', 'packaging', 'psutil', 'yaml', 'safetensors', 'typing_extensions'}


def tops():
    "Top-level modules loaded now, without the standard library and private helpers"
    return {m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names) - {'__mp_main__'}


def begin(f, *args):
    "Fork a process that runs f(*args): (its id, where its result can be read)"
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        try: res = f(*args)
        except BaseException as e: res = dict(error=''.join(traceback.format_exception_only(type(e), e)).strip())
        with os.fdopen(w, 'w') as o: json.dump(res, o)
        os._exit(0)
    os.close(w)
    return pid, r


def result(pid, r):
    "What a forked process found; {'error': ...} where it failed or died"
    with os.fdopen(r) as i: text = i.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else dict(error='the process died')


def in_child(f, *args):
    "f(*args) in a forked process; its JSON result, or {'error': ...}"
    return result(*begin(f, *args))


def each(f, names, workers=2):
    "{name: f(name)}, each in a forked process, `workers` at a time"
    half = lambda k: {n: in_child(f, n) for n in names[k::workers]}
    res = {}
    for got in [result(*o) for o in [begin(half, k) for k in range(workers)]]: res |= got
    return {n: res.get(n, dict(error='the process died')) for n in names}


def load(name): __import__(name)


def added(name):
    "Top-level modules that importing `name` adds"
    t = tops()
    load(name)
    return sorted(tops() - t)


def not_light(found, light=LIGHT):
    "Those of `found` that are not known to be small; compiled parts (_x, x__mypyc) do not count"
    return [m for m in found if m not in light and not m.startswith('_') and not m.endswith('__mypyc')]


def state():
    "What an import must leave as it is, as {what: text}"
    s = dict(environment=json.dumps(dict(os.environ), sort_keys=True), threads=str(threading.active_count()),
             folder=os.getcwd(), random=str(hash(random.getstate())))
    if np := sys.modules.get('numpy'): s['numpy seed'] = str(np.random.get_state()[1].tolist())
    if torch := sys.modules.get('torch'):
        s.update({'torch seed': str(hash(bytes(torch.get_rng_state().tolist()))), 'torch dtype': str(torch.get_default_dtype()),
                  'torch threads': str(torch.get_num_threads()), 'grad mode': str(torch.is_grad_enabled())})
        s['cudnn.benchmark'] = str(torch.backends.cudnn.benchmark)
    if mpl := sys.modules.get('matplotlib'): s['matplotlib settings'] = str(sorted(mpl.rcParams.items(), key=str))
    if mp := sys.modules.get('multiprocessing'): s['multiprocessing start'] = str(mp.get_start_method(allow_none=True))
    return s


def effect(name, quiet=()):
    "Side effects of importing `name` in an empty folder: [what]"
    with tempfile.TemporaryDirectory() as d, tempfile.TemporaryFile() as said:
        os.chdir(d)
        sys.stdout.flush(), sys.stderr.flush()
        os.dup2(said.fileno(), 1), os.dup2(said.fileno(), 2)
        a = state()
        load(name)
        b = state()
        sys.stdout.flush(), sys.stderr.flush()
        said.seek(0)
        text = said.read().decode(errors='replace').strip()
        bad = [k for k in a if a[k] != b[k] and k not in quiet]
        if os.listdir(d): bad.append(f'writes {sorted(os.listdir(d))}')
        os.chdir('/')
    return bad + [f'prints {text[:100]!r}']*bool(text)


def needs(name, lib=ROOT, seen=None):
    "Top-level modules that importing `name` brings by the import lines of its file and of ours that it imports, the functions' own left out"
    seen = {} if seen is None else seen
    if name in seen: return seen[name]
    seen[name] = set()
    top, (*up, _) = Path(lib, *name.split('.')), name.split('.')
    file = top/'__init__.py' if top.is_dir() else top.with_suffix('.py')
    if not file.exists(): return seen[name]
    if top.is_dir(): up = name.split('.')
    found, todo = set(), list(ast.parse(file.read_text(encoding='utf-8')).body)
    while todo:
        n = todo.pop()
        if isinstance(n, ast.Import): found |= {a.name for a in n.names}
        elif isinstance(n, ast.ImportFrom):
            base = '.'.join((up[:len(up)-n.level+1] if n.level else []) + ([n.module] if n.module else []))
            found |= {base} | {f'{base}.{a.name}' for a in n.names if base.split('.')[0] == name.split('.')[0]}
        elif not isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)): todo += ast.iter_child_nodes(n)
    own = lambda m: m.split('.')[0] == name.split('.')[0]
    seen[name] |= {m.split('.')[0] for m in found if not own(m)}
    for m in found: seen[name] |= needs(m, lib, seen) if own(m) else set()
    return seen[name]


def alone(name):
    "Problems of importing `name` before any other of ours"
    had = tops()
    bad = [f'changes the {what}' for what in effect(name)]
    return bad + [f'imports {m}; import it inside the function that needs it' for m in sorted((HEAVY | {'nbdev', 'execnb'}) & (tops() - had))]


def behind(room):
    "Names of a room's face that cannot be had"
    import names
    place = import_module(f'nb_helpers.{room}')
    said = names.stub((ROOT/'nb_helpers'/room.replace('.', '/')/'__init__.pyi').read_text(encoding='utf-8'), room)
    return [f'hands on {n}, which {m} has not' for n, m in said.items() if not hasattr(place, n)]


def report(names, faces=()):
    "{name: [problems]} for all modules and rooms; `faces`: rooms that have one"
    res, seen = {n: [] for n in names}, {}
    def note(got, fmt='{}'):
        for n, o in got.items(): res.setdefault(n, []).extend([o['error']] if isinstance(o, dict) else [fmt.format(p) for p in o])
    light = [n for n in names if not needs(n, seen=seen) & HEAVY]
    for m in FIRST: import_module(m)
    note(each(alone, light))
    import fastai.vision.all  # noqa: F401
    note(each(alone, [n for n in names if n not in light]))
    heavy = each(added, names)
    note({n: o if isinstance(o, dict) else not_light(o) for n, o in heavy.items()}, 'adds {} at import; import it inside the function that needs it')
    note({f'nb_helpers.{r}': o for r, o in each(behind, list(faces)).items()})
    return {n: [p.replace('changes the prints', 'prints').replace('changes the writes', 'writes') for p in dict.fromkeys(v)]
            for n, v in res.items()}


if __name__ == '__main__':
    os.environ['PYTHONWARNINGS'] = 'ignore'
    sys.path[:0] = [str(ROOT)]
    os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')   # no threads before a fork
    asked = json.load(sys.stdin)
    print(json.dumps(report(asked['names'], asked['faces'])))
