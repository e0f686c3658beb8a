from .workspace import mount as mount, Workspace as Workspace
