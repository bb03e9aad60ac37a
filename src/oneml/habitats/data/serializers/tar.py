"""Files and folders as tar archives that any tool unpacks, written and read in pieces.

An archive holds one file, or one folder and what is in it. Names are sorted, and times, owners and all permissions but
that of running a file are left out, so that equal content gives equal bytes.
"""

import os
import stat
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from tarfile import TarFile, TarInfo
from typing import BinaryIO

from oneml.habitats.data.files import File, Folder
from oneml.habitats.data.forms import check_form
from oneml.habitats.data.scratch import new_folder
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

_PIECE_BYTES = 1 << 18
_END_BYTES = 2 * tarfile.BLOCKSIZE
_RUN, _FILE_MODE, _FOLDER_MODE = 0o111, 0o644, 0o755
_READ_ONLY, _READ_ONLY_FOLDER = 0o444, 0o555
_STRANGE = {
    stat.S_IFLNK: "a symbolic link: give what it points to",
    stat.S_IFIFO: "a pipe: write what comes out of it to a file",
    stat.S_IFSOCK: "a socket, which holds nothing that could be stored",
    stat.S_IFCHR: "a device, which is no file that could be stored",
    stat.S_IFBLK: "a device, which is no file that could be stored",
}


class TarSerializer:
    """`File` and `Folder`."""

    name = "tar"
    version = 1
    media_type = "application/x-tar"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a file or a folder."""
        return isinstance(value, File | Folder)

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is neither, is not there, or is or holds a link, a pipe, a socket or a device.
            OSError: It cannot be read.
        """
        if not isinstance(value, File | Folder):
            raise UnwritableError(problem=f"is a {type_name_of(value)}, and neither a File nor a Folder")
        if value.name in {"", ".", ".."} or not {"/", "\0"}.isdisjoint(value.name):
            raise UnwritableError(problem=f"has the name {value.name!r}, which is no name of a file")
        found = _looked_at(value.path, "")
        wanted = stat.S_ISDIR if isinstance(value, Folder) else stat.S_ISREG
        if not wanted(found.st_mode):
            other = "a file: return File(path)" if isinstance(value, Folder) else "a folder: return Folder(path)"
            raise UnwritableError(problem=f"is {value.path}, which is {other}")
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8") as archive:
            _add(archive, value.path, value.name, "", found)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a file or a folder into a new folder; see `File`.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no archive of this serializer.
        """
        _check_end(stream)
        try:
            with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8") as archive:
                first = archive.next()
                if first is None:
                    message = "the archive is empty"
                    raise ValueError(message)
                _check_member(first, PurePosixPath(first.name).name)
                kind = Folder if first.isdir() else File
                check_form(kind(first.name), form)
                above = new_folder()
                _unpack(archive, first, above)
                return kind(above / first.name)
        except (tarfile.TarError, FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            raise ValueError(str(error)) from error


def _looked_at(path: Path, place: str) -> os.stat_result:
    """Return the status of a file or folder.

    Raises:
        UnwritableError: It is not there, or something else.
    """
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise UnwritableError(place=place, problem=f"is {path}, which does not exist") from error
    strange = _STRANGE.get(stat.S_IFMT(found.st_mode))
    if strange is not None:
        raise UnwritableError(place=place, problem=f"is {path}, which is {strange}")
    return found


def _add(archive: TarFile, path: Path, name: str, place: str, found: os.stat_result) -> None:
    member = TarInfo(name)
    if stat.S_ISDIR(found.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, _FOLDER_MODE
        archive.addfile(member)
        for inner in sorted(path.iterdir()):
            inner_place = f"{place}/{inner.name}"
            _add(archive, inner, f"{name}/{inner.name}", inner_place, _looked_at(inner, inner_place))
        return
    with _opened(path, place, found) as file:
        member.size = found.st_size
        member.mode = _FILE_MODE | _RUN if found.st_mode & stat.S_IXUSR else _FILE_MODE
        archive.addfile(member, file)


@contextmanager
def _opened(path: Path, place: str, found: os.stat_result) -> Generator[BinaryIO]:
    """Open a file, and hold that it stays as it was found."""
    # NONBLOCK: what was put there meanwhile may be a pipe, and NOFOLLOW: or a link.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as stream:
        try:
            if _version(os.fstat(file)) == _version(found):
                yield stream
        finally:
            if _version(os.fstat(file)) != _version(found):
                raise UnwritableError(place=place, problem=f"is {path}, which was changed while it was read")


def _version(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mode, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _check_end(stream: BinaryIO) -> None:
    """Let pass a stream that ends as archives end: tarfile takes the end of a stream for that of the archive.

    Raises:
        ValueError: It does not.
    """
    size = stream.seek(0, os.SEEK_END)
    if size and not size % tarfile.RECORDSIZE:
        stream.seek(-_END_BYTES, os.SEEK_END)
        if not any(stream.read(_END_BYTES)):
            stream.seek(0)
            return
    message = "the archive has no end"
    raise ValueError(message)


def _check_member(member: TarInfo, root: str) -> None:
    """Let pass a plain file or folder at or below the root.

    Raises:
        ValueError: It is something else, or would lie elsewhere.
    """
    parts = member.name.split("/")
    if not (member.isreg() or member.isdir()) or parts[0] != root or not {"", ".", ".."}.isdisjoint(parts):
        message = f"the archive holds {member.name!r:.200}, which is not of this serializer"
        raise ValueError(message)


def _unpack(archive: TarFile, first: TarInfo, above: Path) -> None:
    folders: list[Path] = []
    member: TarInfo | None = first
    while member is not None:
        _check_member(member, first.name)
        path = above / member.name
        if member.isdir():
            path.mkdir()
            folders.append(path)
        else:
            content = archive.extractfile(member)
            with path.open("xb") as file:
                if content is not None:
                    copyfileobj(content, file, _PIECE_BYTES)
                os.fchmod(file.fileno(), _READ_ONLY | (member.mode & _RUN))
        member = archive.next()
        if member is not None and first.isreg():
            message = "something follows the file"
            raise ValueError(message)
    for folder in folders:
        folder.chmod(_READ_ONLY_FOLDER)
