"""The second leg: every notebook in a kernel of its own on Colab's fastai and fastcore, without nbdev.

The pair stands in `colab_pair` of settings.ini; it is laid over .venv through PYTHONPATH. As in nbdev_test, cells
flagged slow, cuda, colab or eval: false are left out. A kernel is forked from a process that has imported fastai (`warm`), where there is one.
`python .ci/colab_leg.py nbs/01_gpu.ipynb` runs one notebook.
"""
import asyncio, os, re, shutil, subprocess, sys, tempfile, time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from project import FLAGS, ROOT, load, longest_first, paths, settings

PAIR = ROOT/'.venv'/'colab'
ABSENT = ('nbdev', 'execnb', 'ghapi')  # development tools that Colab has not
LIMIT = 600  # s a notebook
# The first leg trains the workbooks whole; this one shows that they run from their first cell to their last with the other pair.
FEWER = dict(basegun='epochs = 4', retinopathy='epochs, epochs_old = 3, 1', stall_catchers='epochs_adam, epochs_ranger = 2, 1',
             ankle_align='epochs, epochs_ladder = 6, 3', mask_depth='epochs = [1, 1]')


@dataclass
class Result:
    "One notebook: how many cells ran, how long it took, what went wrong ('' = nothing)"
    path: str
    cells: int
    seconds: float
    error: str = ''


def install_pair(pair=None, to=PAIR):
    "fastai and fastcore as Colab has them, in .venv/colab; once"
    pair = (pair or settings()['colab_pair']).split()
    stamp = to/'pair.txt'
    if stamp.exists() and stamp.read_text().split() == pair: return to
    shutil.rmtree(to, ignore_errors=True)
    print('installing ' + ' '.join(pair), flush=True)
    cmd = [sys.executable, '-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--no-deps', '--target', str(to), *pair]
    p = subprocess.run(cmd, capture_output=True, text=True)
    if p.returncode: raise RuntimeError('pip could not install ' + ' '.join(pair) + ': ' + p.stderr.strip()[-400:])
    for m in ABSENT: (to/f'{m}.py').write_text(f"raise ModuleNotFoundError(\"No module named '{m}': Colab has none\", name='{m}')\n")
    stamp.write_text('\n'.join(pair))
    return to


def environment(pair=PAIR):
    "Environment of the kernel: the pair first, one thread each since two kernels run side by side"
    more = [o for o in os.environ.get('PYTHONPATH', '').split(os.pathsep) if o]
    return dict(os.environ, PYTHONPATH=os.pathsep.join([str(pair), *more]), OMP_NUM_THREADS='1',
                MKL_NUM_THREADS='1', PYTHONWARNINGS='ignore', IN_COLAB_LEG='1')


@contextmanager
def warm(env, root=ROOT, wait=120, modules=()):
    "Start a process that forks kernels with the environment `env`; what Jupyter is to start, or None where that is not possible"
    if sys.platform != 'linux': yield None; return
    dir = tempfile.mkdtemp(prefix='warm-')
    door, here = f'{dir}/s', str(Path(__file__).with_name('warm.py'))
    err = tempfile.TemporaryFile()
    p = subprocess.Popen([sys.executable, here, 'serve', door, *modules], env=env, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         stderr=err, start_new_session=True)
    try:
        until = time.time() + wait
        while not os.path.exists(door) and p.poll() is None and time.time() < until: time.sleep(.1)
        if not (ready := os.path.exists(door)):
            err.seek(0)
            print(f'  every kernel starts by itself, which takes longer:\n{plain(err.read().decode(errors="replace"), 1)}', flush=True)
        yield [sys.executable, '-I', '-S', here, 'kernel', door, '-f'] if ready else None
    finally:
        p.stdin.close()                      # it ends its kernels, then itself
        err.close()
        try: p.wait(10)
        except subprocess.TimeoutExpired: p.kill(), p.wait()
        shutil.rmtree(dir, ignore_errors=True)


def manager(start):
    "A kernel manager class whose kernels are started by the command `start`, or as Jupyter does where that is None"
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    if start is None: return AsyncKernelManager
    spec = KernelSpec(argv=[*start, '{connection_file}'], language='python', display_name='python3')
    return type('WarmKernelManager', (AsyncKernelManager,), dict(kernel_spec=property(lambda self: spec)))


