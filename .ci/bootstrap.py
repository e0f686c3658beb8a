"""Make .venv and install nb_helpers with its tools, once.

Started by the Makefile with whatever Python there is, so everything up to `main` must also parse on Python 2.7:
it is the only way to say in a plain sentence that a newer Python is needed.
"""
from __future__ import print_function
import csv, hashlib, io, os, platform, re, shutil, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, '.venv')
STAMP = os.path.join(VENV, 'installed')
LOG = os.path.join(VENV, 'install.log')
OLDEST = (3, 10)
NEED_GB = float(os.environ.get('NB_HELPERS_NEED_GB', '9'))  # measured: 5.8 GB installed, 8.4 GB at the peak


class Stop(Exception):
    "Something the person can put right; shown as one plain paragraph"


def say(text):
    "Print at once, also into a pipe"
    print(text)
    sys.stdout.flush()


def check_python(version=None, path=None):
    "Stop unless this is Python 3.10 or newer"
    version = version or sys.version_info[:3]
    if tuple(version[:2]) >= OLDEST: return
    found = '.'.join(str(v) for v in version)
    raise Stop("Python 3.10 or newer is needed; found %s (%s).\n"
               "Install one from https://www.python.org/downloads/ or with your package manager, then: make PYTHON=python3.13"
               % (found, path or sys.executable))


def check_venv():
    "Stop where Python came without venv, as on Debian and Ubuntu"
    try:
        import ensurepip, venv  # noqa: F401
    except ImportError:
        v = 'python%d.%d-venv' % sys.version_info[:2]
        raise Stop("This Python (%s) cannot make virtual environments: its venv module is not installed.\n"
                   "On Debian and Ubuntu: sudo apt install %s" % (sys.executable, v))


def size_gb(folder):
    "Space a folder takes, in GB (0 if there is none)"
    total = 0
    for top, _, files in os.walk(folder):
        for f in files:
            p = os.path.join(top, f)
            if not os.path.islink(p): total += os.path.getsize(p)
    return total/1e9


def check_disk(need=NEED_GB):
    "Stop where the disk of the project folder is too small for what is still to be installed"
    need -= size_gb(os.path.join(VENV, 'lib'))
    free = shutil.disk_usage(ROOT).free/1e9
    if free >= need: return
    raise Stop("Not enough disk: the installation needs %.1f GB free, and %s has %.1f GB.\n"
               "Make room, or move this folder to a larger disk, then run make again." % (need, ROOT, free))


def requirement_text():
    "What decides the installation: requirements and scripts of settings.ini, the pins, setup.py, the Python version"
    parts = ['%s.%s %s' % (sys.version_info[0], sys.version_info[1], platform.machine())]
    with io.open(os.path.join(ROOT, 'settings.ini'), encoding='utf-8') as f: lines = f.read()
    for key in ('lib_name', 'version', 'requirements', 'dev_requirements', 'console_scripts'):
        parts += re.findall(r'(?m)^%s\s*=.*(?:\n[ \t]+\S.*)*' % key, lines)
    for name in ('constraints.txt', 'setup.py'):
        with io.open(os.path.join(ROOT, name), encoding='utf-8') as f: parts.append(f.read())
    return '\n'.join(parts)


def wanted():
    "The stamp of a complete installation; the folder is part of it, since an environment cannot be moved"
    return hashlib.sha256((ROOT + '\n' + requirement_text()).encode('utf-8')).hexdigest()


def stamped():
    "The stamp of the last complete installation, or None"
    try:
        with open(STAMP) as f: return f.read().strip()
    except IOError:
        return None


def venv_python():
    "The interpreter of .venv"
    return os.path.join(VENV, 'bin', 'python')


