"Every rule and every tool of the checks, shown failing on something small and wrong, and passing on the same thing right"
import asyncio, base64, contextlib, io, json, os, subprocess, sys, tempfile, time, unittest
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import badges, bootstrap, check, colab_leg, commands, guard, imports, project as pj, readme, resolve, warm

S = dict(user='me', repo='nb_helpers', branch='main')


def code(src, *outputs, **meta): return pj.Cell(0, 'code', src, list(outputs), meta)
def text(src): return pj.Cell(0, 'markdown', src)
def out(s, mime='text/plain'): return dict(output_type='display_data', data={mime: s})


def stage(*cells, path='nbs/03_balance.ipynb', s=S, **kw):
    "A right stage notebook with `cells` at its end"
    mod = '.'.join(part.split('_', 1)[-1] for part in path.removeprefix('nbs/').removesuffix('.ipynb').split('/'))
    top = [code(f'#| default_exp {mod}'), text(f'# Balance\n\n> Weights.\n\n{pj.badge(path, s)}'), code(pj.install_cell(s)),
           code('#| export\ndef weights(\n    n:int, # how many\n)->int: # twice that\n    "Double `n`"\n    return n*2'), code('assert weights(2) == 4')]
    return number(pj.Notebook(path, [*top, *cells], 1000, **kw))


def workbook(*cells, path='nbs/experiments/cats.ipynb', params='lr = 3e-3 # peak rate'):
    "A right workbook with `cells` at its end"
    top = [text(f'# Cats: which?\n\n> 0.9.\n\n{pj.badge(path, S)}'), code(pj.install_cell(S)), code(params, tags=['parameters'])]
    return number(pj.Notebook(path, [*top, *cells], 1000))


def number(nb):
    for i, c in enumerate(nb.cells): c.idx = i
    return nb


def proj(*nbs, modules=None, sources=None, stubs=None, **settings):
    modules = list(dict.fromkeys([*[nb.module for nb in nbs if nb.module], *(sources or ())])) if modules is None else modules
    return guard.Project(list(nbs), S | settings, modules, sources=sources, stubs=stubs)


