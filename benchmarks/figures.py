"""A figure: what was measured, what it should be, and what a peer does."""

import json
from collections.abc import Iterable
from typing import NamedTuple


class Figure(NamedTuple):
    """One row of the table.

    Attributes:
        name: What was measured.
        ours: Our value, with its unit.
        target: What it should be; empty where none is set.
        met: Whether it is; None without a target.
        peer: The peer and its value.
        ratio: Ours over the peer's; None where that means nothing.
    """

    name: str
    ours: str
    target: str = ""
    met: bool | None = None
    peer: str = ""
    ratio: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        target = f"{self.target} (missed)" if self.met is False else self.target
        return self.name, self.ours, target, self.peer, _ratio(self.ratio)


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


HEADINGS = ("figure", "ours", "target", "peer", "ratio")


def to_json(figures: Iterable[Figure]) -> str:
    """Return figures as text that `from_json` reads."""
    return json.dumps([figure._asdict() for figure in figures])


def from_json(text: str) -> list[Figure]:
    """Return the figures in ``text``."""
    return [Figure(**fields) for fields in json.loads(text)]


def table(figures: Iterable[Figure]) -> str:
    """Return figures as a Markdown table whose columns are aligned."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)


def at_most(name: str, value: float, limit: float, unit: str, **others: object) -> Figure:
    """Return a figure that should be at most ``limit``.

    Args:
        name: What was measured.
        value: Our value.
        limit: Its target.
        unit: Of both, with the space that belongs before it.
        others: Other fields of the figure.
    """
    ours, target = f"{_short(value)}{unit}", f"<= {_short(limit)}{unit}"
    return Figure(name=name, ours=ours, target=target, met=value <= limit, **others)  # type: ignore[arg-type]


def _short(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
