"""A place in somebody's source: what an error points at."""

from typing import NamedTuple


class Place(NamedTuple):
    """A file and a line (1-based) in it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
