"""A process that has imported what nearly every notebook imports, and is forked for each: kernels (`serve`) and plain work (`forked`).

What is loaded is other people's: fastai and what it brings. Nothing of nb_helpers, so that a notebook still imports its own. A child starts as
a fresh process would: its own session, folder, TMPDIR, standard streams and random numbers. Only its group is killed when it is late.

    warm.py serve SOCKET [MODULE]  the process; it ends, with its children, when its standard input closes
    warm.py kernel SOCKET -f FILE  what Jupyter starts instead of ipykernel: asks for a fork, hands its streams and signals on, ends as it ends
"""
import json, os, signal, socket, sys

LOADED = ('fastai.vision.all', 'albumentations', 'cv2', 'scipy.stats', 'seaborn', 'sklearn.metrics', 'sklearn.model_selection', 'timm')
QUIET = dict(NO_ALBUMENTATIONS_UPDATE='1')               # albumentations would ask the network for a newer version
SAME = ('JPY_', 'TMPDIR', 'PWD', 'OLDPWD', 'SHLVL', '_', 'NB_HELPERS_', 'IN_COLAB_LEG', 'COLUMNS', 'LINES')  # may differ from the warm process's
ENDS = {signal.SIGINT, signal.SIGTERM}
INLINE = 'module://matplotlib_inline.backend_inline'


# ---- the child

def fresh(env=None, cwd=None, streams=None):
    "In a forked child: what the parent would otherwise share with it"
    import random
    os.setsid()
    signal.set_wakeup_fd(-1)
    for s in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP): signal.signal(s, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    for to, fd in enumerate(streams or ()): os.dup2(fd, to)
    for fd in streams or (): os.close(fd)
    if env is not None:
        for k in set(os.environ) - set(env): del os.environ[k]
        os.environ.update(env)
    if cwd: os.chdir(cwd)
    if t := sys.modules.get('tempfile'): t.tempdir = None
    random.seed()
    if np := sys.modules.get('numpy'): np.random.seed()
    if torch := sys.modules.get('torch'): torch.default_generator.seed()


def finish(f):
    "The child's whole life: f(), what is to be done at exit, and an end that never returns to the parent's code"
    import atexit, threading, traceback
    code = 1
    try: code = f() or 0
    except SystemExit as e: code = e.code if isinstance(e.code, int) else int(e.code is not None)
    except BaseException: traceback.print_exc()
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush(), sys.stderr.flush()
    finally: os._exit(code)


def kill(pid, sig=signal.SIGKILL, gone=False):
    "A process's whole group, or it alone before it has one; `gone`: it was waited for, so only what it left behind"
    try: return os.killpg(pid, sig)
    except (ProcessLookupError, PermissionError): pass
    try: gone or os.kill(pid, sig)
    except (ProcessLookupError, PermissionError): pass


# ---- what the parent looks like

class Shell:
    "What libraries look at to find out at import whether they are in a notebook; the real one comes after the fork"
    config, kernel, user_ns, events, display_pub = {}, None, {}, None, None


def gpu():
    "Is there a GPU that the import of fastai would open? It could not be used after a fork"
    return any(map(os.path.exists, ('/dev/nvidiactl', '/dev/nvidia0', '/dev/kfd', '/dev/dxg')))


def load(shell, modules=LOADED, **config):
    "Import `modules` as in a shell of class `shell` with `config`, with no shell yet; nothing where a GPU forbids it"
    if gpu(): return
    import builtins, importlib, IPython
    from IPython.core import getipython
    real, stand_in = getipython.get_ipython, type(shell, (Shell,), dict(config=config))()
    def get_ipython(): return real() or stand_in      # who keeps this function has the real shell as soon as there is one
    for k, v in QUIET.items(): os.environ.setdefault(k, v)
    IPython.get_ipython = getipython.get_ipython = builtins.get_ipython = get_ipython
    try:
        for m in modules: importlib.import_module(m)
    finally:
        IPython.get_ipython = getipython.get_ipython = real
        del builtins.get_ipython


def settled():
    "Before the first fork: one thread only, and objects that the collector leaves alone"
    import gc, threading
    if threading.active_count() > 1: raise RuntimeError(f'threads at fork: {threading.enumerate()}')
    gc.collect()
    gc.freeze()


# ---- kernels: the server

def serve(path, modules):
    "Fork a kernel for each client, until standard input closes"
    import selectors
    import ipykernel.kernelapp  # noqa: F401
    before = dict(os.environ)
    os.environ.setdefault('MPLBACKEND', INLINE)          # as ipykernel does
    load('ZMQInteractiveShell', modules, IPKernelApp={})
    brought = {k: v for k, v in os.environ.items() if before.get(k) != v and k != 'TORCHINDUCTOR_CACHE_DIR'}   # that is in TMPDIR
    settled()
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen()
    r, w = os.pipe()
    os.set_blocking(w, False)
    signal.set_wakeup_fd(w)
    signal.signal(signal.SIGCHLD, lambda *a: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)         # whoever started this closes standard input
    sel, clients = selectors.DefaultSelector(), {}       # pid -> socket
    for what in (0, door, r): sel.register(what, selectors.EVENT_READ)

    def birth():
        conn, _ = door.accept()
        asked, fds = request(conn)
        if not asked or other(before, asked['env']):
            conn.sendall(b'cold') if asked else None
            pid = 0
        elif not (pid := os.fork()):
            for o in (door, conn, *clients.values()): o.close()
            sel.close(), os.close(r), os.close(w)
            finish(lambda: run_kernel(asked, brought, fds))
        for fd in fds: os.close(fd)
        if not pid: return conn.close()
        clients[pid] = conn
        sel.register(conn, selectors.EVENT_READ, pid)

    def hear(pid):
        try: said = clients[pid].recv(1)
        except OSError: said = b''
        kill(pid, said[0] if said else signal.SIGKILL)
        if not said: bury(pid)

    def bury(pid, code=None):
        if conn := clients.pop(pid, None):
            sel.unregister(conn)
            try: conn.sendall(b'%d' % code) if code is not None else None
            except OSError: pass
            conn.close()

    while True:
        for key, _ in sel.select():
            if key.fileobj is door: birth()
            elif key.fileobj == r: os.read(r, 1 << 12)
            elif key.data in clients: hear(key.data)
            elif key.fileobj == 0 and not os.read(0, 1):
                for pid in clients: kill(pid)
                return
        for pid, status in ended():
            kill(pid, gone=True)                         # what it started and left behind
            bury(pid, os.waitstatus_to_exitcode(status))


def ended():
    "(pid, status) of the children that are gone"
    try:
        while (got := os.waitpid(-1, os.WNOHANG))[0]: yield got
    except ChildProcessError: pass


def request(conn):
    "What a client asks for, and its streams; (None, ...) when it is gone before it has asked"
    text, fds, _, _ = socket.recv_fds(conn, 1 << 16, 3)
    while text[-1:] not in (b'\n', b''): text += (more := conn.recv(1 << 16)) or b'\n'
    try: return json.loads(text), fds
    except ValueError: return None, fds


def other(mine, asked):
    "Variables in which a kernel is asked for that this process cannot give: they may have been read at import"
    own = lambda k: k == 'MPLBACKEND' and asked.get(k) == INLINE or any(k == s or s.endswith('_') and len(s) > 1 and k.startswith(s) for s in SAME)
    return sorted(k for k in mine.keys() | asked.keys() if mine.get(k) != asked.get(k) and not own(k))


def run_kernel(asked, brought, fds):
    "ipykernel_launcher, in the child"
    from ipykernel import kernelapp
    parent = os.getppid()                                # the kernel ends when that process does
    fresh(brought | asked['env'] | dict(JPY_PARENT_PID=str(parent)), asked['cwd'], fds)
    sys.argv = ['ipykernel_launcher', *asked['args']]
    kernelapp.launch_new_instance(parent_handle=parent)


# ---- kernels: the client

def ask(path, args):
    "The client's whole life: (exit code of the kernel)"
    try:
        conn = socket.socket(socket.AF_UNIX)
        conn.connect(path)
        socket.send_fds(conn, [json.dumps(dict(args=args, cwd=os.getcwd(), env=dict(os.environ))).encode() + b'\n'], [0, 1, 2])
    except OSError: cold(args)                           # no such process: start as Jupyter would
    for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, lambda n, f: conn.sendall(bytes([n])))
    said = conn.recv(16)
    if said == b'cold': cold(args)
    code = int(said or 1)
    return code if code >= 0 else 128 - code