class Rules(unittest.TestCase):
    "One test a rule of guard.py"
    used = set()

    def refuses(self, rule, p, said, n=1):
        Rules.used.add(rule)
        got = list(rule(p))
        self.assertEqual(len(got), n, got)
        for g in got: self.assertIn(said, g)

    def accepts(self, rule, p): self.assertEqual(list(rule(p)), [])

    def test_right(self):
        p = proj(stage(), stage(path='nbs/04_model.ipynb'), workbook())
        for r in guard.RULES: self.accepts(r, p)

    def test_modules_unique(self):
        other = stage()
        other.path = 'nbs/04_balance.ipynb'
        self.refuses(guard.modules_unique, proj(stage(), other), 'already that of nbs/03_balance.ipynb')

    def test_modules_and_notebooks(self):
        r = guard.modules_and_notebooks
        self.refuses(r, proj(stage(), modules=['balance', 'old']), 'nb_helpers/old.py: no notebook')
        self.refuses(r, proj(stage(), modules=[]), 'balance.py is missing')
        for path in ('nbs/free_name.ipynb', 'nbs/free/01_name.ipynb', 'nbs/01_word/name.ipynb'): self.refuses(r, proj(stage(path=path)), 'name it NN_word')
        nb = pj.Notebook('nbs/05_x.ipynb', [code('1')])
        self.refuses(r, proj(nb), 'no #| default_exp')

    def test_import_direction(self):
        r, later = guard.import_direction, stage(path='nbs/04_model.ipynb')
        for line in ('from nb_helpers.model import f', 'from nb_helpers import model', 'import nb_helpers.model as m', 'from .model import f',
                     'from . import model', 'def f():\n    from nb_helpers.model import f', 'from nb_helpers.balance import g'):
            self.refuses(r, proj(stage(code('#| export\n' + line)), later), 'stands at or after it')
        first = stage(code('#| export\ndef f(): "a"'), path='nbs/00_samples/00_photos.ipynb')
        more = stage(code('#| export\nfrom nb_helpers.samples.photos import f'), path='nbs/00_samples/01_clips.ipynb')
        self.accepts(r, proj(first, more))   # one sample may draw as the other does
        self.refuses(r, proj(stage(code('#| export\nimport nb_helpers')), later), 'by name')
        self.refuses(r, proj(stage(code('#| export\nfrom nb_helpers.gone import f'))), 'no notebook makes')
        self.accepts(r, proj(stage(), stage(code('#| export\nfrom nb_helpers.balance import weights'), path='nbs/04_model.ipynb')))
        loop = stage(path='nbs/07_training/05_loop.ipynb')
        for line in ('from nb_helpers.training.loop import f', 'from nb_helpers.training import loop', 'import nb_helpers.training.loop'):
            self.accepts(r, proj(loop, stage(code('#| export\n' + line), path='nbs/07_training/06_resume.ipynb')))
            self.refuses(r, proj(loop, stage(code('#| export\n' + line), path='nbs/06_ranger.ipynb')), 'stands at or after it')
            self.refuses(r, proj(loop, stage(code('#| export\n' + line), path='nbs/07_training/03_checkpoint.ipynb')), 'stands at or after it')
        self.refuses(r, proj(stage(code('#| export\nfrom nb_helpers.training import gone'), path='nbs/08_x.ipynb'), loop), 'no notebook makes')
        self.accepts(r, proj(stage(code('from nb_helpers.model import f')), later))  # a test cell may
        face = dict(stubs=dict(training='from .loop import fit'))
        line = code('#| export\nfrom nb_helpers.training import fit')
        self.accepts(r, proj(loop, stage(line, path='nbs/07_training/08_resume.ipynb'), **face))   # through the face: the module behind it counts
        self.refuses(r, proj(loop, stage(line, path='nbs/06_ranger.ipynb'), **face), 'imports nb_helpers.training.loop, which stands at or after it')

    def test_no_samples(self):
        r, later = guard.no_samples, stage(path='nbs/04_model.ipynb')
        for line in ('from nb_helpers.samples import f', 'from nb_helpers.samples.photos import f', 'import nb_helpers.samples.photos as p',
                     'def f():\n    from nb_helpers.samples import photos', "m = import_module('nb_helpers.samples.photos')"):
            self.refuses(r, proj(stage(code('#| export\n' + line)), later), 'samples is for tests')
            self.accepts(r, proj(stage(code(line)), later))
        self.accepts(r, proj(stage(code('#| export\nfrom nb_helpers.samples.photos import f'), path='nbs/00_samples/01_clips.ipynb')))

    def test_no_star(self):
        self.refuses(guard.no_star_in_exports, proj(stage(code('#| export\nfrom fastai.vision.all import *'))), 'name what is used')
        self.accepts(guard.no_star_in_exports, proj(stage(code('from fastai.vision.all import *'))))

    def test_workbooks_export_nothing(self):
        self.refuses(guard.workbooks_export_nothing, proj(workbook(code('#| export\nx = 1'))), 'move the code')
        self.refuses(guard.workbooks_export_nothing, proj(workbook(code('#| default_exp cats'))), 'move the code')

    def test_no_nbdev(self):
        for line in ('import nbdev', 'from nbdev.test import *', 'import os, nbdev.export', 'def f():\n    from execnb.nbio import read_nb'):
            self.refuses(guard.no_nbdev, proj(stage(code(line))), 'Colab has not')
        self.refuses(guard.no_nbdev, proj(stage(), sources={'balance': 'import nbdev'}), 'nb_helpers/balance.py')

    def test_opening(self):
        r, nb = guard.opening, stage()
        nb.cells[0].source += '\nimport os'
        self.refuses(r, proj(nb), 'alone')
        nb = stage()
        nb.cells[1].source = '# Title\n> one line'
        self.refuses(r, proj(nb), 'an empty line')
        nb = workbook()
        nb.cells.pop(0)
        self.refuses(r, proj(nb), '# Title')

    def test_badges(self):
        other = dict(S, branch='dev')
        self.refuses(guard.badges, proj(stage(s=other)), 'make badges', 2)
        nb = stage()
        nb.path = 'nbs/05_moved.ipynb'
        self.assertTrue(list(guard.badges(proj(nb))))
        self.refuses(guard.badges, proj(stage(text(pj.badge('nbs/gone.ipynb', S)))), 'not there')

    def test_install_cells(self):
        self.refuses(guard.install_cells, proj(stage(s=dict(S, user='you'))), 'make badges')
        nb = stage()
        nb.cells.pop(2)
        self.refuses(guard.install_cells, proj(nb), 'no install cell')

    def test_parameters_cell(self):
        r = guard.parameters_cell
        self.refuses(r, proj(workbook(params='lr = 3e-3')), 'add a comment')
        self.refuses(r, proj(workbook(params='# --- the training\nlr = 3e-3')), 'add a comment')   # a heading is no comment
        self.accepts(r, proj(workbook(params='# peak learning rate\nlr = 3e-3')))
        self.refuses(r, proj(workbook(params='a = 1 # one\nb = a*2 # two')), 'computed from')
        self.refuses(r, proj(workbook(code('x = 1 # one', tags=['parameters']))), '2 cells')
        nb = workbook()
        nb.cells[2].metadata = {}
        self.refuses(r, proj(nb), '0 cells')

    def test_directives(self):
        r = guard.directives
        self.refuses(r, proj(stage(code('# a comment\n#| slow\nx = 1'))), 'no effect')
        self.refuses(r, proj(stage(code('#| slwo\nx = 1'))), "'slwo'")
        self.refuses(r, proj(stage(code('#| eval false\nx = 1'))), 'colon')
        self.accepts(r, proj(stage(code('#| slow\n#| cuda\nx = 1'), code('#|eval: false\nx'))))

    def test_exports_parse(self):
        r = guard.exports_parse
        self.refuses(r, proj(stage(code('#| export\n%pip install x'))), 'magics')
        self.refuses(r, proj(stage(code('#| export\n' + 'x = 1\n'*41))), 'split', 2)  # over 40, and the middle of 5 and 41
        self.refuses(r, proj(stage(code('#| export\ntry: pass\nexcept* OSError: pass'))), 'line')
        self.accepts(r, proj(stage(code('#| export\n' + 'x = 1\n'*12), code('#| export\ny = 1'))))

    def test_docments(self):
        r = guard.docments
        self.refuses(r, proj(stage(code('#| export\ndef f(): return 1'))), 'no docstring')
        self.refuses(r, proj(stage(code('#| export\ndef f(\n    a, # one\n    b,\n    *,\n    c=1,\n): "Do"'))), 'no comment on b, c')
        self.refuses(r, proj(stage(code('#| export\nclass A: pass'))), 'A has no docstring')
        self.accepts(r, proj(stage(code('#| export\ndef _f(a): return 1'), code('def f(a): return 1'))))

    def test_safe_code(self):
        r = guard.safe_code
        for src, said in [('try: f()\nexcept: g()', 'bare'), ('try: f()\nexcept Exception: pass', 'silent'), ('run("x", shell=True)', 'shell'),
                          ('os.system("x")', 'subprocess')]:
            self.refuses(r, proj(stage(code(src))), said)
        for src, said in [('torch.load(p, weights_only=False)', 'unpickles'), ('torch.load(p)', 'weights_only=True'), ('import pickle', 'pickle'),
                          ('from fastai.learner import load_learner', 'load_learner'), ('load_learner(p)', 'load_learner'),
                          ('learn.export(p)', 'pickles'), ('self.learn.export(p)', 'pickles'), ('np.load(p, allow_pickle=True)', 'allow_pickle')]:
            self.refuses(r, proj(stage(code('#| export\n' + src))), said)
            self.refuses(r, proj(workbook(code(src))), said)
            self.accepts(r, proj(stage(code(src))))  # a test may make a bad file to see it refused
        self.accepts(r, proj(stage(code('#| export\ntry: f()\nexcept FileNotFoundError: pass\ntorch.load(p, weights_only=True)'))))

    def test_assertions_count(self):
        r = guard.assertions_count
        for src in ('try: assert f()\nexcept AssertionError: pass', 'try: assert f()\nexcept: print(1)', 'try: assert f()\nexcept Exception: pass',
                    'try: test_eq(1, 2)\nexcept Exception as e: print(e)', 'try: test_eq(1, 2)\nexcept (ValueError, BaseException): x = 1',
                    'for a in b:\n    try: nb.test_close(a, 2)\n    except builtins.AssertionError: continue'):
            self.refuses(r, proj(stage(code(src))), 'a failed assertion ends in except')
            self.refuses(r, proj(workbook(code(src))), 'a failed assertion ends in except')
        self.refuses(r, proj(stage(code('try: looks_right(x)\nexcept AssertionError: seen = 1'))), 'expect_fail')
        for src in ('with suppress(AssertionError): assert f()', 'with contextlib.suppress(Exception): test_eq(1, 2)'):
            self.refuses(r, proj(stage(code(src))), 'suppress')
        for src in ('try: f()\nexcept Exception as e: print(e)', 'try: assert f()\nexcept ValueError: x = 1', 'try: assert f()\nfinally: g()',
                    'try: assert f()\nexcept AssertionError:\n    print(x)\n    raise', "with expect_fail(AssertionError): f()", 'with suppress(OSError): f()',
                    '#| export\ntry: net(x)\nexcept (RuntimeError, AssertionError): net(y)'):   # what torch and timm say
            self.accepts(r, proj(stage(code(src))))

    def test_nothing_hidden(self):
        r = guard.nothing_hidden
        for magic in ('%%script false', '%%bash', '%%writefile a.py', '%%time --no-raise-error', '%%capture out', '%%html', '  %%script true', '#| slow\n%%script false'):
            self.refuses(r, proj(stage(code(f'{magic}\nassert 1 == 2'))), 'may hide the cell')
        for src in ('# nbdev_export() is called by make\nassert 1 == 2', 'nbdev_export()', 's = "nbdev_export ("\nassert 1'):
            self.refuses(r, proj(stage(code(src))), 'nbdev skips a cell')
        self.accepts(r, proj(stage(code('%%time\nassert f()'), code('%%capture\nassert f()'), code("s = '%%script'"), code('# nbdev_export is run by make'))))

    def test_no_mutable_defaults(self):
        self.refuses(guard.no_mutable_defaults, proj(stage(code('#| export\ndef f(x=[]): "Do"'))), 'mutable default []')
        self.refuses(guard.no_mutable_defaults, proj(stage(code('#| export\ndef f(*, x={}): "Do"'))), 'mutable default {}')

    def test_something_runs(self):
        r, nb = guard.something_runs, stage()
        for c in nb.cells[3:]: c.source = '#| slow\n' + c.source
        nb.cells[0].source = '#| eval: false\n' + nb.cells[0].source
        self.refuses(r, proj(nb), 'no cell is executed')
        for flag in ('slow', 'eval: false', 'cuda', 'colab'):   # the exported cells run, the tests do not
            nb = stage()
            nb.cells[-1].source = f'#| {flag}\n' + nb.cells[-1].source
            self.refuses(r, proj(nb), 'no test cell is executed')
        for src in ('weights(2)', '# assert weights(2) == 4', 'x = "assert"', '#| export\nassert 1', '# nbdev_export()\nassert 1'):
            nb = stage()
            nb.cells[-1] = number(pj.Notebook('', [code(src)])).cells[0]
            self.refuses(r, proj(nb), 'no test cell is executed')
        for src in ('test_eq(weights(2), 4)', 'ft.test_close(1, 1)', 'with expect_fail(ValueError): weights(2)', 'if 1: assert 1', 'pd.testing.assert_frame_equal(a, a)'):
            nb = stage()
            nb.cells[-1] = code(src)
            self.accepts(r, proj(nb))
        checks = workbook(code('x = 1'), path='nbs/checks/cats.ipynb')
        self.refuses(r, proj(checks), 'no test cell is executed')
        self.accepts(r, proj(workbook(code('assert 1'), path='nbs/checks/cats.ipynb'), workbook()))
        self.refuses(r, proj(stage(text('---\nskip_exec: true\n---'))), 'skip_exec')
        self.refuses(r, proj(stage(metadata=dict(kernelspec=dict(language='julia')))), 'not a Python kernel')

    def test_long_lines(self):
        r, line = guard.long_lines, lambda n: 'x = 1 # ' + 'a'*(n-8)
        self.refuses(r, proj(stage(code('#| export\n' + line(121)))), 'line 2: 121 characters, at most 120')
        self.refuses(r, proj(workbook(code(line(121)))), '121 characters, at most 120')
        self.refuses(r, proj(stage(code(f'{line(141)}\ny = 1\n{line(150)}'))), 'at most 140', 2)
        self.refuses(r, proj(workbook(code(line(141)), path='nbs/checks/cats.ipynb')), 'at most 140')
        self.accepts(r, proj(stage(code('#| export\n' + line(120)), code(line(140)), text('a'*500)), workbook(code(line(120)))))

    def test_short_workbooks(self):
        r, lines = guard.short_workbooks, lambda n: code('#| slow\n# said\n\n' + 'x = 1\n'*n)
        self.refuses(r, proj(workbook(lines(50), lines(46))), '96 lines of code, at most 95')
        self.refuses(r, proj(workbook(lines(53), path='nbs/experiments/basegun.ipynb')), '53 lines of code, at most 50')
        self.assertEqual(guard.amount(r(proj(workbook(lines(53), path='nbs/experiments/basegun.ipynb')))), 3)
        self.accepts(r, proj(workbook(lines(95)), workbook(lines(50), path='nbs/experiments/basegun.ipynb', params='x = 1 # one\n'*200), stage(lines(500))))

    def test_few_imports(self):
        r, take = guard.few_imports, lambda n: code('from nb_helpers.balance import (' + ', '.join(f'a{i}' for i in range(n)) + ')')
        self.refuses(r, proj(workbook(take(31), code('from os import path, sep'))), 'imports 31 names of ours, at most 30')
        self.refuses(r, proj(workbook(take(30), code('from nb_helpers import gpu'))), 'imports 31 names')
        self.accepts(r, proj(workbook(take(30), take(30)), stage(take(31))))

    def test_private_stays_home(self):
        r, loop = guard.private_stays_home, stage(path='nbs/07_training/07_loop.ipynb')
        for src in ('from nb_helpers.training.loop import _step', '#| export\nfrom nb_helpers.training.loop import fit, _step', 'import nb_helpers.training.loop as l\nl._step()',
                    'from nb_helpers.training import loop\nloop._step()', 'from nb_helpers.training import loop as l\nx = l._step', 'from nb_helpers.training import _step',
                    'import nb_helpers.training.loop\nnb_helpers.training.loop._step()', 'from ..training.loop import _step'):
            self.refuses(r, proj(loop, stage(code(src), path='nbs/08_analysis/00_score.ipynb')), '_step is private to training')
            self.refuses(r, proj(loop, workbook(code(src if '..' not in src else 'from nb_helpers.training.loop import _step'))), '_step is private')
        self.refuses(r, proj(loop, stage(code('from nb_helpers.training import loop'), code('loop._step()'), path='nbs/08_x.ipynb')), '_step')
        self.refuses(r, proj(loop, stage(code('from .loop import _step'), path='nbs/07_training/08_resume.ipynb')), '_step')
        self.accepts(r, proj(loop, stage(code('from nb_helpers.training import loop\nloop.fit; loop.__name__\nself._x, a._y'), code('from os import _exit'), path='nbs/08_x.ipynb')))
        self.accepts(r, proj(loop, stage(code('from nb_helpers.training import loop'), code('def f(loop): return loop._step'), path='nbs/08_x.ipynb')))
        self.accepts(r, proj(stage(code('from nb_helpers.training.loop import _step'), path='nbs/07_training/07_loop.ipynb')))

    two = dict(sources={'training.loop': "__all__ = ['fit', 'step']\ndef fit(): pass\ndef step(): pass", 'balance': "__all__ = ['weights']"},
               stubs=dict(training='from .loop import fit'))

    def test_public_is_reached(self):
        r, loop = guard.public_is_reached, stage(path='nbs/07_training/07_loop.ipynb')
        self.refuses(r, proj(loop, **self.two), 'nb_helpers/training/loop.py: step is reached by no workbook')
        self.refuses(r, proj(loop, sources=self.two['sources']), 'is reached by no workbook', 2)
        self.refuses(r, proj(stage(code('#| export\nfrom nb_helpers.training.loop import step'), path='nbs/07_training/07_loop.ipynb'), **self.two), 'step')  # its own
        for src in ('from nb_helpers.training.loop import step', 'from nb_helpers.training import loop\nloop.step', 'from nb_helpers.training.loop import *'):
            for path in ('nbs/experiments/x.ipynb', 'nbs/index.ipynb'): self.accepts(r, proj(loop, stage(code(src), path=path), **self.two))
            for path in ('nbs/08_x.ipynb', 'nbs/checks/x.ipynb', 'nbs/benchmarks/x.ipynb'): self.refuses(r, proj(loop, stage(code(src), path=path), **self.two), 'step')  # tests
            self.accepts(r, proj(loop, stage(code('#| export\n' + src), path='nbs/08_x.ipynb'), **self.two))
        self.accepts(r, proj(loop, stage(code('from nb_helpers.training import fit, step'), path='nbs/08_x.ipynb'), sources=self.two['sources'],
                             stubs=dict(training='from .loop import fit, step')))
        self.accepts(r, proj(loop, console_scripts='nb_step=nb_helpers.training.loop:step', **self.two))
        drawn = dict(sources={'samples.a': "__all__ = ['f']"}, stubs={})
        self.accepts(r, proj(stage(code('from nb_helpers.samples.a import f'), path='nbs/08_x.ipynb'), **drawn))      # samples are there for tests
        self.refuses(r, proj(loop, **drawn), 'samples/a.py: f')

    def test_public_once(self):
        r, a, b = guard.public_once, "__all__ = ['f', 'g']", "__all__ = ['f']"
        self.refuses(r, proj(sources={'model.a': a, 'model.b': b}), 'f is public in model.a and model.b')
        self.refuses(r, proj(sources={'model.a': a, 'gpu': b}, stubs=dict(model='from .a import f, g')), 'f is public in model.a and gpu')
        self.refuses(r, proj(sources={'model.a': a}, stubs=dict(model='from .a import g', runs='from .a import g')), 'g is public in')
        self.accepts(r, proj(sources={'model.a': a, 'gpu': "__all__ = ['h']\nfrom .model.a import f"}, stubs=dict(model='from .a import f, g')))

    def test_few_public_and_in_faces(self):
        words = lambda k, n: ', '.join(f"'{k}{i}'" for i in range(n))
        src = {'model.a': f"__all__ = [{words('a', 200)}]\n__all__ += [{words('b', 60)}]", 'gpu': f"__all__ = [{words('c', 41)}]"}
        self.refuses(guard.few_public, proj(sources=src), '301 public names, at most 300')
        self.accepts(guard.few_public, proj(sources=src | dict(gpu=f"__all__ = [{words('c', 40)}]")))
        face = lambda n: dict(model='from .a import (' + ', '.join(f'a{i}' for i in range(n)) + ')')
        self.refuses(guard.few_in_faces, proj(sources=src, stubs=face(120)), '161 names in the faces, at most 160')   # 41 of gpu, its own face
        self.accepts(guard.few_in_faces, proj(sources=src, stubs=face(119)))

    def test_faces_hold(self):
        r, src = guard.faces_hold, {'model.a': "__all__ = ['f', 'g']"}
        self.refuses(r, proj(sources=src, stubs=dict(model='from .a import f, _h')), 'nb_helpers/model/__init__.pyi: _h is not public in model.a')
        self.refuses(r, proj(sources=src, stubs=dict(model='from .b import f')), 'f is from model.b, which is not there')
        self.refuses(r, proj(sources=src, stubs=dict(model="__all__ = ['f']\nfrom .a import f, g")), '__all__ and the imports differ in g')
        self.accepts(r, proj(sources=src, stubs=dict(model="__all__ = ['f', 'g', 'a']\nfrom . import a\nfrom .a import f as f, g")))

    def test_names_in_text(self):
        r = guard.names_in_text
        src = {'dataset.items': "__all__ = ['read_items']\ndef read_items(): pass\nclass Cache:\n    size = 1\n    def __init__(self, path): self.n = 0\n"
                                "    def build(self): pass\nclass More(Cache):\n    def grow(self): pass\nclass Net(Module): pass\n@patch\ndef later(self:Cache): pass"}
        nb = lambda s, *more: proj(stage(text(s), *more), sources=src)
        for s in ('see `items.gone`', '`dataset.items.gone`', '`nb_helpers.dataset.items.gone(1)`', '`dataset.gone`', '`nb_helpers.gone`', '`Cache.gone`', '`Cache.gone()`',
                  '`More.gone`', '`items.Cache.gone`', '`gone_away()`', 'first `gone_away(a, b=1)` then'):
            self.refuses(r, nb(s), 'correct the text')
        for s in ('`items.read_items`', '`dataset.items.read_items(x)`', '`nb_helpers.dataset.items`', '`Cache.build()`, `Cache.n`, `Cache.path`, `Cache.later`', '`More.build`',
                  '`Net.forward`', '`read_items()`', '`len(x)`', '`np.gone`, `torch.gone(1)`', '`items.csv`, `run.json`', '`gone`', '```\ngone_away()\n```', '`a = gone_away()`'):
            self.accepts(r, nb(s))
        self.accepts(r, nb('`items.label` is a column, `learn.fit_one_cycle(2)`', code('items = 1\nlearn.fit_one_cycle(3)')))

    def test_sizes(self):
        nb, big = stage(), workbook()
        nb.size, big.size = 301*1024, 501*1024
        self.refuses(guard.sizes, proj(nb), '301 KB, at most 300')
        self.refuses(guard.sizes, proj(big), '501 KB, at most 500')

    def test_machine_paths(self):
        r = guard.machine_paths
        for where in ('/home/ann/x', '/root', '/Users/ann', '/work/x', '/tmp/abc', 'C:\\Users\\ann'):
            self.refuses(r, proj(stage(code(f'p = r"{where}"'))), 'one machine')
            self.refuses(r, proj(stage(code('p', out(f"Path('{where}/a')")))), 'one machine')
            self.refuses(r, proj(stage(code('p', dict(output_type='stream', text=[f'in {where}\n'])))), 'one machine')
        self.refuses(r, proj(stage(text('it is in /content/drive'))), 'drive alone')
        self.refuses(r, proj(stage(), sources={'balance': 'p = "/home/ann"'}), 'nb_helpers/balance.py')
        self.accepts(r, proj(stage(code('p = "/content"'), path='nbs/02_drive/03_workspace.ipynb')))
        self.accepts(r, proj(stage(code('url = "https://example.org/home/tmp/x"; q = d/"tmp"; s = "a/content"', out('iVBOR/tmp/', 'image/png')))))

    def test_machine_words(self):
        old, guard.machine_words = guard.machine_words, lambda: ['annabel']
        try: self.refuses(guard.machine_paths, proj(stage(code('p', out('made by annabel')))), 'annabel')
        finally: guard.machine_words = old

    def test_clean_outputs(self):
        r = guard.clean_outputs
        self.refuses(r, proj(stage(code('x', dict(output_type='error', traceback=['ValueError'])))), 'an error')
        self.refuses(r, proj(stage(code('x', out('Traceback (most recent call last)\n...')))), 'stack trace')
        self.refuses(r, proj(stage(code('x', out(' 50%|#####     | 5/10 [00:01<00:01]')))), 'progress bar')
        self.refuses(r, proj(stage(code('x', out("<progress value='1'>", 'text/html')))), 'progress bar')
        self.refuses(r, proj(stage(code('x', out('{}', 'application/vnd.jupyter.widget-view+json')))), 'widget')

    def test_no_secrets(self):
        fake = ['gh' 'p_' + 'a1'*18, 'hf' '_' + 'Ab3'*10, 'AK' 'IA' + 'A1B2'*4, '{"key": "' + '0a'*16 + '"}']
        for s in fake:
            self.refuses(guard.no_secrets, proj(stage(code(f't = {s!r}'))), 'revoke')
            self.refuses(guard.no_secrets, proj(stage(code('t', out(s)))), 'revoke')

    def test_zz_every_rule_was_refused(self):
        self.assertEqual({r.__name__ for r in guard.RULES} - {r.__name__ for r in Rules.used}, set())


