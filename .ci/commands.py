"""Every command that the documentation names: `problems()` holds each against the parsers, the workbooks' parameters, the Makefile and the files
there are; `python .ci/commands.py` builds the wheel, installs it alone into an empty environment and runs those of the README, word for word,
in an empty folder (10 minutes, network).
"""
import json, os, re, shlex, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path
from project import ROOT, load, paths, settings

TEXTS = ('README.md', 'CONTRIBUTING.md', 'data_links.md')
FENCE = re.compile(r'(?ms)^```(?:sh)?\n(.*?)^```')
INLINE = re.compile(r'`((?:nb_(?:run|runs|links|predict|page)|make) [^`\n]+)`')
STANDS_FOR = re.compile(r'[A-Z][A-Z_]*(\.\w+)?')       # RUN, NAME, WEIGHTS.safetensors: a word that the reader puts another one for
HERE = re.compile(r'(?:nbs|\.ci|nb_helpers|docs)/[\w./-]+')


def joined(block):
    "The commands of a block: lines that end in a backslash go on in the next, comments and empty lines are left out"
    lines = re.sub(r'\\\n\s*', '', block).splitlines()
    return [l.strip() for l in lines if l.strip() and not l.strip().startswith('#')]


def texts(root=ROOT):
    "(where, markdown) of all that people read"
    for f in TEXTS:
        if (root/f).exists(): yield f, (root/f).read_text(encoding='utf-8')
    for p in paths(root):
        if p == 'nbs/index.ipynb': continue               # the README is made from it
        for c in load(p, root).cells:
            if c.kind == 'markdown': yield f'{p}, cell {c.idx}', c.source


def words(line):
    "The words of a command without its comment; [] for what no shell would read"
    try: return shlex.split(line, comments=True)
    except ValueError: return []


def parts(w):
    "The commands of a line that `|`, `&&` and the like join, without what `>` and `<` name"
    out, skip = [[]], False
    for a in w:
        if a in ('|', '||', '&&', ';', '&'): out.append([])
        elif a in ('>', '>>', '<', '2>'): skip = True
        elif skip: skip = False
        elif a != '2>&1': out[-1].append(a)
    return [o for o in out if o]


def documented(root=ROOT, known=()):
    "(where, command) of blocks and of code in the text; of blocks without a language only lines that begin with a `known` command"
    for where, text in texts(root):
        for m in FENCE.finditer(text):
            for line in joined(m[1]):
                if m[0].startswith('```sh') or line.split()[0] in known: yield where, line
        for m in INLINE.finditer(re.sub(r'(?ms)^```.*?^```', '', text)): yield where, m[1]


def commands(root=ROOT):
    "{name: 'module:function'} of the commands that are installed"
    return dict(o.strip().split('=') for o in settings(root)['console_scripts'].splitlines())


def options(target):
    "The options that a command's help names"
    mod, f = target.split(':')
    p = subprocess.run([sys.executable, '-c', f'import sys\nfrom {mod} import {f}\nsys.exit({f}())', '--help'], cwd=ROOT, capture_output=True, text=True,
                       env=dict(os.environ, PYTHONPATH=str(ROOT), PYTHONWARNINGS='ignore', COLUMNS='400'))
    if p.returncode: raise RuntimeError(f'{target} --help: {p.stderr.strip()[-400:]}')
    return set(re.findall(r'(?<![\w-])--?[a-zA-Z][\w-]*', p.stdout))


def own(w): return bool(STANDS_FOR.fullmatch(w)) or '...' in w