def assertion(pair):
    "Code that stops a kernel in which the pair is not the one in use"
    want = dict(o.split('==') for o in pair.split())
    lines = ['import importlib as _i, importlib.util as _u']
    lines += [f"assert _i.import_module('{n}').__version__ == '{v}', ('{n}', _i.import_module('{n}').__version__)" for n, v in want.items()]
    lines += ['try: import nbdev', 'except ImportError: pass', "else: raise AssertionError('nbdev can be imported')", 'del _i, _u']
    return '\n'.join(lines)


def plain(text, lines=12):
    "The end of an error text, without colours"
    text = re.sub(r'\x1b\[[0-9;]*m', '', text).rstrip().splitlines()
    return '\n'.join('    ' + l[:200] for l in text[-lines:])


async def execute(path, env, check, root=ROOT, start=None):
    "Run one notebook, its temporary files in a folder of its own; a `Result`"
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory(prefix='nb-', ignore_cleanup_errors=True) as tmp:
        return await execute_to(path, dict(env, TMPDIR=tmp), check, said, root, start=start)


async def execute_to(path, env, check, said, root=ROOT, flags=FLAGS, start=None):
    "The same, the kernel's own words in the file `said`"
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    t, n, here = time.time(), 0, 'the kernel did not start'
    nb = nbformat.read(root/path, as_version=4)
    cells = load(path, root).cells
    nb.cells.insert(0, nbformat.v4.new_code_cell(check))
    client = NotebookClient(nb, timeout=None, kernel_name='python3', kernel_manager_class=manager(start),
                            resources={'metadata': {'path': str((root/path).parent)}})
    try:
        async with client.async_setup_kernel(env=env, stderr=said):
            here = "Colab's versions"
            await client.async_execute_cell(nb.cells[0], 0)
            for c, old in zip(nb.cells[1:], cells):
                if not old.runs(flags): continue
                here = f'cell {old.idx}: {(old.body.strip().splitlines() or [""])[0][:80]}'
                await client.async_execute_cell(c, old.idx+1)
                n += 1
                if 'parameters' in c.metadata.get('tags', []):
                    await client.async_execute_cell(nbformat.v4.new_code_cell(FEWER.get(Path(path).stem, '')), old.idx+1)
    except DeadKernelError:
        said.seek(0)
        return Result(path, n, time.time()-t, f'{here}\n    the kernel died\n{plain(said.read().decode(errors="replace"))}')
    except CellExecutionError as e:
        return Result(path, n, time.time()-t, f'{here}\n{plain(str(e))}')
    except asyncio.CancelledError:
        return Result(path, n, time.time()-t, here)
    return Result(path, n, time.time()-t, '' if n else 'no cell was executed')


async def run_all(todo, env, check, workers=2, limit=LIMIT, show=print, root=ROOT, start=None):
    "Run the notebooks, two at a time, in this order; a line each as it ends"
    asyncio.get_running_loop().add_signal_handler = lambda *a: None  # nbclient's would make of Ctrl-C an error of the notebook
    gate = asyncio.Semaphore(workers)
    async def one(path):
        async with gate:
            task = asyncio.ensure_future(execute(path, env, check, root=root, start=start))
            done, _ = await asyncio.wait([task], timeout=limit)
            if not done: task.cancel()  # the kernel goes with it, which may come back as an error of its own
            r = await task
            if not done: r.error = f'{r.error.splitlines()[0]}\n    not done after {r.seconds:.0f} s'
        show(f"  {r.path:44} {r.cells:4} cells {r.seconds:6.1f} s  {'FAILED' if r.error else 'ok'}")
        if r.error: show(f'    {r.error}')
        return r
    return await asyncio.gather(*[one(p) for p in todo])


def leg(todo=None, workers=2, limit=LIMIT):
    "All notebooks on Colab's pair: [Result]"
    pair = settings()['colab_pair']
    install_pair(pair)
    show = lambda s: print(s, flush=True)
    env = environment()
    with warm(env) as start: return asyncio.run(run_all(longest_first(todo or paths()), env, assertion(pair), workers, limit, show, start=start))


if __name__ == '__main__':
    res = leg(sys.argv[1:] or None)
    print(f'{sum(r.cells for r in res)} cells executed')
    sys.exit(any(r.error for r in res))