def cold(args): os.execv(sys.executable, [sys.executable, '-m', 'ipykernel_launcher', *args])


# ---- plain work

def forked(todo, work, workers=2, limit=600, tell=lambda o: None, owner=None):
    """work(item) in a forked process each, `workers` at a time, in this order; `tell` gets a dict as each ends: item, result (None if it
    died), said (what it printed), seconds, cpu, late. When the file descriptor `owner` closes, all end"""
    import select, shutil, tempfile, time
    todo, running = list(todo), []
    settled()
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))

    def start(item):
        o = dict(item=item, tmp=tempfile.mkdtemp(prefix='nb-'), said=tempfile.TemporaryFile(), result=tempfile.TemporaryFile(), began=time.time(), late=False)
        sys.stdout.flush(), sys.stderr.flush()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)   # a child is either not begun or known to whoever ends all
        try:
            if not (pid := os.fork()): finish(lambda: child(**o))
            running.append(o | dict(pid=pid))
        finally: signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def child(item, tmp, said, result, **kw):
        fresh(dict(os.environ, TMPDIR=tmp), streams=[os.open(os.devnull, os.O_RDONLY), os.dup(said.fileno()), os.dup(said.fileno())])
        result.write(json.dumps(work(item)).encode())
        result.flush()

    def end(o, use):
        kill(o['pid'], gone=True)                        # what it started and left behind
        for f in (o['said'], o['result']): f.seek(0)
        text, got = o['said'].read().decode(errors='replace'), o['result'].read()
        o['said'].close(), o['result'].close()
        shutil.rmtree(o['tmp'], ignore_errors=True)
        tell(dict(item=o['item'], result=json.loads(got) if got and not o['late'] else None, said=text, late=o['late'],
                  seconds=round(time.time() - o['began'], 1), cpu=round(use.ru_utime + use.ru_stime, 1)))

    try:
        while todo or running:
            while todo and len(running) < workers: start(todo.pop(0))
            if owner is None: time.sleep(.05)
            elif select.select([owner], [], [], .05)[0] and not os.read(owner, 1): return
            for o in list(running):
                if time.time() - o['began'] > limit and not o['late']: o['late'] = True; kill(o['pid'])
                pid, _, use = os.wait4(o['pid'], os.WNOHANG)
                if pid: running.remove(o); end(o, use)
    finally:
        for o in running: kill(o['pid']), shutil.rmtree(o['tmp'], ignore_errors=True)


def main(what, path, *args):
    "See above"
    sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]
    if what == 'kernel': return ask(path, list(args))
    serve(path, args or LOADED)


if __name__ == '__main__': sys.exit(main(*sys.argv[1:]))
