"Sphinx settings of the website; `make docs` calls it. Notebooks are shown as stored, never run, and the package is not imported"
import re, sys
from configparser import ConfigParser
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))
cfg = ConfigParser(delimiters=['='])
cfg.read(here.parent/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']

log = here.parent/'CHANGELOG.md'
newest = re.search(r'(?m)^## \[?(\d[\w.]*)', log.read_text(encoding='utf-8'))
if newest[1] != cfg['version']:
    raise SystemExit(f"CHANGELOG.md begins with {newest[1]}, settings.ini says {cfg['version']}: give the new version its section")

project, author, copyright, release = cfg['lib_name'], cfg['author'], cfg['copyright'], cfg['version']
extensions = ['myst_nb', 'autoapi.extension', 'sphinx_copybutton', 'docments']
root_doc = 'index'
language = 'en'
smartquotes_action = 'D'               # dashes alone: '' is an empty text here
exclude_patterns = ['images']
maximum_signature_line_length = 88
python_display_short_literal_types = True
add_module_names = False

myst_enable_extensions = ['html_image']
myst_heading_anchors = 3
nb_execution_mode = 'off'
nb_merge_streams = True
nb_ipywidgets_js = {}                  # no scripts from elsewhere
suppress_warnings = ['mystnb.unknown_mime_type', 'autoapi.python_import_resolution']   # names from lazy faces are found by their stubs

autoapi_dirs = [str(here.parent/project)]
autoapi_root = 'api'
autoapi_file_patterns = ['*.py']
autoapi_ignore = ['*/_modidx.py']
autoapi_options = ['members', 'undoc-members', 'show-inheritance', 'special-members']
autoapi_python_class_content = 'class'
autoapi_member_order = 'bysource'
autoapi_add_toctree_entry = False
autoapi_template_dir = str(here/'templates')


def autoapi_prepare_jinja_env(env):
    from docments import by_stage
    env.filters['by_stage'] = by_stage


html_theme = 'sphinx_book_theme'
html_title = f'{project} {release}'
html_static_path = [str(here/'static')]
html_css_files = ['style.css']
html_copy_source = False
html_theme_options = dict(
    repository_url=cfg['git_url'], repository_branch=cfg['branch'], path_to_docs='nbs', use_repository_button=True,
    use_download_button=False, use_fullscreen_button=False, show_navbar_depth=1, show_toc_level=2, collapse_navbar=True)
