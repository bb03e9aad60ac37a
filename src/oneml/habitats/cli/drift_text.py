"""Differences, for people: between what was recorded and what is here, or between two sessions."""

from collections.abc import Sequence

from oneml.habitats.errors import drift_lines, drift_subject
from oneml.habitats.values.drift import Drift

RECORDED_AND_HERE = ("recorded", "here")


def drifts_text(drifts: Sequence[Drift], sides: tuple[str, str] = RECORDED_AND_HERE, *, indent: str = "") -> str:
    """Return every difference, drawn over a few lines each."""
    lines: list[str] = []
    for drift in drifts:
        lines.append(f"{drift_subject(drift)}:")
        lines.extend(drift_lines(drift, sides))
    return "\n".join(f"{indent}{line}" for line in lines)
