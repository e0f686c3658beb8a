from .archives import extract as extract, sha256_file as sha256_file
from .files import write_csv as write_csv
from .links import (
    data_licence as data_licence,
    link as link,
    links as links)
from .workspace import (
    mount as mount,
    work_folder as work_folder,
    Workspace as Workspace)
from .zips import split_zip as split_zip
