"""The identity of code as a JSON object, written and strictly read."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import cast

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.values.json_value import JsonObject, JsonValue

_KEYS = frozenset(known.name for known in fields(CodeIdentity)) - {"places"}


def identity_to_json(identity: CodeIdentity) -> JsonObject:
    """Return the form in which an identity is written."""
    return {**identity.content(), "digest": identity.digest}


def identity_from_json(value: JsonValue) -> CodeIdentity:
    """Read an identity; nothing may be missing, added, of another type or altered.

    Raises:
        InvalidDocumentError: The value is not what `identity_to_json` gives.
    """
    if not isinstance(value, Mapping):
        raise _invalid(reason="it is no object")
    odd = sorted(_KEYS.symmetric_difference(value))
    if odd:
        raise _invalid(reason=f"keys are missing or unknown: {', '.join(odd)}")
    try:
        identity = _identity(value)
    except UnicodeEncodeError as error:
        raise _invalid(reason=str(error)) from error
    if identity.digest != value["digest"]:
        raise _invalid(reason="its digest is not that of its content")
    return identity


def _identity(value: JsonObject) -> CodeIdentity:
    return CodeIdentity(
        habitat=_text(value, "habitat"),
        target=_text(value, "target"),
        container=_text(value, "container"),
        python=_text(value, "python"),
        distribution=None if value["distribution"] is None else _text(value, "distribution"),
        distributions=_texts(value, "distributions"),
        first_party=_names(value, "first_party"),
        files=_texts(value, "files"),
        problem=None if value["problem"] is None else _text(value, "problem"),
    )


def _text(value: JsonObject, key: str) -> str:
    text = value[key]
    if not isinstance(text, str):
        raise _invalid(reason=f"{key} is no text")
    return text


def _texts(value: JsonObject, key: str) -> Mapping[str, str]:
    texts = value[key]
    if not isinstance(texts, Mapping) or not all(isinstance(text, str) for text in texts.values()):
        raise _invalid(reason=f"{key} is no object of texts")
    return cast("Mapping[str, str]", texts)


def _names(value: JsonObject, key: str) -> tuple[str, ...]:
    names = value[key]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise _invalid(reason=f"{key} is no list of texts")
    return tuple(cast("Sequence[str]", names))


def _invalid(*, reason: str) -> InvalidDocumentError:
    return InvalidDocumentError(what="code identity", reason=reason)
