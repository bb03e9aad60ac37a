"""Files below a folder, in one order, whatever the file system lists first."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def files_below(folder: Path, is_entered: Callable[[str], bool]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Give every file below ``folder``: its POSIX path from there, and its entry.

    Folders met before (links that lead upwards) are passed over.

    Args:
        folder: Where to look.
        is_entered: Tells by its name whether a folder counts.

    Raises:
        OSError: A folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    todo = [("", str(folder))]
    while todo:
        prefix, here = todo.pop()
        status = os.stat(here)  # noqa: PTH116  # a path object costs as much again
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(here) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            if not entry.is_dir():
                yield f"{prefix}{entry.name}", entry
            elif is_entered(entry.name):
                todo.append((f"{prefix}{entry.name}/", entry.path))


def python_files(folder: Path, suffixes: tuple[str, ...] = (".py",)) -> Iterator[str]:
    """Give the POSIX path from ``folder`` of every ``.py`` file that imports could reach below it.

    Folders whose name is no identifier are passed over.

    Raises:
        OSError: A folder cannot be read.
    """
    for relative, entry in files_below(folder, lambda name: name.isidentifier() and name != "__pycache__"):
        if entry.name.endswith(suffixes) and entry.name.isprintable() and entry.is_file():
            yield relative