class Commands(unittest.TestCase):
    "commands.py on a README of one block, and on commands with something wrong in them"
    opts = {'nb_run': {'-p', '--sweep', '--list', '--resume', '-h'}, 'nb_predict': {'-o'}}

    def params(self):
        from nb_helpers.workbook.parameters import Params
        return dict(cats=Params.parse("source = 'sample' # a folder\nhow = 'crop' # 'crop' or 'pad'\nepochs = 3 # passes, at least 1"))

    def said(self, line): return list(commands.wrong(line, self.opts, self.params(), {'run', 'test'}))

    def test_right(self):
        for l in ('nb_run cats -p source photos.zip -p epochs 5  # a comment', 'nb_run cats --sweep epochs=1,2', 'nb_run --resume RUN', 'nb_run NAME -p KEY VALUE',
                  "nb_run cats -p how HOW -p source '...'", 'nb_predict RUN new -o a.csv', 'make run PYTHON=python3.12', 'nb_run all',
                  'docker run --rm -v "$PWD/photos:/data" image nb_run cats -p source /data', 'nb_run cats --list > a.txt 2>&1 && make run | tail', 'python .ci/guard.py', 'git clone https://example.org/nbs/none'):
            self.assertEqual(self.said(l), [], l)

    def test_wrong(self):
        for l, why in {'nb_run cats --list-all': 'no option --list-all', 'nb_run cat': "no workbook 'cat'", 'nb_run cats -p epoch 3': "no parameter 'epoch'",
                       'nb_run cats -p epochs 0': 'at least 1', 'nb_run cats -p how squash': "none of 'crop', 'pad'", 'nb_run cats --sweep lr=1,2': "no parameter 'lr'",
                       'nb_run cats dogs': 'one argument too many', 'nb_predict RUN new --out a.csv': 'no option --out', 'make everything': 'the Makefile has no everything',
                       'nbdev_test --path nbs/none.ipynb': 'nbs/none.ipynb is not there', "nb_run cats -p source 'a": 'no shell would read',
                       'docker run image nb_run cats -p epochs 0': 'at least 1', 'make run && nb_run cats --all': 'no option --all'}.items():
            got = self.said(l)
            self.assertEqual(len(got), 1, (l, got)); self.assertIn(why, got[0])

    def test_documented(self):
        with tempfile.TemporaryDirectory() as d:
            (Path(d)/'nbs').mkdir()
            (Path(d)/'README.md').write_text('Try `nb_run cats --list`, [this](nbs/none.ipynb) and [that](https://example.org).\n\n```sh\n# first\nnb_run cats \\\n    -p epochs 5\n'
                                             'pip install x\n```\n\n```\nnot a command\nmake run\n```\n')
            got = [l for _, l in commands.documented(Path(d), ['make'])]
            self.assertEqual(got, ['nb_run cats -p epochs 5', 'pip install x', 'make run', 'nb_run cats --list'])
            self.assertEqual(list(commands.links(Path(d))), [('README.md', 'nbs/none.ipynb')])

    def test_options(self): self.assertLessEqual({'--runs', '--help', '-h', '--by'}, commands.options('nb_helpers.workbook.tables:nb_runs_cli'))


