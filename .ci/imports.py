"""What importing a module of nb_helpers does besides: it should do nothing.

`heavy()`: after fastai.vision.all, which modules does each of ours add? `effects()`: imported alone, does it print,
seed, start threads, write files, change the environment or matplotlib's settings?
"""
import json, os, random, sys, tempfile, threading, traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIGHT = {'nb_helpers', 'tqdm', 'fastcore', 'packaging', 'psutil', 'yaml', 'safetensors', 'typing_extensions'}


def tops():
    "Top-level modules loaded now, without the standard library and private helpers"
    return {m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names) - {'__mp_main__'}


def in_child(f, *args):
    "f(*args) in a forked process; its JSON result, or {'error': ...}"
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        try: res = f(*args)
        except BaseException as e: res = dict(error=''.join(traceback.format_exception_only(type(e), e)).strip())
        with os.fdopen(w, 'w') as o: json.dump(res, o)
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as i: text = i.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else dict(error='the process died')


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


def bare(name):
    "Imported into a bare Python: it works, prints nothing, writes nothing, and nbdev stays out"
    # fastai's own import sets what it likes (a kernel's environment, a matplotlib default): not ours to judge here
    bad = effect(name, quiet={'environment', 'threads', 'random'})
    return bad + [f'imports {m}' for m in ('nbdev', 'execnb') if m in sys.modules]


def report(names):
    "{name: [problems]} for all modules"
    res = {n: [] for n in names}
    def note(n, got, fmt='{}'):
        if isinstance(got, dict): res[n].append(got['error'])
        else: res[n] += [fmt.format(g) for g in got]
    for n in names: note(n, in_child(bare, n))
    import fastai.vision.all  # noqa: F401
    for n in names:
        got = in_child(added, n)
        note(n, got if isinstance(got, dict) else not_light(got), 'adds {} at import; import it inside the function that needs it')
        got = in_child(effect, n)
        note(n, got, 'changes the {}' if not isinstance(got, dict) else '{}')
    return {n: [p.replace('changes the prints', 'prints').replace('changes the writes', 'writes') for p in dict.fromkeys(v)]
            for n, v in res.items()}


if __name__ == '__main__':
    os.environ['PYTHONWARNINGS'] = 'ignore'
    sys.path[:0] = [str(ROOT)]
    print(json.dumps(report(sys.argv[1:])))
