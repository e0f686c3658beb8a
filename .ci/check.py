"""Every check of `make test`, in the order of a person's patience; `check.py guard imports` runs only those, `check.py but colab` all others.

Each step yields (name, problems); a step with problems has failed. The last line is `N passed, N failed` alone.
"""
import atexit, hashlib, json, os, re, resource, shutil, signal, subprocess, sys, tempfile, time, unittest
from pathlib import Path
import colab_leg, commands, guard, names, project as pj, readme, resolve

ROOT = pj.ROOT
BIN = Path(sys.executable).parent
SEEN = ('nbs', 'nb_helpers')
LEFT_OUT = ('__pycache__', '.ipynb_checkpoints', '.hypothesis')   # wherever they lie
MADE = ('runs', 'data', 'drive')                                  # what a workbook makes where it was run: nb_helpers/runs is code


def command(name, *args):
    "One of our tools, run quietly in the root: (exit code, what it said)"
    p = subprocess.run([str(BIN/name), *args], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       env=dict(os.environ, PYTHONWARNINGS='ignore'))
    return p.returncode, p.stdout.strip()


def snapshot(root=ROOT):
    "{path: hash} of the files of the root, nbs/ and nb_helpers/"
    files = [p for p in root.iterdir() if p.is_file()] + [p for d in SEEN for p in (root/d).rglob('*') if p.is_file()]
    rel = {p.relative_to(root): p for p in files}
    return {r.as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for r, p in rel.items()
            if not any(o in LEFT_OUT for o in r.parts) and r.parts[:2] != ('nbs', '_drafts')
            and not (r.parts[0] == 'nbs' and any(o in MADE for o in r.parts))}


def changed(a, b, remedy):
    "What is new, gone or different between two snapshots"
    what = lambda k: 'is new' if k not in a else 'is gone' if k not in b else 'changes'
    return [f'{k} {what(k)}; {remedy}' for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k)]


def untracked(root=ROOT):
    "Files of nbs/ and nb_helpers/ that git does not know"
    p = subprocess.run(['git', 'ls-files', '-o', '--exclude-standard', *SEEN], cwd=root, capture_output=True, text=True)
    if p.returncode: return []  # a downloaded copy without .git: there is nothing to compare with
    return [f'{l} is not in git; git add it, or remove it' for l in p.stdout.splitlines()]


def changes_nothing(name):
    "Run nbdev_clean or nbdev_export and see that no file changes"
    a = snapshot()
    rc, said = command(name)
    bad = [f'{name} failed:\n{colab_leg.plain(said)}'] if rc else []
    return bad + changed(a, snapshot(), 'it is now as it should be: look at it and commit it')


def step_selftest():
    "the checks check themselves: tiny wrong projects that each rule must refuse"
    suite = unittest.defaultTestLoader.loadTestsFromName('test_guard')
    res = unittest.TestResult()
    suite.run(res)
    bad = {t.id(): e.strip().splitlines()[-1] for t, e in res.failures + res.errors}
    for t, e in bad.items(): yield t, [e]
    for i in range(res.testsRun - len(bad)): yield None, []
    print(f'  {res.testsRun} tests', flush=True)


def step_clean():
    "nbdev_clean changes nothing"
    yield 'nbdev_clean changes nothing', changes_nothing('nbdev_clean')


def step_export():
    "nbdev_export changes nothing, and nothing is untracked"
    yield 'nbdev_export changes nothing', changes_nothing('nbdev_export')
    yield 'nothing in nbs/ and nb_helpers/ is untracked', untracked()


def step_readme():
    "README.md is in step with nbs/index.ipynb"
    yield 'README.md is in step with nbs/index.ipynb', readme.problems()


def step_commands():
    "every command and link of the documentation: its options, parameters, values and files exist"
    yield from commands.problems()


def step_guard():
    "the shape of the notebooks"
    yield from guard.check(guard.read(), lambda s: print(f'  {s}', flush=True))


def step_requirements():
    "requirements leave Colab's versions alone"
    colab_leg.install_pair()
    yield "requirements are ranges that Colab's versions meet", resolve.colab_problems()
    yield 'constraints.txt holds in .venv', resolve.installed_problems()


def step_imports():
    "importing a module, a room or a face does nothing else and adds nothing heavy"
    mods = pj.modules()
    rooms = sorted({m.rsplit('.', 1)[0] for m in mods if '.' in m})
    asked = dict(names=['nb_helpers', *(f'nb_helpers.{m}' for m in [*rooms, *mods])], faces=list(names.stubs()))
    p = subprocess.run([sys.executable, '.ci/imports.py'], cwd=ROOT, text=True, input=json.dumps(asked), capture_output=True)
    try: res = json.loads(p.stdout.splitlines()[-1])
    except (IndexError, ValueError): res = dict(report=[colab_leg.plain(p.stderr or p.stdout)])
    for n, bad in res.items(): yield f'import {n} does nothing else', bad


def step_nbdev():
    "nbdev's test of every notebook on the versions of .venv"
    a = snapshot()
    todo = pj.paths()
    done, words = nbdev_leg(pj.longest_first(todo))
    pj.note({p: o['seconds'] for p, o in done.items() if not o['late']})
    yield 'nbdev_test would run the same notebooks', [f'{p} is seen by one of both only' for p in sorted(set(todo) ^ set(nbdev_files()))]
    for p in todo: yield f'nbdev_test {p}', trouble(done.get(p))
    if words: print(colab_leg.plain(words, 30), flush=True)
    yield 'nbdev_test leaves no files behind', changed(a, snapshot(), 'tests belong in temporary folders')