class Ceilings(unittest.TestCase):
    "A rule that the tree still breaks may only be broken less"

    def test_held(self):
        f = lambda *a: guard.held(guard.long_lines, *a)
        self.assertEqual(f(['a', 'b'], {}), ['a', 'b'])
        self.assertEqual(f(['a', 'b'], dict(long_lines=2)), [])
        self.assertRegex(f(['a', 'b'], dict(long_lines=1))[0], '2 places, and the ceiling is 1')
        self.assertEqual(f(['a', 'b'], dict(long_lines=1))[1:], ['a', 'b'])
        self.assertEqual(f(['a', 'b'], dict(long_lines=3)), ['2 places now: lower the ceiling of long_lines to 2'])
        self.assertEqual(f([], dict(long_lines=3)), ['none is left: take long_lines out of CEILING'])
        self.assertEqual(f([guard.Much('long', 7), 'a'], dict(long_lines=8)), [])
        self.assertIn('ceiling is 7', f([guard.Much('long', 7), 'a'], dict(long_lines=7))[0])

    def test_lower(self):
        p, old = proj(stage(code('x'*150))), guard.CEILING
        guard.CEILING = dict(long_lines=5, no_samples=2, sizes=0)
        try: self.assertEqual(guard.lower('CEILING = dict(\n    long_lines=5,  # why\n    no_samples=2,\n    sizes=0,\n)', p), 'CEILING = dict(\n    long_lines=1,  # why\n    sizes=0,\n)')
        finally: guard.CEILING = old

    def test_table(self):
        "The table names rules, and none that must never be broken"
        self.assertEqual(set(guard.CEILING) - {f.__name__ for f in guard.RULES}, set())
        self.assertEqual([k for k, n in guard.CEILING.items() if n < 1], [])

    def test_said(self):
        said = []
        guard.check(proj(stage()), said.append)
        self.assertEqual(len(said), len(guard.RULES))


