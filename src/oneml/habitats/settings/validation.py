"""Trees of settings into models and back, without any source of pydantic-settings.

`BaseSettings.model_validate` reads the environment again. Here the validator itself fills an instance, so that a model
holds what the tree says and nothing else, on the driver as on a worker.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.json_form import as_json
from oneml.habitats.settings.models import RESERVED_NAMES, PipelineSettings
from oneml.habitats.settings.references import DEFAULT_REFERENCE, ResolvedSecrets, default_of, field_default
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.settings.shapes import Setting, SettingName, merged, settings_of, unusable
from oneml.habitats.settings.variables import RESERVED_PREFIX, prefix_of, variable_of
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.setting_problem import SettingProblem

S = TypeVar("S", bound=PipelineSettings)


def validated(model: type[S], resolved: ResolvedSecrets, source_of: Callable[[SettingName], str]) -> S:
    """Return the instance of ``model`` that ``resolved`` describes; reads nothing else.

    Args:
        model: The model.
        resolved: A complete tree, or one whose gaps the defaults fill.
        source_of: Tells where a value was given, for the report.

    Raises:
        SettingsError: Values do not fit their types; no report shows a secret.
        InvalidSettingsModelError: pydantic cannot check one of the types.
    """
    instance = model.__new__(model)
    document = json.dumps(resolved.tree).encode()
    try:
        model.__pydantic_validator__.validate_json(document, self_instance=instance, by_alias=False, by_name=True)
    except PydanticUserError as error:
        raise unusable(model, error) from error
    except ValidationError as error:
        items = error.errors(include_url=False, include_context=False, include_input=False)
        problems = [_problem(model, item, resolved.texts, source_of) for item in items]
        # Not chained: pydantic's error carries the inputs, and one of them may be a secret.
        raise SettingsError(problems=problems) from None
    return instance


def dumped(model: type[BaseModel], instance: BaseModel, tree: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return every value of ``instance`` as JSON, secrets as the references that stand in ``tree``.

    Raises:
        ValueError: A value has no form in JSON; says which.
    """
    try:
        data = cast(
            "Mapping[str, object]",
            instance.model_dump(mode="json", by_alias=False, round_trip=True, warnings=False),
        )
    except (PydanticSerializationError, ValueError) as error:
        message = f"cannot be written as JSON: {error}. Give the field a type that can."
        raise ValueError(message) from None
    settings = settings_of(model)
    result: dict[str, JsonValue] = {}
    for name, setting in settings.items():
        value, given = cast("object", getattr(instance, name)), tree.get(name)
        if setting.secret:
            result[name] = None if value is None else given if isinstance(given, str) else DEFAULT_REFERENCE
        elif setting.model is not None and isinstance(value, BaseModel):
            result[name] = dumped(setting.model, value, given if isinstance(given, Mapping) else {})
        else:
            result[name] = as_json(data.get(name, value))  # a field may be excluded from what its model dumps
    return result


def with_defaults(model: type[BaseModel], tree: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return ``tree`` with models filled up from the default of the field that they stand in.

    ``train: Train = Train(iterations=5)`` keeps its 5 where a layer sets another field of ``train``.
    """
    result = dict(tree)
    for name, setting in settings_of(model).items():
        value = tree.get(name)
        if setting.model is not None and isinstance(value, Mapping):
            result[name] = with_defaults(setting.model, _filled(model, name, setting.model, value))
    return result


def default_values(model: type[BaseModel], name: SettingName) -> tuple[JsonValue, ...]:
    """Return what the package's code gives for a setting, as JSON: one value, or none where it must be given."""
    owner: type[BaseModel] = model
    for segment in name[:-1]:
        above = settings_of(owner)[segment]
        if above.levels:  # an entry of a table, of which a default says nothing
            return ()
        owner = above.model if above.model is not None else owner
    setting = settings_of(owner)[name[-1]]
    value = default_of(model, name)
    if value is None and owner.model_fields[name[-1]].is_required():
        return ()
    if setting.secret:
        return (None if value is None else DEFAULT_REFERENCE,)
    if setting.model is not None and isinstance(value, BaseModel):
        return (dumped(setting.model, value, {}),)
    return (as_json(value),)


def _filled(
    owner: type[BaseModel], name: str, model: type[BaseModel], value: Mapping[str, JsonValue]
) -> Mapping[str, JsonValue]:
    if settings_of(model).keys() <= value.keys():
        return value
    default = field_default(owner, name)
    return merged(model, dumped(model, default, {}), value) if isinstance(default, BaseModel) else value


def _problem(
    model: type[PipelineSettings], item: ErrorDetails, secrets: frozenset[str], source_of: Callable[[SettingName], str]
) -> SettingProblem:
    name, setting, rest = _place(model, item["loc"])
    shown = ".".join((*name, *rest)) or model.__name__
    if item["type"] == "missing":
        variable = variable_of(RESERVED_PREFIX if name[0] in RESERVED_NAMES else prefix_of(model), name)
        return SettingProblem(
            shown, f"{shown}: needs a value. Set {variable}, or --set {shown}=...", _declared(model, name)
        )
    if setting is not None and setting.hides:
        message = f"what the secret is does not fit its type ({item['type']})"
    else:
        message = mask_secrets(item["msg"], secrets).removeprefix("Value error, ")
    given = (*name, *rest) if setting is not None and setting.levels else name
    return SettingProblem(shown, f"{shown}: {message}", source_of(given) if given else "")


def _declared(model: type[BaseModel], name: SettingName) -> str:
    """Return where a setting is declared; empty where its source cannot be had."""
    from oneml.habitats.settings.class_lines import assigned_at  # noqa: PLC0415  # only a report wants it

    owner: type[BaseModel] | None = model
    for segment in name[:-1]:
        owner = settings_of(owner)[segment].model if owner is not None else None
    place = None if owner is None else assigned_at(owner, name[-1])
    return "" if place is None else f"declared at {place}"


def _place(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[SettingName, Setting | None, tuple[str, ...]]:
    """Split a location of pydantic's into the setting, and what is inside its value."""
    below: type[BaseModel] | None = model
    setting: Setting | None = None
    for index, part in enumerate(loc):
        found = settings_of(below).get(str(part)) if below is not None else None
        if found is None:
            return tuple(map(str, loc[:index])), setting, tuple(map(str, loc[index:]))
        setting, below = found, found.model
    return tuple(map(str, loc)), setting, ()