def venv_version():
    "(3, 11) of a working .venv, None where it is missing or broken"
    try:
        out = subprocess.check_output([venv_python(), '-c', 'import sys; print("%d %d" % sys.version_info[:2])'],
                                      stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(int(o) for o in out.split())


def damaged(site):
    "Packages in `site` that an interrupted pip left incomplete: a listed file is missing or has another size"
    bad = []
    for d in sorted(os.listdir(site)):
        info = os.path.join(site, d)
        if d.startswith('~'): bad.append(info)
        if not d.endswith('.dist-info'): continue
        record = os.path.join(info, 'RECORD')
        if not os.path.exists(record) or not all(_whole(site, row) for row in _rows(record)): bad.append(info)
    return bad


def _rows(record):
    "Rows of a RECORD: path, hash, size"
    with io.open(record, encoding='utf-8', newline='') as f: return [r for r in csv.reader(f) if r]


def _whole(site, row):
    "Is the file of this RECORD row there, in its size?"
    p = os.path.join(site, row[0])
    if row[0].endswith('.pyc'): return True
    if not os.path.exists(p): return False
    return len(row) < 3 or not row[2] or os.path.getsize(p) == int(row[2])


def repair():
    "After an interrupted installation: forget incomplete packages, so that pip installs them again"
    lib = os.path.join(VENV, 'lib')
    if not os.path.isdir(lib): return
    for v in os.listdir(lib):
        site = os.path.join(lib, v, 'site-packages')
        for p in damaged(site) if os.path.isdir(site) else []:
            say('  incomplete, will be installed again: ' + os.path.basename(p))
            (shutil.rmtree if os.path.isdir(p) else os.remove)(p)


def make_venv(force=False):
    "Create .venv, or make it anew where `force` or its Python does not start"
    v = None if force else venv_version()
    pip = [venv_python(), '-m', 'pip', '--version']
    if v and v >= OLDEST and subprocess.call(pip, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0: return
    say('making .venv with Python %s' % platform.python_version())
    import venv
    base = os.path.realpath(sys.executable) if sys.prefix != sys.base_prefix else sys.executable
    if sys.prefix == sys.base_prefix: venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
    else: subprocess.check_call([base, '-m', 'venv', '--clear', VENV])


def trouble(log):
    "What pip's log says in one plain sentence"
    if re.search(r'No space left on device|Errno 28', log): return "The disk filled up during the installation."
    net = (r'NewConnectionError|ConnectionError|Connection refused|Temporary failure in name resolution|ProxyError|'
           r'ConnectTimeout|Read timed out|ReadTimeout|Network is unreachable|No route to host|SSLError|'
           r'ConnectionResetError|Cannot connect to proxy|Max retries exceeded')
    if re.search(net, log):
        url = re.findall(r'https?://[^/\s\'"@]+', os.environ.get('PIP_INDEX_URL', '')) or ['https://pypi.org']
        return ("The package registry (%s) is out of reach. Check the network connection, and the proxy if there is one,"
                " then run make again: what was already installed stays." % url[0])
    return "pip could not install the packages."


def pip_install():
    "Install what is missing, pip's own words in .venv/install.log, a line of life on the screen"
    tmp = os.path.join(VENV, 'tmp')
    shutil.rmtree(tmp, ignore_errors=True)
    os.makedirs(tmp)
    cmd = [venv_python(), '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off',
           '-c', 'constraints.txt', '-e', '.[dev]']
    env = dict(os.environ, TMPDIR=tmp, PYTHONUNBUFFERED='1')
    t = time.time()
    with open(LOG, 'w') as log:
        p = subprocess.Popen(cmd, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
        try: wait(p, t)
        except BaseException:
            p.terminate(); p.wait()
            raise
    shutil.rmtree(tmp, ignore_errors=True)
    with io.open(LOG, encoding='utf-8', errors='replace') as f: text = f.read()
    if p.returncode == 0: return say('  installed in %.0f s' % (time.time()-t))
    raise Stop(trouble(text) + '\nFrom the end of .venv/install.log:\n  ' + '\n  '.join(tail(text)))


def tail(log, n=5):
    "The last lines of pip's log that say something"
    empty = r'\s*$|WARNING: Location|\[notice\]|\s*note:|[^ -~]*\s*exit code|.*See above for output|\s*\[end of output\]'
    lines = [l.strip().encode('ascii', 'ignore').decode()[:240] for l in log.splitlines() if not re.match(empty, l)]
    errors = [l for l in lines if l.startswith('ERROR')]
    return list(dict.fromkeys(errors or lines))[-n:]


def wait(p, t):
    "Show the seconds and what pip is at until it ends; a line every 30 s where the output is not a terminal"
    tty, shown = sys.stdout.isatty(), 0
    while p.poll() is None:
        time.sleep(.5)
        s = int(time.time()-t)
        if tty:
            sys.stdout.write('\r  %4d s  %-60s' % (s, doing()[:60])); sys.stdout.flush()
        elif s-shown >= 30:
            shown = s
            say('  %4d s  %s' % (s, doing()[:60]))
    if tty: sys.stdout.write('\r' + ' '*72 + '\r')


def doing():
    "What pip does just now, from the end of its log"
    with io.open(LOG, encoding='utf-8', errors='replace') as f:
        f.seek(max(0, os.path.getsize(LOG)-4000))
        lines = [l.strip() for l in f.read().splitlines()]
    lines = [l for l in lines if l.startswith(('Collecting', 'Downloading', 'Installing', 'Building', 'Processing', 'Preparing'))]
    return lines[-1] if lines else 'starting'


def verify():
    "After pip: the pins hold, and what was installed fits together"
    code = ("import os, sys; sys.path.insert(0, '.ci'); import resolve, nb_helpers\n"
            "bad = resolve.installed_problems()\n"
            "if not any(os.path.realpath(p).startswith(os.getcwd()) for p in nb_helpers.__path__): bad.append('nb_helpers is another copy')\n"
            "print('\\n'.join(bad)); sys.exit(bool(bad))")
    p = subprocess.run([venv_python(), '-I', '-c', code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode: raise Stop('The installation does not fit together:\n' + p.stdout.decode('utf-8', 'replace').strip())


def locked():
    "Two makes at once: the second waits for the first"
    import fcntl
    if not os.path.isdir(VENV): os.makedirs(VENV)
    f = open(os.path.join(ROOT, '.venv.lock'), 'w')
    try: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (IOError, OSError):
        say('waiting for another make to finish its installation')
        fcntl.flock(f, fcntl.LOCK_EX)
    return f


def main():
    "Install once; the next call sees the stamp and returns at once"
    explicit = '--explicit' in sys.argv
    check_python()
    other = explicit and venv_version() not in (None, sys.version_info[:2])
    if stamped() == wanted() and not other and os.path.exists(venv_python()): return
    lock = locked()
    if stamped() == wanted() and not other: return
    check_venv()
    check_disk()
    make_venv(force=other)
    if os.path.exists(STAMP): os.remove(STAMP)
    repair()
    say('installing (about 3 minutes and 6 GB the first time) ...')
    pip_install()
    verify()
    with open(STAMP, 'w') as f: f.write(wanted() + '\n')
    lock.close()


if __name__ == '__main__':
    try: main()
    except Stop as e:
        say('\n' + str(e) + '\n')
        sys.exit(1)
    except KeyboardInterrupt:
        say('\nInterrupted. Run make again: it carries on from here.')
        sys.exit(130)