class Tools(unittest.TestCase):
    "What is around the rules"

    def test_directives_as_nbdev(self):
        from fastcore.basics import AttrDict
        from nbdev.process import extract_directives
        for src in ['#| slow\nx', '#|slow\n#| cuda\nx', '# | eval: false\nx', '#| eval:false', '\n\n#| export\nx', '# c\n#| slow', 'x\n#| slow',
                    '%%time\n#| slow\nx', '#| hide:\nx', '', '#|', '  #| colab\nx']:
            theirs = extract_directives(AttrDict(source=src, cell_type='code'), remove=False)
            theirs.pop('time', None)  # nbdev takes the magic for a directive, too
            self.assertEqual(pj.parse_directives(src), dict(theirs), src)

    def test_runs(self):
        for src, want in [('x', 1), ('#| slow\nx', 0), ('#| eval: false\nx', 0), ('#| eval: true\nx', 1), ('#| cuda\n#| slow\nx', 0), ('# c\n#| slow\nx', 1)]:
            self.assertEqual(code(src).runs(), bool(want), src)

    def test_badge_rewriting(self):
        old, new = ('OWNER', 'nb_helpers'), dict(user='ann', repo='nbh', branch='dev')
        f = lambda s, **kw: badges.rewrite(s, 'nbs/01_gpu.ipynb', new, old, **kw)
        owner = dict(user='OWNER', repo='nb_helpers', branch='main')
        self.assertEqual(f(pj.badge('nbs/wrong.ipynb', owner), top=True), pj.badge('nbs/01_gpu.ipynb', new))
        self.assertEqual(f(pj.badge('nbs/other.ipynb', owner)), pj.badge('nbs/other.ipynb', new))
        self.assertEqual(f(pj.badge('nbs/other.ipynb', dict(owner, branch='a/b'))), pj.badge('nbs/other.ipynb', new))
        self.assertEqual(f(pj.install_cell(owner)), pj.install_cell(new))
        self.assertEqual(f('pip install git+https://github.com/OWNER/nb_helpers@main'), 'pip install git+https://github.com/ann/nbh@dev')
        self.assertEqual(f('git clone https://github.com/OWNER/nb_helpers'), 'git clone https://github.com/ann/nbh')
        self.assertEqual(f('https://github.com/OWNER/nb_helpers/blob/main/data_links.md'), 'https://github.com/ann/nbh/blob/dev/data_links.md')
        self.assertEqual(f('https://github.com/OWNER/nb_helpers_two'), 'https://github.com/OWNER/nb_helpers_two')
        again = badges.rewrite(f('git+https://github.com/OWNER/nb_helpers@main'), 'nbs/x.ipynb', owner, ('ann', 'nbh'))
        self.assertEqual(again, 'git+https://github.com/OWNER/nb_helpers@main')

    def test_readme_links(self):
        f = readme.relink
        self.assertEqual(f('![a](images/a.png) [b](01_gpu.ipynb) [c](../data_links.md) [d](https://x.org) [e](#up)'),
                         '![a](nbs/images/a.png) [b](nbs/01_gpu.ipynb) [c](data_links.md) [d](https://x.org) [e](#up)')
        self.assertEqual(f('<img src="images/a.png">'), '<img src="nbs/images/a.png">')
        self.assertEqual(f('```\n[a](images/a.png)\n```'), '```\n[a](images/a.png)\n```')

    def test_readme(self):
        import nbformat as nf
        with tempfile.TemporaryDirectory() as d:
            d = Path(d)
            self.assertIn('index.ipynb is missing', readme.problems(d)[0])
            (d/'nbs').mkdir()
            cells = [nf.v4.new_markdown_cell('# T\n\n[x](../a.md)'), nf.v4.new_code_cell('#| eval: false\nf()')]
            nf.write(nf.v4.new_notebook(cells=cells), d/'nbs'/'index.ipynb')
            self.assertIn('README.md is missing', readme.problems(d)[0])
            (d/'README.md').write_text(readme.make(d))
            self.assertEqual(readme.problems(d), ['README.md links to a.md, which is not there'])
            (d/'a.md').touch()
            self.assertEqual(readme.problems(d), [])
            self.assertIn('```python\nf()\n```', (d/'README.md').read_text())
            (d/'README.md').write_text(readme.make(d) + 'more\n')
            self.assertIn('differs', readme.problems(d)[0])

    def test_snapshots(self):
        self.assertEqual(check.changed(dict(a=1, b=2, c=3), dict(a=1, b=5, d=4), 'r'), ['b changes; r', 'c is gone; r', 'd is new; r'])

    def test_trouble(self):
        said = lambda **kw: check.trouble(dict(late=False, result=dict(ok=True, error=''), said='', seconds=1.) | kw)
        self.assertEqual(said(), [])
        self.assertRegex(said(result=dict(ok=False, error='ValueError in a.ipynb:\n===\nWhile Executing Cell #3:\nTraceback\nValueError: bad'))[0], r'(?s)^cell #3\n.*ValueError: bad$')
        self.assertRegex(said(late=True, result=None, seconds=600.2, said='step 3')[0], r'(?s)not done after 600 s.*step 3')
        self.assertRegex(said(result=None, said='Segmentation fault')[0], r'(?s)its process died.*Segmentation')
        self.assertIn('never came to it', check.trouble(None)[0])

    def test_longest_first(self):
        import nbformat as nf
        with tempfile.TemporaryDirectory() as d:
            for n, k in (('a', 10), ('b', 30), ('c', 20)): nf.write(nf.v4.new_notebook(cells=[nf.v4.new_code_cell('x'*k), nf.v4.new_code_cell('#| slow\n' + 'y'*500)]), Path(d)/n)
            f = lambda **s: pj.longest_first(['a', 'b', 'c'], Path(d), s)
            self.assertEqual(f(), ['b', 'c', 'a'])
            self.assertEqual(f(a=9., gone=3.), ['b', 'c', 'a'])           # 0.9 s a character: b 27, c 18
            self.assertEqual(f(a=30., b=2., c=3.), ['a', 'c', 'b'])
            self.assertEqual(pj.longest_first(['a', 'b', 'c'], Path(d)), ['b', 'c', 'a'])
            pj.note(dict(a=1.), d)
            self.assertEqual(pj.hint(d), {})                             # no .venv: nothing is kept
            (Path(d)/'.venv').mkdir()
            pj.note(dict(a=1., b=2.), d), pj.note(dict(b=3.), d)
            self.assertEqual(pj.hint(d), dict(a=1., b=3.))
            for wrong in ('[1]', '{"a": null}', '{"a"', '{"a": "x"}'):
                (Path(d)/'.venv'/'seconds.json').write_text(wrong)
                self.assertEqual(pj.hint(d), {})

    def test_code_in_folders_of_the_same_name_is_seen(self):
        "runs/, data/ and drive/ in the root are what a workbook makes; nb_helpers/runs/ and nb_helpers/drive/ are code"
        code, made = ['nb_helpers/runs/run.py', 'nb_helpers/drive/files.py', 'nbs/09_runs/02_run.ipynb'], ['runs/x/run.json', 'nbs/experiments/runs/x.json', 'data/a', 'drive/b']
        with tempfile.TemporaryDirectory() as d:
            for p in (*code, *made): (Path(d)/p).parent.mkdir(parents=True, exist_ok=True); (Path(d)/p).write_text('1')
            a = check.snapshot(Path(d))
            self.assertEqual(sorted(a), sorted(code))
            (Path(d)/code[1]).write_text('2')
            self.assertEqual(check.changed(a, check.snapshot(Path(d)), 'look'), ['nb_helpers/drive/files.py changes; look'])
            for n in ('.gitignore', '.dockerignore'): (Path(d)/n).write_text((pj.ROOT/n).read_text())
            subprocess.run(['git', 'init'], cwd=d, check=True, capture_output=True)
            self.assertEqual(check.untracked(Path(d)), sorted(f'{p} is not in git; git add it, or remove it' for p in (*code, made[1])))

    def test_untracked(self):
        with tempfile.TemporaryDirectory() as d:
            git = lambda *a: subprocess.run(['git', *a], cwd=d, check=True, capture_output=True)
            git('init')
            (Path(d)/'nbs').mkdir()
            (Path(d)/'nbs'/'new.ipynb').touch()
            self.assertEqual(check.untracked(Path(d)), ['nbs/new.ipynb is not in git; git add it, or remove it'])
            git('add', '.')
            self.assertEqual(check.untracked(Path(d)), [])


