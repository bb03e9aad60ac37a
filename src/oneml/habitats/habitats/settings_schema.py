"""The settings model as JSON, field by field: what tells that two processes read settings alike."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from oneml.habitats.habitats.canonical_texts import value_text
from oneml.habitats.habitats.canonical_values import canonical, digest_of_json, type_text
from oneml.habitats.habitats.import_paths import NotCanonicalError, declared_path
from oneml.habitats.settings.shapes import SettingName, dotted, settings_of
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject, JsonValue

_SECRET_DEFAULT: JsonObject = {"secret": "a default"}


def settings_schema(model: type[BaseModel]) -> JsonObject:
    """Return the fields of a settings model, and of the models inside it, by dotted name, and their types by theirs.

    Defaults of secrets are never among them: only that there is one.

    Raises:
        InvalidSettingsModelError: A type in it is not defined.
    """
    return {"model": declared_path(model), "fields": dict(sorted(_fields(model, (), (model,))))}


def schema_drifts(recorded: JsonObject, found: JsonObject) -> Sequence[Drift]:
    """Return the differences of two schemas, by the name of the setting.

    Args:
        recorded: What `settings_schema` gave when a session was created.
        found: What it gives here.
    """
    drifts: list[Drift] = []
    if recorded.get("model") != found.get("model"):
        drifts.append(_drift("settings", "model", recorded.get("model"), found.get("model")))
    ours, theirs = _fields_of(recorded), _fields_of(found)
    for name in sorted(ours.keys() | theirs.keys()):
        then, now = ours.get(name), theirs.get(name)
        if then is None or now is None:
            drifts.append(Drift("setting", name, "", _type_of(then), _type_of(now)))
            continue
        keys = [key for key in _KEYS if then.get(key, _ABSENT) != now.get(key, _ABSENT) or _differ(then, now, key)]
        drifts += [_drift(name, key, then.get(key, _ABSENT), now.get(key, _ABSENT)) for key in keys]
    return drifts


_KEYS = ("type", "required", "default", "constraints")
_ABSENT: Any = object()


def _differ(then: JsonObject, now: JsonObject, key: str) -> bool:
    """Tell apart what is equal to Python, and is not the same in JSON: 1, 1.0 and true."""
    return key in then and digest_of_json(then[key]) != digest_of_json(now[key])


def _drift(subject: str, field: str, then: JsonValue, now: JsonValue) -> Drift:
    return Drift(
        "setting",
        subject,
        field,
        None if then is _ABSENT else value_text(then),
        None if now is _ABSENT else value_text(now),
    )


def _type_of(field: JsonObject | None) -> str | None:
    return None if field is None else value_text(field.get("type"))


def _fields_of(schema: JsonObject) -> Mapping[str, JsonObject]:
    return cast("Mapping[str, JsonObject]", schema.get("fields", {}))


def _fields(
    model: type[BaseModel], above: SettingName, models: tuple[type[BaseModel], ...]
) -> Iterator[tuple[str, JsonObject]]:
    for name, setting in settings_of(model).items():
        path = (*above, name)
        yield dotted(path), _field(model.model_fields[name], hides=setting.hides)
        if setting.model is not None and setting.model not in models:
            yield from _fields(setting.model, path, (*models, setting.model))


def _field(field: FieldInfo, *, hides: bool) -> JsonObject:
    described: dict[str, JsonValue] = {"type": type_text(field.annotation), "required": field.is_required()}
    if not field.is_required():
        described["default"] = _SECRET_DEFAULT if hides else _default(field)
    constraints = [form for item in cast("list[object]", field.metadata) if (form := _constraint(item)) is not None]
    if constraints:
        described["constraints"] = constraints
    return described


def _default(field: FieldInfo) -> JsonValue:
    factory = cast("Callable[..., object] | None", field.default_factory)
    try:
        return canonical(field.default) if factory is None else {"factory": canonical(factory)}
    except NotCanonicalError as error:
        return {"unproven": error.what}


def _constraint(item: object) -> JsonValue:
    """Return the form of one constraint; None where it has none."""
    try:
        return canonical(item)
    except NotCanonicalError:
        pass
    if type(item).__module__.partition(".")[0] != "pydantic":
        return None
    try:  # pydantic makes the class of its general constraints where no import finds it
        return {"constraint": type(item).__name__, "fields": canonical(dict(vars(item)))}
    except (NotCanonicalError, TypeError):
        return None
