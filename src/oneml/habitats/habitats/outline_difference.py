"""Which definitions of a module changed since its outline was recorded."""

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

from oneml.habitats.habitats.code_outline import TEXT_MAX, OutlineRow, rows_of
from oneml.habitats.habitats.module_code import ModuleCode
from oneml.habitats.habitats.source_files import sha256_of
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject, JsonValue

_FORMS: tuple[type, ...] = (str, int, str, str, str)


def changed_definitions(
    before: ModuleCode, place: str, outline: JsonObject, mask: Callable[[str], str]
) -> Sequence[Drift]:
    """Return a drift for each definition of a module that changed, in their order.

    Args:
        before: The module as it was recorded.
        place: Where its file lies here.
        outline: The outline that was recorded; what is malformed in it is as good as absent.
        mask: Takes secrets out of the texts that stand here.
    """
    recorded = _recorded(before.name, outline)
    try:
        here = rows_of(*sha256_of(place))
    except OSError:
        return ()
    if recorded is None:
        return ()
    return _changed(before, recorded, place, here, mask)


def recorded_definitions(
    before: ModuleCode, now: ModuleCode, outline: JsonObject, other: JsonObject
) -> Sequence[Drift]:
    """Return a drift for each definition of a module that differs between two outlines, in their order.

    Args:
        before: The module as it was recorded first.
        now: The same as it was recorded second.
        outline: The outline that goes with ``before``; what is malformed in one is as good as absent.
        other: The outline that goes with ``now``.
    """
    recorded, found = _recorded(before.name, outline), _recorded(now.name, other)
    if recorded is None or found is None:
        return ()
    return _changed(before, recorded, now.path, found, str)


def _changed(
    before: ModuleCode,
    recorded: Sequence[OutlineRow],
    place: str,
    here: Sequence[OutlineRow],
    mask: Callable[[str], str],
) -> Sequence[Drift]:
    changed: dict[tuple[str, str], tuple[list[OutlineRow], list[OutlineRow]]] = {}
    for old, new in _blocks(recorded, here):
        for side, rows in enumerate((old, new)):
            for row in rows:
                changed.setdefault((row.qualname, row.kind), ([], []))[side].append(row)
    told: list[Drift] = []
    for (name, kind), (old, new) in changed.items():
        subject = f"{before.name}:{name}" if name else before.name
        was, now = (rows[0] if rows else None for rows in (old, new))
        told.append(
            Drift(
                "code",
                subject,
                kind,
                None if was is None else was.text,
                None if now is None else mask(now.text)[:TEXT_MAX],
                "" if was is None else f"{before.path}:{was.line}",
                "" if now is None else f"{place}:{now.line}",
            )
        )
    return told


def _recorded(module: str, outline: JsonObject) -> Sequence[OutlineRow] | None:
    modules: JsonValue = outline.get("modules")
    rows = modules.get(module) if isinstance(modules, dict) else None
    if not isinstance(rows, list):
        return None
    found: list[OutlineRow] = []
    for row in rows:
        if not isinstance(row, list) or [type(each) for each in row] != list(_FORMS):
            return None
        found.append(OutlineRow._make(row))
    return found


def _blocks(
    recorded: Sequence[OutlineRow], here: Sequence[OutlineRow]
) -> Iterator[tuple[Sequence[OutlineRow], Sequence[OutlineRow]]]:
    """Give the stretches of rows that differ, as they were and as they are."""
    keys = [[(row.qualname, row.kind, row.digest) for row in rows] for rows in (recorded, here)]
    for tag, begin, end, begin_here, end_here in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if tag != "equal":
            yield recorded[begin:end], here[begin_here:end_here]