class Requirements(unittest.TestCase):
    "The resolver, on made-up packages and on ours"
    pins = dict(torch='2.11.0', fastai='2.8.8', fastcore='2.2.12')

    def test_ranges(self):
        R = resolve.Requirement
        dists = lambda: dict(fastai=[R('fastcore>=1.14.6'), R('torch<3')], helper=[R('fastcore<2'), R('torch<2; python_version<"3"')])
        self.assertEqual(resolve.problems(['fastai>=2.8'], self.pins, dists()), [])
        self.assertIn('helper asks for fastcore<2', resolve.problems(['fastai', 'helper'], self.pins, dists())[0])
        self.assertIn('settings.ini asks for fastcore<2', resolve.problems(['fastcore<2'], self.pins, dists())[0])
        self.assertIn('torch>=2.12', resolve.problems(['torch>=2.12'], self.pins, dists())[0])
        self.assertEqual(len(resolve.fixed(['torch==2.11.0', 'fastai>=2,<3'])), 1)

    def test_ours(self):
        ours = pj.settings()['requirements'].split()
        self.assertEqual(resolve.colab_problems(reqs=ours), [])
        self.assertTrue(resolve.colab_problems(reqs=[*ours, 'fastcore<2']))
        self.assertTrue(resolve.colab_problems(reqs=[*ours, 'nbdev']))  # through what it asks for itself

    def test_pins_by_python(self):
        self.assertEqual([resolve.pins(v)['scipy'] for v in ('3.10', '3.13')], ['1.15.3', '1.16.3'])
        for v in ('3.10', '3.11', '3.12', '3.13', '3.14'): self.assertEqual(resolve.pins(v)['torch'], '2.11.0')