def trouble(o):
    "What is wrong with a notebook, from what the leg says of it; None where it says nothing"
    if o is None: return ['the leg never came to it']
    if o['late']: return [f"not done after {o['seconds']:.0f} s\n{colab_leg.plain(o['said'], 6)}"]
    if o['result'] is None: return [f"its process died\n{colab_leg.plain(o['said'])}"]
    return [] if o['result']['ok'] else [error_text(o['result']['error'])]


def error_text(said):
    "The cell and the end of the error of nbdev's test"
    cell = (re.findall(r'While Executing (Cell #\d+)', said) or ['some cell'])[-1].lower()
    return f'{cell}\n{colab_leg.plain(said)}'


LEG_ENV = dict(PYTHONUNBUFFERED='1', OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', PYTHONWARNINGS='ignore')


def nbdev_files():
    "The notebooks that nbdev_test would find"
    p = subprocess.run([sys.executable, '.ci/nbdev_leg.py'], cwd=ROOT, env=dict(os.environ, **LEG_ENV), text=True, stdout=subprocess.PIPE)
    return json.loads(p.stdout or '[]')


def nbdev_leg(todo, limit=colab_leg.LIMIT, root=ROOT):
    "Run the leg, two notebooks at a time: ({notebook: what it says}, what is said besides)"
    with tempfile.TemporaryFile('w+') as err:
        p = subprocess.Popen([sys.executable, '.ci/nbdev_leg.py', '-'], cwd=root, env=dict(os.environ, **LEG_ENV), text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=err, start_new_session=True)
        done = {}
        try:
            print(json.dumps(dict(paths=todo, limit=limit)), file=p.stdin, flush=True)   # stays open: the leg ends when this process does
            for line in p.stdout:
                o = json.loads(line)
                done[o['item']] = o
                print(f"  {o['item']:44} {o['seconds']:6.1f} s  cpu {o['cpu']:6.1f} s  {'FAILED' if trouble(o) else 'ok'}", flush=True)
        finally:
            p.stdin.close()
            try: code = p.wait(10)
            except subprocess.TimeoutExpired: p.kill(); code = p.wait()
        err.seek(0)
        return done, err.read() if code else ''


def step_colab():
    "all notebooks on Colab's fastai and fastcore, without nbdev"
    global EXECUTED
    a = snapshot()
    res = colab_leg.leg()
    EXECUTED = sum(r.cells for r in res)
    pj.note({r.path: r.seconds for r in res if not r.error})
    for r in res: yield f'on Colab\'s versions {r.path}', [r.error.splitlines()[0]] if r.error else []
    if not res: yield 'there are notebooks', ['nbs/ is empty']
    yield 'the second leg leaves no files behind', changed(a, snapshot(), 'tests belong in temporary folders')


EXECUTED = None
STEPS = dict(selftest=step_selftest, clean=step_clean, export=step_export, readme=step_readme, commands=step_commands, nbdev=step_nbdev,
             colab=step_colab, guard=step_guard, requirements=step_requirements, imports=step_imports)


def run_step(key):
    "Run one step, print it, (passed, failed)"
    f, t, cpu, ok, bad = STEPS[key], time.time(), cpu_seconds(), 0, 0
    print(f'\n{key}: {f.__doc__}', flush=True)
    try: results = list(f())
    except Exception as e: results = [(f'{key} ran to its end', [f'{type(e).__name__}: {e}'])]
    for name, problems in results:
        ok, bad = ok + (not problems), bad + bool(problems)
        if problems: print(f'  FAILED  {name}')
        for line in problems[:40]: print(f'    {line}')
    print(f'  {ok} passed, {bad} failed, {time.time()-t:.0f} s, of processors {cpu_seconds()-cpu:.0f} s', flush=True)
    return ok, bad


def cpu_seconds():
    "Processor seconds of this process and of the children that it has waited for"
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def usable_home():
    "A temporary home where there is none that can be written: Matplotlib and IPython would warn in the middle of outputs"
    try: tempfile.TemporaryFile(dir=Path.home()).close()
    except (OSError, RuntimeError):
        os.environ['HOME'] = tempfile.mkdtemp(prefix='home-')
        atexit.register(shutil.rmtree, os.environ['HOME'], ignore_errors=True)


def main(keys=None):
    "All steps or those named; the exit code"
    usable_home()
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(143))   # what is running ends, temporary folders go
    but, keys = (keys or [])[:1] == ['but'], [k for k in keys or [] if k != 'but']
    unknown = set(keys) - STEPS.keys()
    if unknown: sys.exit(f"unknown step {' '.join(sorted(unknown))}; there are: {' '.join(STEPS)}")
    t = time.time()
    counts = [run_step(k) for k in ([k for k in STEPS if k not in keys] if but else keys or STEPS)]
    ok, bad = (sum(c) for c in zip(*counts))
    cells = 'not counted' if EXECUTED is None else f'{EXECUTED}'
    print(f'\nexecuted cells: {cells}; {time.time()-t:.0f} s')
    print(f'{ok} passed, {bad} failed')
    return int(bad > 0)


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
