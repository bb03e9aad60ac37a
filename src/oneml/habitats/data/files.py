"""Files and folders as values: what travels is their content, and not the path."""

import os
from pathlib import Path
from typing import Literal, NoReturn

from typing_extensions import override


class _Content:
    """Content that lies at a path of this machine."""

    __slots__ = ("name", "path")

    def __init__(self, path: str | os.PathLike[str], *, name: str = "") -> None:
        self.path = Path(path)
        self.name = name or self.path.name

    def __fspath__(self) -> str:
        return str(self.path)

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, name={self.name!r})"

    @override
    def __reduce__(self) -> NoReturn:
        message = f"cannot pickle a {type(self).__name__}, since only its path would travel: give it a port of its own"
        raise TypeError(message)


class File(_Content):
    """A file that a node gives or takes.

    A node that gives one has its content stored, in pieces, whatever its size; the file itself may be removed once the
    node has ended. Whoever takes one gets a copy of its own, read-only, in a folder that is removed when the node ends;
    outside of nodes, when the process ends. Copy it to keep it.

    Args:
        path: Where it lies. No symbolic link.
        name: What it is called where it arrives, as at ``path`` unless given. It is part of the value: give it where
            the name at ``path`` is random.
    """

    __slots__ = ()
    kind: Literal["file"] = "file"


class Folder(_Content):
    """A folder that a node gives or takes, with all files and folders in it; see `File`.

    Symbolic links, pipes, sockets and devices in it are refused. Of permissions, only that of running a file travels;
    times and owners do not.
    """

    __slots__ = ()
    kind: Literal["folder"] = "folder"