class Imports(unittest.TestCase):
    "Modules with side effects, written for the purpose"

    def effects(self, src):
        with tempfile.TemporaryDirectory() as d:
            (Path(d)/'nbh_probe.py').write_text(src)
            code = f'import sys; sys.path[:0] = [{str(Path(imports.__file__).parent)!r}, {d!r}]; import json, imports\n' \
                   'print(json.dumps([imports.in_child(imports.effect, "nbh_probe"), imports.in_child(imports.added, "nbh_probe")]))'
            p = subprocess.run([sys.executable, '-c', 'import numpy\n' + code], capture_output=True, text=True, cwd=d)
            self.assertEqual(p.returncode, 0, p.stderr)
            return json.loads(p.stdout.splitlines()[-1])

    def test_effects(self):
        for src, want in [('x = 1', []), ('import os; os.environ["A_B"] = "1"', ['environment']), ('import random; random.seed(1)', ['random']),
                          ('import numpy; numpy.random.seed(1)', ['numpy seed']), ('open("a.txt", "w").close()', ["writes ['a.txt']"]),
                          ('print("hi")', ["prints 'hi'"]), ('import os; os.system("echo hi")', ["prints 'hi'"]),
                          ('import threading, time; threading.Thread(target=time.sleep, args=(1,), daemon=True).start()', ['threads'])]:
            self.assertEqual(self.effects(src)[0], want, src)
        self.assertIn('ZeroDivisionError', self.effects('1/0')[0]['error'])

    def test_heavy(self):
        self.assertIn('PIL', self.effects('import PIL')[1])
        self.assertEqual(imports.not_light(['cv2', 'tqdm', '_x', 'a__mypyc']), ['cv2'])


    def test_needs(self):
        with tempfile.TemporaryDirectory() as d:
            def put(name, src): (Path(d)/name).parent.mkdir(parents=True, exist_ok=True); (Path(d)/name).write_text(src)
            put('lib/__init__.py', ''), put('lib/room/__init__.py', 'import lazy')
            put('lib/a.py', 'import os.path, numpy as np\ndef f():\n    import torch')
            put('lib/room/b.py', 'from ..a import f\nif 1: from .c import g\nclass C:\n    import PIL.Image')
            put('lib/room/c.py', 'try: import fastai.vision.all\nexcept ImportError: pass\nfrom .b import h')
            put('lib/d.py', 'from lib.room import c\nfrom lib import a'), put('lib/e.py', 'from . import a\nfrom .room import b')
            f = lambda n: sorted(imports.needs(n, d))
            self.assertEqual(f('lib.a'), ['numpy', 'os'])
            self.assertEqual(f('lib.room'), ['lazy'])
            self.assertEqual(f('lib.room.c'), ['PIL', 'fastai', 'lazy', 'numpy', 'os'] if 'lazy' in f('lib.room.c') else ['PIL', 'fastai', 'numpy', 'os'])
            for n in ('lib.room.b', 'lib.d', 'lib.e'): self.assertIn('fastai', f(n), n)

    def test_each(self):
        src = f'import sys, os; sys.path[:0] = [{str(Path(imports.__file__).parent)!r}]; import imports, json\n' \
              'f = lambda n: os._exit(1) if n == "3" else 1/int(n)\nprint(json.dumps(imports.each(f, ["0", "1", "2", "3", "4"])))'
        p = subprocess.run([sys.executable, '-c', src], capture_output=True, text=True)
        self.assertEqual(json.loads(p.stdout), {'0': dict(error='ZeroDivisionError: division by zero'), '1': 1., '2': .5, '3': dict(error='the process died'), '4': .25})


class Warm(unittest.TestCase):
    "Forked processes: each for itself, and none outlives what it belongs to"

    def forked(self, src, todo, limit=5, workers=2, **kw):
        "Results by item, of a parent that has numpy"
        here = str(Path(imports.__file__).parent)
        src = f'import sys; sys.path[:0] = [{here!r}]\nimport json, os, random, signal, subprocess, tempfile, time, warm, numpy as np\n{src}\n' \
              f'warm.forked({todo!r}, work, {workers}, {limit}, lambda o: print(json.dumps(o), flush=True), **{kw!r})\nprint("done")'
        p = subprocess.run([sys.executable, '-c', src], capture_output=True, text=True, stdin=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS='1'))
        self.assertEqual((p.returncode, p.stderr), (0, ''))
        *rows, end = p.stdout.splitlines()
        self.assertEqual(end, 'done')                       # no child goes on with the parent's lines
        return {o['item']: o for o in map(json.loads, rows)}

    def test_each_fails_alone(self):
        res = self.forked("""def work(i):
    if i == 'dies': os.kill(os.getpid(), 9)
    if i == 'hangs': print('so far', flush=True); subprocess.run(['sleep', '60'])
    if i == 'raises': 1/0
    if i == 'exits': sys.exit(3)
    return i""", ['dies', 'hangs', 'raises', 'exits', 'right', 'more'], limit=3)
        self.assertEqual({k: o['result'] for k, o in res.items()}, dict(dies=None, hangs=None, raises=None, exits=None, right='right', more='more'))
        self.assertEqual([k for k, o in res.items() if o['late']], ['hangs'])
        self.assertIn('so far', res['hangs']['said'])
        self.assertIn('ZeroDivisionError', res['raises']['said'])
        self.assertLess(res['hangs']['seconds'], 10)

    def test_each_for_itself(self):
        res = self.forked("""def work(i):
    os.environ['SEEN'] = os.environ.get('SEEN', '') + 'x'
    open(tempfile.gettempdir() + '/a', 'x').close()
    os.chdir('/')
    return [random.random(), np.random.rand(), tempfile.gettempdir(), os.environ['SEEN'], os.getsid(0) == os.getpid(), sys.stdin.read(),
            int(signal.getsignal(signal.SIGTERM)), i]""", [1, 2, 3, 4], workers=1)
        rows = [o['result'] for o in res.values()]
        for k in (0, 1, 2): self.assertEqual(len({r[k] for r in rows}), 4)
        for r in rows: self.assertEqual(r[3:7], ['x', True, '', 0])
        self.assertEqual(list(res), [1, 2, 3, 4])            # in the order that was asked for
        self.assertEqual([p for r in rows if (p := Path(r[2])).exists()], [])

    def test_nothing_is_left_running(self):
        res = self.forked("""def work(i):
    p = subprocess.Popen([sys.executable, '-c', 'import os, time\\nif not os.fork(): time.sleep(120)\\ntime.sleep(120)'])
    time.sleep(.5)
    return p.pid""", [1])
        time.sleep(.3)
        self.assertFalse(alive(res[1]['result']))

    def test_all_end_with_their_owner(self):
        here = str(Path(imports.__file__).parent)
        src = f'import sys; sys.path[:0] = [{here!r}]\nimport os, signal, time, warm\nsignal.signal(2, signal.default_int_handler)\ndef work(i): print(i); time.sleep(120)\n' \
              'def tell(o): pass\nold = os.fork\ndef fork():\n    if pid := old(): print(pid, flush=True); time.sleep(.3)\n    return pid\nos.fork = fork\n' \
              'warm.forked([1, 2], work, 2, 100, tell, 0)'
        for how in ('close', 'term', 'int'):
            p = subprocess.Popen([sys.executable, '-c', src], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            pids = [int(p.stdout.readline()) for _ in (1, 2)]
            if how == 'close': p.stdin.close()
            else: p.send_signal(dict(term=15, int=2)[how])
            p.wait(20)
            time.sleep(.2)
            self.assertEqual([alive(i) for i in pids], [False, False], how)
            p.stdin.close(), p.stdout.close()

    def test_other_environment(self):
        self.assertEqual(warm.other(dict(A='1', PATH='x', JPY_B='1'), dict(A='1', PATH='x', TMPDIR='t', NB_HELPERS_DATA='d', MPLBACKEND=warm.INLINE)), [])
        self.assertEqual(warm.other(dict(A='1', B='2'), dict(A='2', PYTHONPATH='x', MPLBACKEND='agg', JPYTER='1')), ['A', 'B', 'JPYTER', 'MPLBACKEND', 'PYTHONPATH'])

    def test_stand_in(self):
        "What is imported before the fork sees a notebook, and afterwards no shell is left"
        src = f'import sys; sys.path[:0] = [{str(Path(imports.__file__).parent)!r}, "."]\nimport warm\nwarm.gpu = lambda: False\nwarm.load("ZMQInteractiveShell", ["nbh_probe"], IPKernelApp={{}})\n' \
              'import builtins, IPython, nbh_probe\nprint(nbh_probe.seen, nbh_probe.kept(), IPython.get_ipython(), hasattr(builtins, "get_ipython"), "nb_helpers" in sys.modules)'
        with tempfile.TemporaryDirectory() as d:
            (Path(d)/'nbh_probe.py').write_text('from IPython import get_ipython as kept\nseen = type(get_ipython()).__name__, "IPKernelApp" in kept().config')
            p = subprocess.run([sys.executable, '-c', src], capture_output=True, text=True, cwd=d)
        self.assertRegex(p.stdout, r"^\('ZMQInteractiveShell', True\) <warm.ZMQInteractiveShell .*> None False False", p.stderr)


def alive(pid):
    "Is there such a process, other than one that waits to be collected?"
    try: return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] not in 'ZX' if sys.platform == 'linux' else not os.kill(pid, 0)
    except OSError: return False


