"""Every check of `make test`, in the order of a person's patience; `check.py guard imports` runs only those.

Each step yields (name, problems); a step with problems has failed. The last line is `N passed, N failed` alone.
"""
import atexit, hashlib, json, os, re, shutil, subprocess, sys, tempfile, threading, time, unittest
from pathlib import Path
import colab_leg, guard, project as pj, readme, resolve

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


def step_guard():
    "the shape of the notebooks"
    yield from guard.check(guard.read(), lambda s: print(f'  {s}', flush=True))


def step_requirements():
    "requirements leave Colab's versions alone"
    colab_leg.install_pair()
    yield "requirements are ranges that Colab's versions meet", resolve.colab_problems()
    yield 'constraints.txt holds in .venv', resolve.installed_problems()


def step_imports():
    "importing a module does nothing else and adds nothing heavy"
    names = [f'nb_helpers.{m}' for m in pj.modules()]
    ps = [subprocess.Popen([sys.executable, '.ci/imports.py', *names[k::2]], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for k in (0, 1)]
    res = {}
    for k, (out, err) in enumerate([p.communicate() for p in ps]):  # what the second says waits in its pipe: a line or two
        try: res |= json.loads(out.splitlines()[-1])
        except (IndexError, ValueError): res[f'half {k}'] = [colab_leg.plain(err or out)]
    for n, bad in res.items(): yield f'import {n} does nothing else', bad


def step_nbdev():
    "nbdev_test on the versions of .venv"
    a = snapshot()
    todo = pj.paths()
    rc, said, late = nbdev_test()
    failed, errors = set(re.findall(r'(?m)^\t(\S+\.ipynb)$', said)), error_texts(said)
    done = {p for what, p in marks(said) if what == '- Completed'}
    for p in todo:
        name = Path(p).name
        bad = [f'not done after {colab_leg.LIMIT} s'] if p in late else [errors.get(p, 'it fails')] if p in errors or name in failed else \
              ['nbdev_test never finished it'] if p not in done else []
        yield f'nbdev_test {p}', bad
    if rc and not failed: yield 'nbdev_test ends well', [f'exit code {rc}']
    if rc and not errors: print(colab_leg.plain(said, 30), flush=True)
    yield 'nbdev_test leaves no files behind', changed(a, snapshot(), 'tests belong in temporary folders')


def local(path):
    "A notebook's path relative to the root"
    return path.removeprefix(f'{ROOT}/')


def marks(text):
    "[('Starting' or '- Completed', path)]: two workers may print on one line"
    return [(what, local(p)) for what, p in re.findall(r'(Starting|- Completed) (\S+?\.ipynb)', text)]


def error_texts(said):
    "{notebook: the end of its error} from what nbdev_test says"
    said = re.sub(r'(Starting|- Completed) \S+\.ipynb\n?', '', said.split('\nnbdev Tests Failed On')[0])
    parts = re.split(r'(?m)^.* in (\S+\.ipynb):\n=+\n', said)
    cell = lambda t: (re.findall(r'While Executing (Cell #\d+)', t) or ['some cell'])[0].lower()
    return {local(n): f'{cell(t)}\n{colab_leg.plain(own_lines(t))}' for n, t in zip(parts[1::2], parts[2::2])}


def own_lines(text, after=6):
    "A traceback to its exception: the other worker's output may follow it, and would push it out of sight"
    lines = text.splitlines()
    at = [i for i, l in enumerate(lines) if re.match(r'[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning)\b', l)]
    return '\n'.join(lines[:at[-1] + after] if at else lines)


def nbdev_test(limit=colab_leg.LIMIT):
    "Run it, two notebooks at a time: (exit code, output, notebooks over the time limit)"
    env = dict(os.environ, PYTHONUNBUFFERED='1', OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', PYTHONWARNINGS='ignore')
    p = subprocess.Popen([str(BIN/'nbdev_test'), '--n_workers', '2', '--do_print'], cwd=ROOT, env=env, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    began, late, said = {}, set(), []
    threading.Thread(target=watch, args=(p, began, late, limit), daemon=True).start()
    for line in p.stdout:
        said.append(line)
        for what, path in marks(line):
            if what == 'Starting': began[path] = time.time()
            else: print(f'  {path:44} {time.time()-began.pop(path, time.time()):6.1f} s', flush=True)
    return p.wait(), ''.join(said), late


def watch(p, began, late, limit):
    "Stop nbdev_test when one notebook takes too long"
    while p.poll() is None:
        over = [n for n, t in list(began.items()) if time.time()-t > limit]
        if over:
            late.update(over)
            os.killpg(p.pid, 9)
        time.sleep(1)


def step_colab():
    "all notebooks on Colab's fastai and fastcore, without nbdev"
    global EXECUTED
    a = snapshot()
    res = colab_leg.leg()
    EXECUTED = sum(r.cells for r in res)
    for r in res: yield f'on Colab\'s versions {r.path}', [r.error.splitlines()[0]] if r.error else []
    if not res: yield 'there are notebooks', ['nbs/ is empty']
    yield 'the second leg leaves no files behind', changed(a, snapshot(), 'tests belong in temporary folders')


EXECUTED = None
STEPS = dict(selftest=step_selftest, clean=step_clean, export=step_export, readme=step_readme, nbdev=step_nbdev,
             colab=step_colab, guard=step_guard, requirements=step_requirements, imports=step_imports)


def run_step(key):
    "Run one step, print it, (passed, failed)"
    f, t, ok, bad = STEPS[key], time.time(), 0, 0
    print(f'\n{key}: {f.__doc__}', flush=True)
    try: results = list(f())
    except Exception as e: results = [(f'{key} ran to its end', [f'{type(e).__name__}: {e}'])]
    for name, problems in results:
        ok, bad = ok + (not problems), bad + bool(problems)
        if problems: print(f'  FAILED  {name}')
        for line in problems[:40]: print(f'    {line}')
    print(f'  {ok} passed, {bad} failed, {time.time()-t:.0f} s', flush=True)
    return ok, bad


def usable_home():
    "A temporary home where there is none that can be written: Matplotlib and IPython would warn in the middle of outputs"
    try: tempfile.TemporaryFile(dir=Path.home()).close()
    except (OSError, RuntimeError):
        os.environ['HOME'] = tempfile.mkdtemp(prefix='home-')
        atexit.register(shutil.rmtree, os.environ['HOME'], ignore_errors=True)


def main(keys=None):
    "All steps or those named; the exit code"
    usable_home()
    unknown = set(keys or []) - STEPS.keys()
    if unknown: sys.exit(f"unknown step {' '.join(sorted(unknown))}; there are: {' '.join(STEPS)}")
    t = time.time()
    counts = [run_step(k) for k in keys or STEPS]
    ok, bad = (sum(c) for c in zip(*counts))
    cells = 'not counted' if EXECUTED is None else f'{EXECUTED}'
    print(f'\nexecuted cells: {cells}; {time.time()-t:.0f} s')
    print(f'{ok} passed, {bad} failed')
    return int(bad > 0)


if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
