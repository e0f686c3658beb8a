"""The first leg: nbdev's own `test_nb` on every notebook, with the files and flags of nbdev_test, each in a forked process of its own.

nbdev_test runs one notebook after the other in each of its two workers, in the order of their names; here a notebook gets a process that
has imported fastai and nothing else, the longest come first, and one that dies or hangs fails alone. Prints a line of JSON as each ends.
`python .ci/nbdev_leg.py nbs/01_gpu.ipynb` runs one notebook.
"""
import contextlib, io, json, os, sys
from pathlib import Path
ROOT = Path(__file__).resolve().parent.parent


def files():
    "What nbdev_test would run, as paths relative to the root"
    from nbdev.config import get_config
    from nbdev.doclinks import nbglob
    from nbdev.test import _keep_file
    return sorted(f.absolute().relative_to(get_config().config_path).as_posix() for f in nbglob(as_path=True) if _keep_file(f, '.notest'))


def test(path):
    "As nbdev_test does it: whether it passed, and its error"
    from nbdev.config import get_config
    from nbdev.test import test_nb
    cfg, err = get_config(), io.StringIO()
    os.chdir(cfg.nbs_path)
    with contextlib.redirect_stderr(err): ok, _ = test_nb(Path(cfg.config_path)/path, skip_flags=cfg.tst_flags.split(), force_flags=[], basepath=cfg.config_path)
    return dict(ok=bool(ok), error=err.getvalue())


def main(paths, limit=600, workers=2, owner=None):
    os.chdir(ROOT)
    sys.path[:] = [p for p in sys.path if p != str(ROOT/'.ci')]
    import nbdev.test  # noqa: F401  before the shell, as in nbdev_test
    if not paths: return print(json.dumps(files()))
    import warm
    warm.load('CaptureShell')
    warm.forked(paths, test, workers, limit, lambda o: print(json.dumps(o), flush=True), owner)


if __name__ == '__main__':
    import warm  # noqa: F401  while its folder is on the path
    asked = json.loads(sys.stdin.readline()) if sys.argv[1:] == ['-'] else dict(paths=sys.argv[1:])
    main(**asked, owner=0 if sys.argv[1:] == ['-'] else None)
