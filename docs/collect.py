"""The pages of the website, from the folders: `collect.py FROM TO` copies nbs/ and adds an index a folder.

Nothing here names a notebook: stages are what has a number, workbooks lie in experiments/, and the rest shows or checks.
"""
import json, re, shutil, sys
from pathlib import Path

BADGE = re.compile(r'\[!\[[^\]]*\]\(\S*colab-badge\.svg\)\]\(([^)\s]+)\)')   # its picture would be fetched from Colab at view time
PAGES = ('data_links.md', 'CONTRIBUTING.md', 'CHANGELOG.md')
MADE = ('runs', 'data', 'drive')                  # what a workbook makes where it was run
EXPORT = re.compile(r'\s*#\s*\|\s*(export\w*|hide\w*)\s*$')


def source(cell): return ''.join(cell['source'])


def opening(nb):
    "(title, the line that says what it gives) of a notebook, '' where there is none"
    text = next((source(c) for c in nb['cells'] if c['cell_type'] == 'markdown'), '')
    m = re.match(r'# (.+)\n\n> (.+)', text)
    return m.groups() if m else ('', '')


def module(nb):
    "Its default_exp, or None"
    found = (re.match(r'#\s*\|\s*default_exp (\S+)', source(c)) for c in nb['cells'])
    return next((m[1] for m in found if m), None)


def shown(nb):
    "The notebook as a reader wants it: no install cell, badges in words, exported cells marked and without their directive"
    mod, cells = module(nb), []
    for c in nb['cells']:
        text = source(c)
        if c['cell_type'] == 'code':
            if re.match(r'#\s*\|\s*default_exp', text) or '%pip install' in text and 'nb_helpers' in text: continue
            lines = text.splitlines()
            keep = [l for l in lines if not EXPORT.match(l)]
            if len(keep) < len(lines): c['metadata'].setdefault('tags', []).append('export')
            text = '\n'.join(keep)
        else:
            link = f' · [{mod}](/api/nb_helpers/{mod.replace(".", "/")}/index)' if mod else ''
            text = BADGE.sub(lambda m: f'[Open in Colab]({m[1]}){link}', text).replace('](../', '](')
        cells.append(c | dict(source=text))
    return nb | dict(cells=cells)


def toctree(entries, *options):
    "A list of pages for the sidebar"
    return '\n'.join(['```{toctree}', *options, '', *entries, '```'])


def gives(index):
    "{stage: what it gives} from the table of nbs/index.ipynb"
    text = '\n'.join(source(c) for c in index['cells'] if c['cell_type'] == 'markdown')
    return dict(re.findall(r'(?m)^\| \[?(\d\d_\w+)[^|]*\| ([^|]+?) \|', text))


def spaced(name): return re.sub(r'^(\d\d)_', r'\1 ', name)


def folder_page(folder, nbs, says):
    "index.md of a folder: every notebook by its title, with the line that says what it gives"
    rows = [f'- [{t or name}]({name}.ipynb)\\\n  {q}' for name, (t, q) in nbs.items()]
    return '\n\n'.join([f'# {spaced(folder)}', says[:1].upper() + says[1:], '\n'.join(rows), toctree(nbs, ':hidden:')]) + '\n'


def collect(root, to):
    "Write all pages to `to`"
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root/'nbs', to, ignore=lambda d, names: [n for n in names if n[0] in '._' or n in MADE])
    for name in PAGES:
        if (root/name).exists(): shutil.copy(root/name, to)
    read = {p: json.loads(p.read_text(encoding='utf-8')) for p in sorted(to.rglob('*.ipynb'))}
    index, tops = read[to/'index.ipynb'], {}
    says = gives(index)
    for p, nb in read.items():
        if p.parent == to: tops[p.stem] = p.stem
        else: tops.setdefault(p.parent.name, {})[p.stem] = opening(nb)
        p.write_text(json.dumps(shown(nb), ensure_ascii=False), encoding='utf-8')
    del tops['index']
    for name, nbs in tops.items():
        if not isinstance(nbs, dict) or name == 'experiments': continue
        (to/name/'index.md').write_text(folder_page(name, nbs, says.get(name, '')), encoding='utf-8')
    page = lambda n: f'{spaced(n)} <{n}/index>' if isinstance(tops[n], dict) else f'{spaced(n)} <{n}>'
    stages = [page(n) for n in sorted(tops) if n[0].isdigit()]
    first = [n for n in ('tutorial',) if tops.pop(n, None)]
    work = first + [f'{n} <experiments/{n}>' for n in tops.pop('experiments', {})]
    rest = [page(n) for n in sorted(tops) if not n[0].isdigit()]
    trees = [toctree(e, ':hidden:', f':caption: {c}') for c, e in (('Workbooks', work), ('Stages', stages), ('Evidence', rest),
             ('Reference', ['modules <api/nb_helpers/index>', *(Path(n).stem for n in PAGES if (to/n).exists())]))]
    index = json.loads((to/'index.ipynb').read_text(encoding='utf-8'))
    index['cells'].append(dict(cell_type='markdown', id='sidebar', metadata={}, source='\n\n'.join(trees)))
    (to/'index.ipynb').write_text(json.dumps(index, ensure_ascii=False), encoding='utf-8')
    return len(read)


if __name__ == '__main__': print(collect(*map(Path, sys.argv[1:3])), 'notebooks')
