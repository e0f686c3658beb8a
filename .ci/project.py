"The project as the checks see it: settings, notebooks, cells"
import ast, json, re
from configparser import ConfigParser
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPORTS = {'export', 'exporti', 'exports'}
FLAGS = {'slow', 'cuda', 'colab'}
KNOWN = EXPORTS | FLAGS | {'default_exp', 'eval', 'hide', 'hide_input', 'hide_output', 'echo', 'output', 'code-fold'}
ABOVE = ('experiments', 'benchmarks', 'checks')  # folders of nbs/ that use the package and export nothing


def settings(root=ROOT):
    "settings.ini as a dict"
    cfg = ConfigParser(delimiters=['='])
    cfg.read(Path(root)/'settings.ini', encoding='utf-8')
    return dict(cfg['DEFAULT'])


def repo(s):
    "(user, repo, branch) of settings"
    return s['user'], s['repo'], s['branch']


def badge(path, s):
    "The Colab badge of the notebook at `path` (relative to the root)"
    u, r, b = repo(s)
    return ('[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]'
            f'(https://colab.research.google.com/github/{u}/{r}/blob/{b}/{path})')


def install_cell(s):
    "The install cell of every notebook"
    u, r, b = repo(s)
    return ("#| eval: false\nfrom importlib.util import find_spec\nif find_spec('nb_helpers') is None:\n"
            f"    %pip install -q git+https://github.com/{u}/{r}@{b}")


def parse_directives(source):
    "Directives that open a cell, {name: [arguments]}, read as nbdev reads them"
    res = {}
    for line in source.splitlines():
        if not line.strip() or re.match(r'\s*%%\w+', line): continue
        if not re.match(r'\s*#\s*\|', line): break
        words = re.sub(r'^\s*#\s*\|', '', line).strip().rstrip(':').replace(':', ': ').split()
        if words: res[words[0]] = words[1:]
    return res


@lru_cache(None)
def parsed(body):
    "Syntax tree of a cell's text, kept since every rule reads it; None where it cannot be parsed"
    src = re.sub(r'(?m)^(\s*)[%!].*$', r'\1pass', body)
    src = re.sub(r'(?m)=\s*[%!][^=].*$', '= None', src)
    try: return ast.parse(src)
    except SyntaxError: return None


plain_tree = lru_cache(None)(ast.parse)   # of a module's text


def walk(tree):
    "ast.walk as a list that is kept with the tree"
    if not hasattr(tree, 'walked'): tree.walked = list(ast.walk(tree))
    return tree.walked


@dataclass
class Cell:
    "One cell: its place, kind, text and outputs"
    idx: int
    kind: str
    source: str
    outputs: list = field(default_factory=list)
    metadata: dict = field(default_factory=dict)

    @property
    def directives(self): return parse_directives(self.source) if self.kind == 'code' else {}

    @property
    def exported(self): return bool(EXPORTS & self.directives.keys())

    @property
    def body(self):
        "The source without the directives that open it"
        lines = self.source.splitlines()
        while lines and (not lines[0].strip() or re.match(r'\s*#\s*\|', lines[0])): lines.pop(0)
        return '\n'.join(lines)

    def runs(self, flags=FLAGS):
        "Is the cell executed by the tests? As in nbdev's test_nb"
        d = self.directives
        if self.kind != 'code' or not self.source.strip() or 'nbdev_export' + '(' in self.source: return False
        return (d.get('eval:') or [''])[0].lower() != 'false' and not flags & d.keys()

    def tree(self):
        "Syntax tree of a code cell; magics become pass. None where it cannot be parsed"
        return parsed(self.body)

    def texts(self):
        "Everything textual that the outputs show"
        for o in self.outputs:
            if 'text' in o: yield ''.join(o['text'])
            if 'traceback' in o: yield '\n'.join(o['traceback'])
            for mime, v in o.get('data', {}).items():
                if mime.startswith('text/'): yield ''.join(v)


@dataclass
class Notebook:
    "One notebook, `path` relative to the root"
    path: str
    cells: list
    size: int = 0
    metadata: dict = field(default_factory=dict)

    @property
    def name(self): return self.path.removeprefix('nbs/')

    @property
    def kind(self):
        "stage, index, tutorial, or the folder: experiments, benchmarks, checks"
        top = self.name.split('/')[0]
        if top in ABOVE: return top
        return self.name[:-6] if self.name in ('index.ipynb', 'tutorial.ipynb') else 'stage'

    @property
    def order(self):
        "Where the stage stands: 09_runs/02_run -> (9, 2), 01_gpu -> (1,); None where a folder or the file has no number"
        found = [re.match(r'(\d\d)_', part) for part in self.name.split('/')]
        return tuple(int(m[1]) for m in found) if all(found) else None

    @property
    def module(self):
        "Its default_exp, or None"
        for c in self.cells:
            if 'default_exp' in c.directives: return (c.directives['default_exp'] or [None])[0]

    def code(self): return [c for c in self.cells if c.kind == 'code']
    def exported(self): return [c for c in self.cells if c.exported]
    def executed(self): return [c for c in self.cells if c.runs()]


def load(path, root=ROOT):
    "Read one notebook"
    p = Path(root)/path
    nb = json.loads(p.read_text(encoding='utf-8'))
    cells = [Cell(i, c['cell_type'], ''.join(c['source']), c.get('outputs', []), c.get('metadata', {}))
             for i, c in enumerate(nb['cells'])]
    return Notebook(Path(path).as_posix(), cells, p.stat().st_size, nb.get('metadata', {}))


def paths(root=ROOT):
    "All notebooks that nbdev sees: hidden folders and those that start with _ are left out"
    root = Path(root)
    res = [p.relative_to(root) for p in sorted((root/'nbs').rglob('*.ipynb'))]
    return [p.as_posix() for p in res if not any(o[0] in '._' for o in p.parts[1:])]


def notebooks(root=ROOT):
    "All notebooks, read"
    return [load(p, root) for p in paths(root)]


def modules(root=ROOT):
    "Names of the generated modules: gpu, drive.workspace, ..."
    lib = Path(root)/'nb_helpers'
    files = [p.relative_to(lib).with_suffix('') for p in lib.rglob('*.py')]
    return sorted('.'.join(p.parts) for p in files if p.name not in ('__init__', '_modidx'))


def longest_first(todo, root=ROOT, seconds=None):
    """Notebooks in the order in which two workers end at about the same time. `seconds` are those of the last run, {path: s}; one
    that is not in there counts by its executed code, a workbook's eightfold since it trains"""
    seconds = hint(root) if seconds is None else seconds
    nbs = {p: load(p, root) for p in todo}
    size = {p: sum(len(c.source) for c in nb.executed())*(8 if nb.kind == 'experiments' else 1) for p, nb in nbs.items()}
    known = [p for p in todo if p in seconds]
    rate = sum(seconds[p] for p in known)/max(1, sum(size[p] for p in known)) if known else 1
    return sorted(todo, key=lambda p: -seconds.get(p, size[p]*rate))


def hint(root=ROOT):
    "Seconds of the notebooks as .venv/seconds.json has them from earlier runs; {} without it"
    try: return {k: float(v) for k, v in json.loads((Path(root)/'.venv'/'seconds.json').read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError): return {}


def note(seconds, root=ROOT):
    "Keep the seconds of this run for the next one's order; without .venv there is no place for it, and no harm"
    file = Path(root)/'.venv'/'seconds.json'
    if file.parent.is_dir(): file.write_text(json.dumps(hint(root) | seconds, indent=0, sort_keys=True))
