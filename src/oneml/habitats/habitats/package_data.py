"""Files beside the sources that count as code: ``package_data = ("pkg:prompts/*.txt",)``."""

import os
import re
from collections.abc import Mapping, Sequence

from oneml.habitats.errors import InvalidPackageDataError
from oneml.habitats.habitats.file_trees import files_below
from oneml.habitats.habitats.source_files import ModuleFinder, sha256_of

_PATTERN = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:(?!/)[^\\\0]+")


def check_patterns(container: str, patterns: object) -> tuple[str, ...]:
    """Return the declared patterns, sorted.

    Args:
        container: Who declares them, for the message.
        patterns: What ``package_data`` is.

    Raises:
        InvalidPackageDataError: They are no tuple of texts of the form ``package:folder/*.txt``.
    """
    if not isinstance(patterns, tuple | list):
        raise InvalidPackageDataError(container=container, pattern=repr(patterns), rule="is no tuple of patterns")
    checked: set[str] = set()
    for pattern in patterns:  # pyright: ignore[reportUnknownVariableType]  # anything may stand in it
        if not isinstance(pattern, str) or _PATTERN.fullmatch(pattern) is None or ".." in _segments(pattern):
            shown = repr(pattern)  # pyright: ignore[reportUnknownArgumentType]  # anything may stand in it
            raise InvalidPackageDataError(container=container, pattern=shown, rule="is no pattern below a package")
        checked.add(pattern)
    return tuple(sorted(checked))


def data_files(pattern: str, finder: ModuleFinder) -> Mapping[str, str] | None:
    """Return where the files of a pattern lie, by POSIX path as imports see it; None where there is no such package.

    In a pattern, ``*`` and ``?`` stay within a segment, and ``**`` as a segment stands for any folders.

    Raises:
        OSError: A folder cannot be read.
    """
    package = pattern.partition(":")[0]
    sources = finder.sources(package)
    if sources is None or not sources.folders:
        return None
    wanted = _expression(_segments(pattern))
    prefix = package.replace(".", "/")
    found: dict[str, str] = {}
    for folder in sources.folders:
        for relative, entry in files_below(folder, lambda name: name != "__pycache__"):
            if wanted.fullmatch(relative) is not None:
                found.setdefault(f"{prefix}/{relative}", entry.path)
    return found


def hashed_data(patterns: Sequence[str], finder: ModuleFinder) -> Mapping[str, str]:
    """Return SHA-256 of the bytes of every file of the patterns, by POSIX path, sorted.

    Raises:
        OSError: A file or folder cannot be read.
    """
    places: dict[str, str] = {}
    for pattern in patterns:
        places.update(data_files(pattern, finder) or {})
    return {path: sha256_of(places[path])[0] for path in sorted(places)}


def data_places(patterns: Sequence[str]) -> frozenset[str]:
    """Return where the files of the patterns lie, with all folders that hold files and may come to hold others.

    Raises:
        OSError: A folder cannot be read.
    """
    finder = ModuleFinder()
    places: set[str] = set()
    for pattern in patterns:
        places.update((data_files(pattern, finder) or {}).values())
        sources = finder.sources(pattern.partition(":")[0])
        for folder in () if sources is None else sources.folders:
            entries = files_below(folder, lambda name: name != "__pycache__")
            places.update((str(folder), *(os.path.dirname(entry.path) for _, entry in entries)))  # noqa: PTH120  # many
    return frozenset(places)


def _segments(pattern: str) -> Sequence[str]:
    return pattern.partition(":")[2].split("/")


def _expression(segments: Sequence[str]) -> re.Pattern[str]:
    text = ""
    for segment in segments[:-1]:
        text += r"(?:[^/]+/)*" if segment == "**" else f"{_one(segment)}/"
    return re.compile(text + (r"(?:[^/]+/)*[^/]+" if segments[-1] == "**" else _one(segments[-1])), re.DOTALL)


def _one(segment: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)) for character in segment)