def run_problems(args, params):
    "What is wrong with the arguments of nb_run: its workbook, its parameters and their values"
    plain, given, i = [], {}, 0
    while i < len(args):
        if args[i] == '-p':
            if len(args) < i+3: yield '-p takes a name and a value'
            else: given[args[i+1]] = args[i+2]
            i += 2
        elif args[i] == '--sweep': given[args[i+1].split('=')[0].strip()] = None; i += 1
        elif args[i] in ('--resume', '--runs', '--flags', '--processes', '--dask', '--folds', '--seeds', '--ablate', '--base'): i += 1
        elif not args[i].startswith('-'): plain.append(args[i])
        i += 1
    name = plain[0] if plain else ''
    if len(plain) > 1: yield f'{plain[1]!r} is one argument too many'
    if not name or name == 'all' or own(name) or name.endswith('.ipynb'): return
    if name not in params: yield f'there is no workbook {name!r}'; return
    for k, v in given.items():
        if own(k): continue
        if k not in params[name]: yield f'{name} has no parameter {k!r}'
        elif v is not None and not own(v):
            try: params[name].check({k: v})
            except ValueError as e: yield str(e).splitlines()[0]


def targets(root=ROOT): return set(re.findall(r'(?m)^([a-z-]+):', (root/'Makefile').read_text(encoding='utf-8')))


def wrong(line, opts, params, make, root=ROOT):
    "What is wrong with a line"
    if not words(line): yield 'no shell would read this'
    for w in parts(words(line)): yield from wrong_part(w, opts, params, make, root)


def wrong_part(w, opts, params, make, root=ROOT):
    "What is wrong with one command, as words"
    for name in [n for n in opts if n in w]:                              # also behind docker run or ovhai
        args = w[w.index(name)+1:]
        for a in args:
            o = a.split('=')[0]
            if re.match(r'--?[a-zA-Z]', a) and o not in opts[name]: yield f'{name} has no option {o}'
        if name == 'nb_run': yield from run_problems(args, params)
        break
    if w[0] == 'make':
        for t in w[1:]:
            if '=' not in t and t not in make: yield f'the Makefile has no {t}'
    if w[0] != 'git':
        for a in w:
            if HERE.fullmatch(a) and not own(a.split('/')[-1]) and not (root/a).exists(): yield f'{a} is not there'


def links(root=ROOT):
    "(where, link) of the relative links in all texts that lead nowhere"
    for where, text in texts(root):
        base = (root/where.split(', cell')[0]).parent
        for a, b in re.findall(r'\]\(([^)\s]+)\)|(?:src|href)="([^"]+)', re.sub(r'(?ms)^```.*?^```|`[^`\n]*`', '', text)):
            t = (a or b).split('#')[0]
            if t and not re.match(r'[a-z][a-z0-9+.-]*:|/', t) and not (base/t).exists(): yield where, t


def problems(root=ROOT):
    "(what is checked, [what is wrong]) for every documented command, and for all links"
    from nb_helpers.workbook.parameters import Params
    params = {n: Params.of(json.loads(f.read_text(encoding='utf-8'))) for n, f in
              ((f.stem, f) for f in sorted((Path(root)/'nbs'/'experiments').glob('*.ipynb')))}
    opts, make = {n: options(t) for n, t in commands(root).items()}, targets(root)
    for where, line in documented(root, [*opts, 'make', 'nbdev_test', 'python']):
        yield f'{where}: {line}', list(wrong(line, opts, params, make, root))
    yield 'links in texts lead somewhere', [f'{w}: {t} is not there' for w, t in links(root)]


# ---- word for word, in an empty environment

