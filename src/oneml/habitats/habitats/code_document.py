"""The identity of code as a JSON object, written and strictly read."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import cast

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.module_code import EVERYTHING, ModuleCode
from oneml.habitats.values.json_value import JsonObject, JsonValue

_KEYS = frozenset(known.name for known in fields(CodeIdentity)) - {"places", "_digests"}


def identity_to_json(identity: CodeIdentity) -> JsonObject:
    """Return the form in which an identity is written.

    A module is ``[name, path, raw, tree, imports]``; an import is the index of a module, after the last one of a name
    in ``absent``, and -1 for everything.
    """
    indexes = {name: index for index, name in enumerate((*identity.modules, *identity.absent))}
    indexes[EVERYTHING] = -1
    rows: list[JsonValue] = [
        [*code[:4], [indexes[name] for name in code.imports]] for code in identity.modules.values()
    ]
    return {
        **identity.content(),
        "python": identity.python,
        "distributions": identity.distributions,
        "modules": rows,
        "unproven": list(identity.unproven),
        "digest": identity.digest,
    }


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
    absent = _names(value, "absent")
    return CodeIdentity(
        habitat=_text(value, "habitat"),
        target=_text(value, "target"),
        container=_text(value, "container"),
        python=_text(value, "python"),
        distribution=None if value["distribution"] is None else _text(value, "distribution"),
        distributions=_texts(value, "distributions"),
        first_party=_names(value, "first_party"),
        modules=_modules(value["modules"], absent),
        package_data=_names(value, "package_data"),
        data=_texts(value, "data"),
        absent=absent,
        unproven=_names(value, "unproven"),
    )


def _modules(rows: JsonValue, absent: Sequence[str]) -> Mapping[str, ModuleCode]:
    if not isinstance(rows, list):
        raise _invalid(reason="modules is no list")
    checked = [row for row in rows if isinstance(row, list) and len(row) == len(ModuleCode._fields)]
    if len(checked) != len(rows) or not all(isinstance(text, str) for row in checked for text in row[:4]):
        raise _invalid(reason="a module is no list of name, path, raw, tree and imports")
    names = [*[str(row[0]) for row in checked], *absent, EVERYTHING]
    modules: dict[str, ModuleCode] = {}
    for row in checked:
        name, path, raw, tree, imports = cast("tuple[str, str, str, str, JsonValue]", tuple(row))
        if not isinstance(imports, list) or not all(type(index) is int for index in imports):
            raise _invalid(reason=f"the imports of {name} are no list of numbers")
        indexes = cast("Sequence[int]", imports)
        if any(not -1 <= index < len(names) - 1 for index in indexes):
            raise _invalid(reason=f"the imports of {name} name no modules")
        modules[name] = ModuleCode(name, path, raw, tree, tuple(names[index] for index in indexes))
    if len(modules) != len(rows):
        raise _invalid(reason="a module is given twice")
    return modules


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
