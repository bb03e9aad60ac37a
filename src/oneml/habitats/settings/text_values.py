"""What the text of an assignment means: the declared type decides."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Literal, cast, get_args, get_origin

from pydantic import PydanticUserError, TypeAdapter

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.settings.json_form import as_json
from oneml.habitats.settings.shapes import members_of
from oneml.habitats.values.json_value import JsonValue, strict_json

TEXT_MAX_BYTES = 65_536

_EXAMPLES: Mapping[object, str] = {
    int: "3",
    float: "0.5",
    bool: "true",
    list: "[...]",
    tuple: "[...]",
    set: "[...]",
    frozenset: "[...]",
    Sequence: "[...]",
    dict: '{"key": ...}',
    Mapping: '{"key": ...}',
}


def text_value(annotation: object, text: str) -> JsonValue:
    """Return the JSON value that ``text`` stands for where a value of type ``annotation`` is wanted.

    A type whose JSON form is a text (``str``, paths, dates, literals) takes it as it is; where
    None is a value too, ``null`` is None. Everything else is read as JSON; where a text is one of several forms, what
    is not JSON is that text.

    Raises:
        ValueError: It must be JSON and is not, is too long, or is not Unicode; the text is not in the message.
    """
    as_json(text)
    kinds = members_of(annotation)
    if type(None) in kinds and text == "null":
        return None
    texts = [_is_text(kind) for kind in kinds if kind is not type(None)]
    if all(texts):
        return text
    size = len(text.encode())
    if size > TEXT_MAX_BYTES and not any(texts):
        message = f"has {size:,} bytes, and at most {TEXT_MAX_BYTES:,} are read: give it in a file of settings"
        raise ValueError(message)
    try:
        return strict_json(text.encode(), what="value", limit_bytes=TEXT_MAX_BYTES)
    except InvalidDocumentError:
        if any(texts):
            return text
        raise ValueError(needs_json(annotation)) from None


def needs_json(annotation: object) -> str:
    """Return what is said of a value that is no JSON where JSON of that type is wanted: with an example."""
    kinds = [get_origin(kind) or kind for kind in members_of(annotation)]
    example = next((_EXAMPLES[kind] for kind in kinds if kind in _EXAMPLES), None)
    return "needs JSON" if example is None else f"needs JSON, such as {example}"


def _is_text(kind: object) -> bool:
    """Tell whether values of ``kind`` are texts in JSON."""
    if get_origin(kind) is Literal:
        return all(isinstance(value, str) for value in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return all(isinstance(cast("object", member.value), str) for member in kind)
    if isinstance(kind, type) and issubclass(kind, str | int | float):
        return issubclass(kind, str)
    try:
        adapter: TypeAdapter[object] = TypeAdapter(cast("type[object]", kind))
        return adapter.json_schema().get("type") == "string"
    except PydanticUserError:
        return False
