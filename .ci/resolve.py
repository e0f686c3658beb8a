"""Would installing nb_helpers in Colab leave Colab's torch, torchvision, fastai and fastcore alone?

`problems()` answers from what is installed here, without network: every requirement that is met on the way from
settings.ini through the installed packages is held against Colab's versions. `python .ci/resolve.py` asks pip itself.
"""
import json, re, subprocess, sys, tempfile
from importlib.metadata import distributions
from pathlib import Path
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canon
from project import ROOT, settings

COLAB_PYTHON = '3.13'
CORE = ('torch', 'torchvision', 'fastai', 'fastcore')


def environment(python=None):
    "Marker environment of this machine, or of another Python version on it"
    env = dict(default_environment(), extra='')
    if python: env.update(python_version=python, python_full_version=python + '.0')
    return env


def pins(python=COLAB_PYTHON, root=ROOT, pair=True):
    "Colab's versions, {name: version}: constraints.txt, and fastai and fastcore from colab_pair in settings.ini"
    lines = (Path(root)/'constraints.txt').read_text().splitlines()
    lines += settings(root)['colab_pair'].split() if pair else []
    reqs = [Requirement(l) for l in lines if l.strip() and not l.startswith('#')]
    env = environment(python)
    return {canon(r.name): next(iter(r.specifier)).version for r in reqs if not r.marker or r.marker.evaluate(env)}


def installed(paths=None):
    "{name: [requirements]} of the installed packages, or of those in the folders `paths`"
    found = distributions(path=[str(p) for p in paths]) if paths else distributions()
    res = {}
    for d in found: res.setdefault(canon(d.metadata['Name']), [Requirement(r) for r in d.requires or []])
    return res


def problems(reqs, pins, dists, env=None):
    "Walk `reqs` (strings) through `dists`; one line for every requirement that a version in `pins` does not meet"
    env, seen, bad = env or environment(COLAB_PYTHON), set(), []
    todo = [(Requirement(r), 'settings.ini') for r in reqs]
    while todo:
        r, parent = todo.pop()
        name = canon(r.name)
        if (r.marker and not any(r.marker.evaluate(dict(env, extra=e)) for e in ('', *r.extras))): continue
        if name in pins and not r.specifier.contains(pins[name], prereleases=True):
            bad.append(f'{parent} asks for {r.name}{r.specifier}, but Colab has {pins[name]}: widen the range')
        for q in dists.get(name, []) if name not in seen else []:
            extras = {e: dict(env, extra=e) for e in ('', *r.extras)}
            if not q.marker or any(q.marker.evaluate(e) for e in extras.values()):
                q.marker = None
                todo.append((q, r.name))
        seen.add(name)
    return sorted(set(bad))


def fixed(reqs):
    "Requirements that are no ranges: they would replace what Colab has"
    return [f'settings.ini: {r} is no range; write >= and <' for r in reqs
            if any(s.operator in ('==', '===') for s in Requirement(r).specifier)]


def colab_problems(root=ROOT, reqs=None):
    "Everything that speaks against installing our requirements in Colab"
    reqs = reqs or settings(root)['requirements'].split()
    dists = installed()
    pair = Path(root)/'.venv'/'colab'
    if pair.is_dir(): dists.update(installed([pair]))
    return fixed(reqs) + problems(reqs, pins(root=root), dists)


def installed_problems(root=ROOT):
    "After an installation: pins that do not hold, packages that do not fit together"
    have = {canon(d.metadata['Name']): d.version for d in distributions()}
    here = '%d.%d' % sys.version_info[:2]
    want = pins(here, root, pair=False)
    same = lambda a, b: a is not None and a.split('+')[0] == b
    bad = [f'{n} is {have.get(n)}, constraints.txt says {v}' for n, v in want.items() if not same(have.get(n), v)]
    s = settings(root)
    reqs = s['requirements'].split() + s['dev_requirements'].split()
    bad += [f'{r} is not installed' for r in reqs if canon(Requirement(r).name) not in have]
    return bad + [o.replace('Colab has', 'installed is').split(': widen')[0]
                  for o in problems(reqs, have, installed(), environment())]


def ask_pip(root=ROOT):
    "What pip itself would choose for the core packages with Colab's versions given, {name: version}"
    with tempfile.TemporaryDirectory() as d:
        c, rep = Path(d)/'c.txt', Path(d)/'report.json'
        here = '%d.%d' % sys.version_info[:2]
        c.write_text(''.join(f'{n}=={v}\n' for n, v in pins(here, root).items()))
        cmd = [sys.executable, '-m', 'pip', 'install', '--dry-run', '--ignore-installed', '-q', '--report', str(rep),
               '-c', str(c), *settings(root)['requirements'].split()]
        p = subprocess.run(cmd, capture_output=True, text=True)
        if p.returncode:
            said = [l for l in p.stderr.splitlines() if not re.match('WARNING|\\s*$', l)]
            raise SystemExit('pip finds no solution:\n  ' + '\n  '.join(said[-8:]))
        chosen = {canon(o['metadata']['name']): o['metadata']['version'] for o in json.loads(rep.read_text())['install']}
    return {n: chosen.get(n) for n in CORE}


if __name__ == '__main__':
    bad = colab_problems()
    print('\n'.join(bad) or 'no requirement speaks against Colab\'s versions; asking pip (about a minute) ...', flush=True)
    got, want = ask_pip(), pins()
    for n in CORE: print(f"{n:12} Colab {want[n]:8} pip {got[n]}  {'ok' if got[n] == want[n] else 'REPLACED'}")
    sys.exit(bool(bad) or any(got[n] != want[n] for n in CORE))
