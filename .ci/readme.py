"README.md, made from nbs/index.ipynb"
import posixpath, re, sys
from pathlib import Path
from project import ROOT, load

NOTE = '<!-- made from nbs/index.ipynb by make readme; edit the notebook -->\n\n'


def from_root(target):
    "A link of nbs/index.ipynb as seen from the root"
    if re.match(r'[a-z][a-z0-9+.-]*:|#|/', target): return target
    return posixpath.normpath(posixpath.join('nbs', target))


def relink(text):
    "Rewrite markdown links and <img src> / <a href> of nbs/ for the root; code blocks stay as they are"
    parts = re.split(r'(?ms)(^```.*?^```)', text)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r'(\]\()([^)\s]+)', lambda m: m[1] + from_root(m[2]), parts[i])
        parts[i] = re.sub(r'((?:src|href)=")([^"]+)', lambda m: m[1] + from_root(m[2]), parts[i])
    return ''.join(parts)


def links(text):
    "Relative links of the README"
    found = re.findall(r'\]\(([^)\s]+)|(?:src|href)="([^"]+)', text)
    return [t.split('#')[0] for t in (a or b for a, b in found) if not re.match(r'[a-z][a-z0-9+.-]*:|#', t)]


def make(root=ROOT):
    "The README's text"
    import nbformat
    from nbconvert import MarkdownExporter
    nb = nbformat.read(Path(root)/'nbs'/'index.ipynb', as_version=4)
    cells = load('nbs/index.ipynb', root).cells
    keep = [c.kind != 'code' or bool(c.body.strip()) and 'hide' not in c.directives for c in cells]
    for new, old in zip(nb.cells, cells):
        if old.kind == 'code': new.source = old.body.strip('\n')
    nb.metadata.language_info = dict(name='python')
    nb.cells = [c for c, k in zip(nb.cells, keep) if k]
    text, extra = MarkdownExporter().from_notebook_node(nb)
    if extra.get('outputs'):
        raise SystemExit('nbs/index.ipynb stores a picture in an output; save it in nbs/images and link to it')
    return NOTE + re.sub(r'\n{3,}', '\n\n', relink(text)).strip() + '\n'


def problems(root=ROOT):
    "Why README.md is not in step with the notebook; empty if it is"
    root = Path(root)
    if not (root/'nbs'/'index.ipynb').exists(): return ['nbs/index.ipynb is missing; the README is made from it']
    if not (root/'README.md').exists(): return ['README.md is missing; run make readme']
    have, want = (root/'README.md').read_text(encoding='utf-8'), make(root)
    bad = [] if have == want else [f'README.md differs from nbs/index.ipynb in {differ(have, want)}; run make readme']
    return bad + [f'README.md links to {t}, which is not there' for t in links(want) if not (root/t).exists()]


def differ(a, b):
    "The first line that differs"
    for i, (x, y) in enumerate(zip(a.splitlines() + [''], b.splitlines() + ['']), 1):
        if x != y: return f'line {i}'
    return 'its length'


if __name__ == '__main__':
    if not (ROOT/'nbs'/'index.ipynb').exists(): sys.exit('nbs/index.ipynb is missing; the README is made from it')
    (ROOT/'README.md').write_text(make(), encoding='utf-8')
    print('README.md written')
