"""Settings files: TOML read into trees, with the line of each value found when somebody asks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.shapes import SettingName
from oneml.habitats.values.setting_problem import SettingProblem

_SEGMENT = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEYS = rf"{_SEGMENT}(?:\s*\.\s*{_SEGMENT})*"
_TABLE = rf"\s*\[\[?\s*({_KEYS})\s*\]"
_ASSIGNMENT = rf"\s*({_KEYS})\s*="


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A file as it was read.

    Attributes:
        path: Where it is.
        text: What stood in it.
        tables: The same, decoded.
    """

    path: Path
    text: str
    tables: Mapping[str, object]

    def place(self, keys: SettingName) -> str:
        """Return ``file:line`` of the value at ``keys``, or of what contains it; the file alone where no line shows."""
        line = line_of(self.text, keys)
        return str(self.path) if line is None else f"{self.path}:{line}"

    def places_below(self, base: SettingName) -> Callable[[SettingName], str]:
        """Return what finds the place of a setting in the table at ``base``."""

        def place(name: SettingName) -> str:
            return self.place((*base, *name))

        return place


def read_toml(path: Path) -> TomlFile | None:
    """Read a settings file; None where there is none.

    Raises:
        SettingsError: It cannot be read, or is not TOML.
    """
    try:
        if not path.is_file():
            return None
        text = path.read_bytes().decode()
    except OSError as error:
        raise unreadable(path, error.strerror or "unknown reason") from error
    except UnicodeDecodeError:
        # Not chained, here as below: the cause carries the whole file, and a secret may stand in it.
        raise unreadable(path, "it is not UTF-8") from None
    from tomllib import TOMLDecodeError, loads  # noqa: PLC0415  # a process without a settings file does without

    try:
        return TomlFile(path=path, text=text, tables=loads(text))
    except (TOMLDecodeError, RecursionError) as error:
        raise unreadable(path, f"it is not TOML: {error}") from None


def unreadable(path: Path, reason: str) -> SettingsError:
    """Return the error of a settings file that cannot be read."""
    return SettingsError(problems=(SettingProblem(str(path), f"{path} cannot be read: {reason}"),))


def line_of(text: str, keys: SettingName) -> int | None:
    """Return the line (from 1) that gives the value at ``keys``, as well as a search can tell, or None.

    Found are tables, dotted and quoted keys, and the line that an inline table begins on; texts of several lines that
    look like TOML themselves may mislead it.
    """
    lines = _lines(text)
    for length in range(len(keys), 0, -1):
        number = lines.get(keys[:length])
        if number is not None:
            return number
    return None


@lru_cache(maxsize=16)
def _lines(text: str) -> Mapping[SettingName, int]:
    """Return the first line of each table and each key of a file."""
    table: SettingName = ()
    found: dict[SettingName, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(_TABLE, line)
        if header is not None:
            table = _split(header[1])
            found.setdefault(table, number)
        else:
            assignment = re.match(_ASSIGNMENT, line)
            if assignment is not None:
                found.setdefault((*table, *_split(assignment[1])), number)
    return found


def _split(keys: str) -> SettingName:
    segments: list[str] = re.findall(_SEGMENT, keys)
    return tuple(segment[1:-1] if segment[0] in "\"'" else segment for segment in segments)
