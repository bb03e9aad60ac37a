"""Plain values as inputs: their form in JSON, and whether they come out of it as they went in."""

import functools
import math
import re
from collections.abc import Collection, Mapping
from types import NoneType
from typing import Any, cast

from pydantic import TypeAdapter

from oneml.habitats.graph.forms import bare, form_text, union_of
from oneml.habitats.graph.type_fit import fits
from oneml.habitats.settings.json_form import as_json
from oneml.habitats.values.json_value import JsonValue, canonical_json
from oneml.habitats.values.plan import LiteralSource

_TEXT_MAX_CHARACTERS = 40
_SCALARS = (str, int, float, bool, NoneType)


def literal_source(value: object) -> LiteralSource:
    """Return ``value`` as it stands in a plan.

    Raises:
        ValueError: It has no form in JSON, or holds a secret; the text is the end of a sentence about it.
    """
    return LiteralSource(as_json(value))


def literal_text(value: object) -> str:
    """Return a short text of ``value`` on one line, for people."""
    return _short(value if isinstance(value, str) else repr(value))


def object_text(value: object) -> str:
    """Return the `repr` of any object on one line, without the address that differs from run to run.

    Of one that raises, which is code of a stranger's, its type.
    """
    try:
        text = f"{value!r:.200}"
    except Exception:  # noqa: BLE001  # as said
        text = f"<{type(value).__qualname__}>"
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_MAX_CHARACTERS else f"{text[: _TEXT_MAX_CHARACTERS - 1]}…"


def misfit(value: object, literal: LiteralSource, form: object) -> str | None:
    """Return why ``value`` cannot feed an input annotated ``form``, as the end of a sentence; None where it can."""
    if not _value_fits(value, form):
        return f"takes {form_text(form)}, but {_short(object_text(value))} is {kind_of(value)}"
    if _is_plain(value) and _is_read_as_it_is(type(value), form):
        return None
    if _arrives(value, literal.json, form):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return f"cannot be given {value} as a value, which JSON has not. Let a node return it"
    return (
        f"takes {form_text(form)}, so {_short(repr(value))} would not arrive as {kind_of(value)}: "
        "annotate the input with the type of the value"
    )


def are_simple(values: Collection[object], form: object) -> bool:
    """Tell whether all values are scalars that feed an input annotated ``form``, mostly by their types alone."""
    kinds = set(map(type, values))
    are_read = all(kind in _SCALARS and _is_read_as_it_is(kind, form) for kind in kinds)
    return are_read and (float not in kinds or all(map(_is_plain, values)))


def _value_fits(value: object, form: object) -> bool:
    if fits(_form_of(value), form):
        return True
    adapter = _adapter(form)
    try:
        return adapter is not None and adapter.validate_python(value, strict=True) is not ...
    except Exception:  # noqa: BLE001  # validators are code of the author's, they may raise anything
        return False


def _is_read_as_it_is(kind: type, form: object) -> bool:
    """Tell whether a plain value of type ``kind`` surely comes out of JSON unchanged where ``form`` is wanted."""
    form = bare(form)
    return form is Any or form is object or (kind in _SCALARS and (form is kind or (form is float and kind is int)))


def _arrives(value: object, json: JsonValue, form: object) -> bool:
    adapter = _adapter(form)
    try:
        return adapter is not None and _same(value, adapter.validate_json(canonical_json(json), strict=True))
    except Exception:  # noqa: BLE001  # as above
        return False


def _same(value: object, arrived: object) -> bool:
    kind = type(value)
    if kind is list or kind is tuple:
        ours, theirs = cast("list[object]", value), cast("list[object]", arrived)
        return isinstance(arrived, list | tuple) and all(map(_same, ours, theirs)) and len(ours) == len(theirs)
    if kind is dict:
        mine = cast("dict[str, object]", value)
        if not isinstance(arrived, Mapping):
            return False
        other = cast("Mapping[str, object]", arrived)
        return mine.keys() == other.keys() and all(_same(mine[key], other[key]) for key in mine)
    if kind is int and type(arrived) is float:
        return value == arrived
    return kind is type(arrived) and (value == arrived or as_json(value) == as_json(arrived))


def _is_plain(value: object) -> bool:
    """Tell whether ``value`` is made of what JSON itself has, so that any reader gives it back."""
    kind = type(value)
    if isinstance(value, float):
        return kind is float and math.isfinite(value)
    if kind is list:
        return all(map(_is_plain, cast("list[object]", value)))
    if kind is dict:
        return all(type(key) is str and _is_plain(item) for key, item in cast("dict[object, object]", value).items())
    return kind in _SCALARS


def _form_of(value: object) -> object:
    """Return the type of ``value`` with the types of its items."""
    kind = type(value)
    if kind is list:
        return list[union_of(map(_form_of, cast("list[object]", value)))] if value else list  # type: ignore[misc]
    if kind is tuple:
        return tuple[tuple(map(_form_of, cast("tuple[object, ...]", value)))] if value else tuple  # type: ignore[misc]
    if kind is dict:
        items = cast("dict[object, object]", value)
        return dict[union_of(map(type, items)), union_of(map(_form_of, items.values()))] if items else dict  # type: ignore[misc]
    return kind


def _adapter(form: object) -> TypeAdapter[object] | None:
    try:
        return _adapter_of(form)
    except Exception:  # noqa: BLE001  # pydantic asks classes for schemas, and they may raise anything
        return None


@functools.lru_cache(maxsize=256)
def _adapter_of(form: object) -> TypeAdapter[object]:
    return TypeAdapter(cast("Any", form))


def kind_of(value: object) -> str:
    """Return the name of the type of ``value`` with its article."""
    name = type(value).__qualname__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