def until(f, seconds=30):
    "Wait for f() to be true; whether it was"
    for _ in range(seconds*10):
        if f(): return True
        time.sleep(.1)
    return False


def working_in(folder):
    "Processes whose working folder is `folder`"
    for p in Path('/proc').iterdir():
        with contextlib.suppress(OSError):                       # it ends while we look, or is another user's
            if p.name.isdigit() and os.readlink(p/'cwd') == folder: yield int(p.name)


class ColabLeg(unittest.TestCase):
    "The second leg on tiny notebooks: right, failing, too slow, dying"

    def leg(self, start, env, limit, **notebooks):
        import nbformat as nf
        with tempfile.TemporaryDirectory() as d:
            for name, src in notebooks.items(): nf.write(nf.v4.new_notebook(cells=[nf.v4.new_code_cell(s) for s in src]), Path(d)/f'{name}.ipynb')
            res = asyncio.run(colab_leg.run_all([f'{n}.ipynb' for n in notebooks], env, 'pass', 2, limit, lambda s: None, Path(d), start))
        return {r.path.removesuffix('.ipynb'): r for r in res}

    def test_fewer(self):
        "What is trained less here is a parameter of the workbook, and after its cell"
        at = {nb.name: nb for nb in pj.notebooks()}
        for name, line in colab_leg.FEWER.items():
            cell = next(c for c in at[f'experiments/{name}.ipynb'].code() if 'parameters' in c.metadata.get('tags', []))
            for n in line.split(' = ')[0].split(', '): self.assertRegex(cell.source, rf'(?m)^{n} +=', name)

    def test_leg(self):
        env = dict(os.environ, PYTHONWARNINGS='ignore', OMP_NUM_THREADS='1')
        own = 'import os, random, sys, tempfile, IPython\nprint(random.random(), tempfile.gettempdir())\nassert type(get_ipython()).__name__ == "ZMQInteractiveShell"'
        with colab_leg.warm(env, modules=('json',)) as start:
            self.assertEqual(start is not None, sys.platform == 'linux')
            late = self.leg(start, env, 5, late=['import os; print(os.getpid())', 'import time; time.sleep(600)'])
            res = self.leg(start, env, 60, right=['x = 1', '#| slow\n1/0', '#| eval: false\n1/0', 'assert x == 1'], wrong=['x = 1', 'x/0'],
                           empty=['#| cuda\n1/0'],
                           dead=['import sys, os; print("the end is near", file=sys.__stderr__, flush=True); os.kill(os.getpid(), 9)'], own=[own, 'assert "nb_helpers" not in sys.modules'],
                           forked=['import json, sys; assert "warm" not in sys.modules and not any(p.endswith(".ci") for p in sys.path)'],
                           other=['import os; assert "NB_X" not in os.environ'])
            cold = self.leg(start, dict(env, NB_X='1'), 60, cold=['import os; assert os.environ["NB_X"] == "1"'])   # the warm process has not that: started anew
        self.assertEqual((res['right'].cells, res['right'].error), (2, ''))
        self.assertEqual(res['wrong'].cells, 1)
        self.assertRegex(res['wrong'].error, r'(?s)cell 1: x/0.*ZeroDivisionError')
        self.assertIn('not done after', late['late'].error)
        self.assertIn('no cell', res['empty'].error)
        self.assertIn('the kernel died', res['dead'].error)
        for k in ('own', 'forked', 'other'): self.assertEqual(res[k].error, '', k)
        self.assertEqual(cold['cold'].error, '')

    def test_without_a_warm_process(self):
        env = dict(os.environ, PYTHONWARNINGS='ignore')
        gone = [sys.executable, '-I', '-S', warm.__file__, 'kernel', '/nowhere/s', '-f']
        for start in (None, gone): self.assertEqual(self.leg(start, env, 60, a=['x = 1'])['a'].error, '')
        with contextlib.redirect_stdout(io.StringIO()) as said, colab_leg.warm(env, modules=('no_such_module',)) as start: self.assertIsNone(start)
        if sys.platform == 'linux' and not warm.gpu(): self.assertIn("No module named 'no_such_module'", said.getvalue())

    def test_kernels_end_with_the_leg(self):
        if sys.platform != 'linux': return
        env = dict(os.environ, PYTHONWARNINGS='ignore', OMP_NUM_THREADS='1')
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for how in ('kernel killed', 'leg over'):
            with tempfile.TemporaryDirectory() as d:
                with colab_leg.warm(env, modules=('json',)) as start:
                    kernel = subprocess.Popen([*start, f'{d}/k.json'], env=env, cwd=d, **quiet)
                    until(lambda: Path(f'{d}/k.json').exists())
                    before = [i for i in working_in(d) if i != kernel.pid]
                    self.assertEqual(len(before), 1)
                    if how == 'kernel killed':               # as Jupyter does with one that does not answer
                        kernel.kill(), kernel.wait()
                        self.assertTrue(until(lambda: not alive(before[0])), how)
                self.assertTrue(until(lambda: not alive(before[0])), how)
                kernel.wait(20)

    def test_pair(self):
        env = colab_leg.environment()
        run = lambda code, env: subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True)
        colab_leg.install_pair()
        check = colab_leg.assertion(pj.settings()['colab_pair'])
        self.assertEqual(run(check, env).returncode, 0)
        self.assertIn('AssertionError', run(check, dict(os.environ)).stderr)
        self.assertIn('Colab has none', run('import nbdev', env).stderr)


class Bootstrap(unittest.TestCase):
    "Each plain sentence"

    def test_python(self):
        with self.assertRaisesRegex(bootstrap.Stop, r'3\.10 or newer is needed; found 3\.8\.18 \(py\)'): bootstrap.check_python((3, 8, 18), 'py')
        bootstrap.check_python((3, 10, 0))

    def test_disk(self):
        with self.assertRaisesRegex(bootstrap.Stop, r'needs (9\d{8}|1000000000)\.\d GB free, and .* has \d'): bootstrap.check_disk(1e9)

    def test_trouble(self):
        self.assertIn('out of reach', bootstrap.trouble("NewConnectionError('<...>: Failed to establish a new connection')"))
        self.assertIn('disk filled up', bootstrap.trouble('OSError: [Errno 28] No space left on device'))
        self.assertEqual(bootstrap.trouble('ERROR: ResolutionImpossible'), 'pip could not install the packages.')

    def test_damaged(self):
        with tempfile.TemporaryDirectory() as d:
            d = Path(d)
            for n in 'abc': (d/f'{n}-1.dist-info').mkdir(), (d/f'{n}.py').write_text('12345')
            (d/'a-1.dist-info'/'RECORD').write_text('a.py,sha256=x,5\n')
            (d/'b-1.dist-info'/'RECORD').write_text('b.py,sha256=x,9\n')  # cut short; c has no RECORD
            (d/'~orch').mkdir()
            self.assertEqual([Path(p).name for p in bootstrap.damaged(str(d))], ['b-1.dist-info', 'c-1.dist-info', '~orch'])


if __name__ == '__main__': unittest.main()
