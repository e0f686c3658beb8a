"""Write `user`, `repo` and `branch` of settings.ini into every notebook: badges, install cells, links to the repository.

Run through `make badges`, which exports and makes the README afterwards.
"""
import json, re
from collections import Counter
from guard import BADGE
from project import ROOT, install_cell, load, paths, repo, settings


def before(root=ROOT):
    "The (user, repo) that most badges name now, or None"
    c = Counter(b[:2] for p in paths(root) for cell in load(p, root).cells for b in BADGE.findall(cell.source))
    return c.most_common(1)[0][0] if c else None


def rewrite(source, path, s, old=None, top=False):
    "One cell's source with the settings `s`; in the title cell (`top`) the badge names the notebook's own path"
    user, name, branch = repo(s)
    new = f'https://colab.research.google.com/github/{user}/{name}/blob/{branch}/'
    source = BADGE.sub(lambda m: new + (path if top else m[4]), source)
    if '%pip install' in source and "find_spec('nb_helpers')" in source: source = install_cell(s)
    if not old: return source
    o = '/'.join(map(re.escape, old))
    end = r'(?![\w-])'
    source = re.sub(rf'(github\.com/){o}{end}(?:(\.git)?@[\w./-]+\w)', rf'\g<1>{user}/{name}\g<2>@{branch}', source)
    source = re.sub(rf'((?<!research\.google\.com/)github\.com/){o}{end}(/(?:blob|tree|raw)/)[\w.-]+', rf'\g<1>{user}/{name}\g<2>{branch}', source)
    source = re.sub(rf'(raw\.githubusercontent\.com/){o}{end}/[\w.-]+', rf'\g<1>{user}/{name}/{branch}', source)
    return re.sub(rf'(github\.com/){o}{end}', rf'\g<1>{user}/{name}', source)


def update(path, s, old, root=ROOT):
    "Rewrite one notebook in place; True where something changed"
    p = root/path
    text = p.read_text(encoding='utf-8')
    nb = json.loads(text)
    titles = [i for i, c in enumerate(nb['cells'][:3]) if c['cell_type'] == 'markdown'][:1]
    for i, c in enumerate(nb['cells']):
        src = rewrite(''.join(c['source']), path, s, old, top=i in titles and not path.endswith('/index.ipynb'))
        c['source'] = src.splitlines(True)
    new = json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n'
    if json.loads(text) == json.loads(new): return False
    p.write_text(new, encoding='utf-8')
    return True


if __name__ == '__main__':
    s, old = settings(), before()
    changed = [p for p in paths() if update(p, s, old)]
    print(f"badges and install cells name {'/'.join(repo(s)[:2])}@{repo(s)[2]}: {len(changed)} notebooks changed")
    for p in changed: print(' ', p)
