"Package metadata, read from settings.ini"
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='])
cfg.read(here/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']


class WithWorkbooks(build_py):
    "What is installed holds the workbooks and the list of data too, so that `nb_run NAME` works from any folder"
    def run(self):
        super().run()
        if self.editable_mode: return          # they are found in the checkout
        to = Path(self.build_lib)/cfg['lib_name']/'workbook'/'books'
        to.mkdir(parents=True, exist_ok=True)
        for f in sorted((here/'nbs'/'experiments').glob('*.ipynb')): self.copy_file(str(f), str(to/f.name))
        self.copy_file(str(here/'data_links.md'), str(Path(self.build_lib)/cfg['lib_name']/'data_links.md'))   # where `links()` looks

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=(here/'README.md').read_text(encoding='utf-8') if (here/'README.md').exists() else '',
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    license='Apache-2.0',
    keywords=cfg['keywords'],
    packages=find_packages(include=[cfg['lib_name'], f"{cfg['lib_name']}.*"]),
    include_package_data=True,
    package_data={'': ['py.typed', '*.pyi', 'web/*']},  # types for editors; stubs of the lazily loaded folders; what a page is made of
    python_requires='>=' + cfg['min_python'],
    install_requires=cfg['requirements'].split(),
    extras_require={o: cfg[f'{o}_requirements'].split() for o in ('dev', 'onnx', 'hub', 'heic', 'processes', 'dask', 'tracking')},
    entry_points={'console_scripts': cfg['console_scripts'].split()},
    classifiers=['Programming Language :: Python :: 3', 'Typing :: Typed', 'License :: OSI Approved :: Apache Software License'],
    cmdclass={'build_py': WithWorkbooks},
    zip_safe=False,
)