def sh(cmd, **kw):
    "Run quietly; the output, or SystemExit with its end"
    p = subprocess.run(cmd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if p.returncode: sys.exit(f"{cmd if isinstance(cmd, str) else shlex.join(map(str, cmd))}: exit code {p.returncode}\n{p.stdout[-2000:]}")
    return p.stdout


def wheel(to, root=ROOT):
    "The wheel, built from a copy: nothing is left in the checkout"
    src = to/'src'
    skip = shutil.ignore_patterns('__pycache__', 'runs', 'data', 'drive')
    src.mkdir(parents=True)
    for f in ('setup.py', 'settings.ini', 'README.md', 'data_links.md', 'LICENSE'): shutil.copy(root/f, src)
    shutil.copytree(root/'nb_helpers', src/'nb_helpers', ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copytree(root/'nbs'/'experiments', src/'nbs'/'experiments', ignore=skip)
    sh([sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '-w', to, src])
    return next(to.glob('*.whl'))


def prepare(work, root=ROOT):
    "An environment that holds the wheel alone; the environment variables of a shell that has it, without any of ours"
    file = wheel(work)
    sh([sys.executable, '-m', 'venv', work/'env'])
    print(f'installing {file.name} and what it requires ...', flush=True)
    sh([work/'env'/'bin'/'python', '-m', 'pip', 'install', '-q', '-c', root/'constraints.txt', file])
    keep = {k: v for k, v in os.environ.items() if not k.startswith(('NB_HELPERS', 'PYTHON', 'VIRTUAL_ENV', 'JUPYTER'))}
    return dict(keep, PATH=f"{work/'env'/'bin'}{os.pathsep}{keep['PATH']}")


def photos(folder, env):
    "photos.zip and new_photos, as a reader might have them"
    code = ("import shutil; from nb_helpers.samples import sample_photos as draw; k = ('bottle', 'bowl')\n"
            "shutil.make_archive('photos', 'zip', draw('drawn', 15, 0, odd=False, kinds=k)/'train'); shutil.rmtree('drawn')\n"
            "shutil.copytree(draw('drawn', 3, 0, odd=False, seed=1, kinds=k)/'train', 'new_photos'); shutil.rmtree('drawn')")
    sh([env['PATH'].split(os.pathsep)[0] + '/python', '-c', code], cwd=folder, env=env)


def latest(folder): return max((p.parent for p in (folder/'runs').glob('*/run.json')), key=lambda p: p.stat().st_mtime, default=None)


def killed(folder, env, line):
    "Begin a run with the command `line` and kill it after its first epoch; its id"
    before = {p.name for p in (folder/'runs').glob('*')}
    p = subprocess.Popen(line, shell=True, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while p.poll() is None:
        time.sleep(.5)
        new = [d for d in (folder/'runs').glob('*/history.csv') if d.parent.name not in before]
        if new and len(new[0].read_text().splitlines()) > 2: break
    if p.poll() is not None: sys.exit(f'{line}: it ended before it could be killed')
    os.killpg(p.pid, signal.SIGKILL)
    p.wait()
    return new[0].parent.name


def main():
    "Run the commands of the README one after the other; the exit code"
    with tempfile.TemporaryDirectory(prefix='commands-', ignore_cleanup_errors=True) as d:
        work, folder = Path(d), Path(d)/'somebody'
        folder.mkdir()
        env = prepare(work)
        photos(folder, env)
        ok, bad, first = 0, 0, None
        lines = [l for w, l in documented() if w == 'README.md' and words(l)[:1] and words(l)[0].startswith('nb_')]
        once = {}
        for l in lines: once.setdefault(tuple(words(l)), l)
        for line in once.values():
            if re.search(r' -p source NAME|KEY|\bnb_run all| --seeds | --ablate ', line): continue   # or take hours
            if first is None and ' -p source photos.zip' in line: first = line
            run = killed(folder, env, first) if '--resume RUN' in line else getattr(latest(folder), 'name', 'RUN')
            t = time.time()
            p = subprocess.run(re.sub(r'\bRUN\b', run, line), shell=True, cwd=folder, env=env, text=True, capture_output=True, stdin=subprocess.DEVNULL)
            ok, bad = ok + (p.returncode == 0), bad + (p.returncode != 0)
            print(f"  {'ok' if p.returncode == 0 else 'FAILED':7} {time.time()-t:5.0f} s  {line}", flush=True)
            if p.returncode: print('\n'.join('    ' + l for l in (p.stdout + p.stderr).splitlines()[-12:]), flush=True)
        print(f'{ok} passed, {bad} failed')
        return int(bad > 0)


if __name__ == '__main__': sys.exit(main())
