"""The shape of a settings model: which fields merge key by key, which are values, and which hold secrets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, NamedTuple, NewType, Union, cast, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    PydanticUndefinedAnnotation,
    PydanticUserError,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings
from typing_extensions import is_typeddict

from oneml.habitats.errors import InvalidSettingsModelError, UnknownSettingError
from oneml.habitats.settings.markers import Markers, execution_only, markers_of, merged_tables, part_of_identity
from oneml.habitats.values.json_value import JsonValue

_TABLE_LEVELS = 2
"""Tables by name, and the entries of each."""

SettingName = tuple[str, ...]
"""Names from the model down to a setting: ``("train", "iterations")``."""


class Setting(NamedTuple):
    """A field of a settings model, or of a model inside it.

    Attributes:
        name: Its own name.
        annotation: Its declared type.
        model: The model whose fields merge key by key; None where a value replaces another as a whole.
        mapping: Whether the value is a mapping with keys of its own.
        optional: Whether None is a value of it.
        secret: Whether the value is, or contains, a secret, so that only a reference to it may be written anywhere.
        hides: Whether it is secret, or some setting below it is.
        execution: Whether it is marked to have no influence on results; everything below it is so too.
        identity: Whether it is marked to count although it is secret; every secret below it is so too.
        levels: How many levels of keys of the mapping merge key by key; 0 where it is replaced as a whole.
    """

    name: str
    annotation: object
    model: type[BaseModel] | None
    mapping: bool
    optional: bool
    secret: bool
    hides: bool
    execution: bool
    identity: bool
    levels: int = 0

    def entry(self, key: str) -> "Setting":
        """Return what stands at a key of a mapping that merges key by key."""
        arguments = get_args(self.annotation)
        annotation = cast("object", arguments[-1]) if arguments else object
        left = self.levels - 1
        return self._replace(name=key, annotation=annotation, mapping=left > 0, levels=left)


class Leaf(NamedTuple):
    """A value in a tree of settings, at the lowest place where values replace each other as a whole."""

    name: SettingName
    value: JsonValue
    setting: Setting


@lru_cache(maxsize=1024)
def settings_of(model: type[BaseModel]) -> Mapping[str, Setting]:
    """Return the settings of ``model`` by name.

    Raises:
        InvalidSettingsModelError: Some type in it is not defined, or would read the environment by itself.
    """
    if not model.__pydantic_fields_complete__:
        try:
            model.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise InvalidSettingsModelError(
                model=model.__name__,
                reason=f'the type "{error.name}" is not defined',
                remedy="Define it in the module of the class.",
            ) from error
    return {name: _setting(model, name, field) for name, field in model.model_fields.items()}


def unusable(model: type[BaseModel], error: PydanticUserError) -> InvalidSettingsModelError:
    """Return the error of a model with a type that pydantic cannot check, as it found when it was first needed."""
    reason = error.message.partition("\n")[0].rstrip(".")
    return InvalidSettingsModelError(
        model=model.__name__, reason=reason, remedy="Give the field a type that pydantic can check."
    )


def dotted(name: SettingName) -> str:
    """Return a setting's name as people write it."""
    return ".".join(name)


def find_setting(model: type[BaseModel], name: Sequence[str], *, source: str = "") -> Setting:
    """Return the setting that ``name`` leads to; ``source`` is where the name was given.

    Raises:
        UnknownSettingError: The model has none of that name; says what it has there.
    """
    known: Mapping[str, Setting] = settings_of(model)
    setting: Setting | None = None
    for segment in name:
        if setting is not None and setting.levels:
            setting = setting.entry(segment)
        elif segment not in known:
            from oneml.habitats.settings.models import RESERVED_NAMES  # noqa: PLC0415  # it imports this module

            raise UnknownSettingError(
                model=model.__name__,
                name=dotted(tuple(name)),
                unknown=segment,
                known=known,
                reserved=RESERVED_NAMES,
                source=source,
            )
        else:
            setting = known[segment]
            known = settings_of(setting.model) if setting.model is not None else {}
    if setting is None:
        raise UnknownSettingError(model=model.__name__, name="", unknown="", known=settings_of(model), source=source)
    return setting


def leaves(model: type[BaseModel], tree: Mapping[str, JsonValue], above: SettingName = ()) -> Iterator[Leaf]:
    """Give every value of ``tree``; names that the model does not have are left out."""
    known = settings_of(model)
    for name, value in tree.items():
        setting = known.get(name)
        if setting is None:
            continue
        if setting.model is not None and isinstance(value, Mapping):
            yield from leaves(setting.model, value, (*above, name))
        else:
            yield from _entries(Leaf((*above, name), value, setting))


def merged(
    model: type[BaseModel], lower: Mapping[str, JsonValue], upper: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return ``upper`` over ``lower``: models and merged tables key by key, everything else as a whole."""
    known = settings_of(model)
    result = dict(lower)
    for name, value in upper.items():
        setting, below = known.get(name), result.get(name)
        if setting is not None and setting.model and isinstance(value, Mapping) and isinstance(below, Mapping):
            result[name] = merged(setting.model, below, value)
        else:
            result[name] = _joined(below, value, 0 if setting is None else setting.levels)
    return result


def combined(
    model: type[BaseModel], lower: Mapping[str, JsonValue], upper: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return ``upper`` over ``lower`` where both belong to one layer: mappings too are put together key by key."""
    known = settings_of(model)
    result = dict(lower)
    for name, value in upper.items():
        setting, below = known.get(name), result.get(name)
        if setting is None or not isinstance(value, Mapping) or not isinstance(below, Mapping):
            result[name] = value
        elif setting.model is not None:
            result[name] = combined(setting.model, below, value)
        else:
            result[name] = _joined(below, value, max(1, setting.levels)) if setting.mapping else value
    return result


def nested(name: SettingName, value: JsonValue) -> Mapping[str, JsonValue]:
    """Return the tree in which ``value`` alone stands at ``name``."""
    for segment in reversed(name[1:]):
        value = {segment: value}
    return {name[0]: value}


def names_in(tree: Mapping[str, JsonValue], above: SettingName = ()) -> Iterator[SettingName]:
    """Give the name of everything in ``tree``, whatever any model says."""
    for name, value in tree.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from names_in(value, (*above, name))


def value_at(tree: Mapping[str, JsonValue], name: SettingName) -> JsonValue:
    """Return the value at ``name``, or None where the tree holds none."""
    value: JsonValue = tree
    for segment in name:
        value = value.get(segment) if isinstance(value, Mapping) else None
    return value


def members_of(annotation: object) -> tuple[object, ...]:
    """Return what a type may be: aliases, ``Annotated``, new types and unions are taken apart."""
    if type(annotation).__name__ == "TypeAliasType":
        return members_of(_alias_value(annotation))
    if isinstance(annotation, NewType):
        return members_of(cast("object", annotation.__supertype__))
    origin = get_origin(annotation)
    if type(origin).__name__ == "TypeAliasType":
        return members_of(origin)
    if origin is Annotated:
        return members_of(get_args(annotation)[0])
    if origin is Union or origin is UnionType:
        return tuple(member for argument in get_args(annotation) for member in members_of(argument))
    return (annotation,)


def fields_of(kind: object) -> Mapping[str, object] | None:
    """Return the declared keys of a structured type with their types; None for any other type."""
    kind = plain_type(kind)
    if kind is None:
        return None
    if issubclass(kind, RootModel):
        return None
    if issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return {field.name: hints[field.name] for field in fields(kind) if field.init}
    return get_type_hints(kind) if is_typeddict(kind) else None


def arguments_of(kind: object) -> tuple[object, ...]:
    """Return the types that ``kind`` is written with, ``(str, int)`` for ``dict[str, int]``, or that its root has."""
    found = plain_type(kind)
    if found is not None and issubclass(found, RootModel):
        return (found.model_fields["root"].annotation,)
    return get_args(kind)


def is_secret_type(kind: object) -> bool:
    """Tell whether values of ``kind`` are secrets of pydantic."""
    return issubclass(plain_type(kind) or object, SecretStr | SecretBytes | Secret)


def plain_type(kind: object) -> type[object] | None:
    """Return the class behind ``kind``, ``dict`` for ``dict[str, int]``; None where there is none."""
    origin = get_origin(kind) or kind
    return cast("type[object]", origin) if isinstance(origin, type) else None


def _entries(leaf: Leaf) -> Iterator[Leaf]:
    """Give what a setting holds by keys that merge, or the setting itself where it holds nothing so."""
    name, value, setting = leaf
    if not (setting.levels and isinstance(value, Mapping) and value):
        yield leaf
        return
    for key, item in value.items():
        yield from _entries(Leaf((*name, key), item, setting.entry(key)))


def _joined(lower: JsonValue, upper: JsonValue, levels: int) -> JsonValue:
    """Return ``upper`` over ``lower``, so many levels of keys put together."""
    if not (levels and isinstance(lower, Mapping) and isinstance(upper, Mapping)):
        return upper
    both = {key: _joined(lower[key], value, levels - 1) if key in lower else value for key, value in upper.items()}
    return {**lower, **both}


def _setting(owner: type[BaseModel], name: str, field: FieldInfo) -> Setting:
    annotation: object = field.annotation
    kinds = _kinds_within(annotation)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseSettings):
            raise InvalidSettingsModelError(
                model=owner.__name__,
                reason=f'"{name}" contains {kind.__name__}, which would read the environment by itself',
                remedy=f"Derive {kind.__name__} from pydantic.BaseModel.",
            )
    members = members_of(annotation)
    values = [member for member in members if member is not type(None)]
    only = plain_type(values[0]) or object if len(values) == 1 else object
    model = only if issubclass(only, BaseModel) and not issubclass(only, RootModel) else None
    hides = any(is_secret_type(kind) for kind in kinds)
    markers = markers_of(field)
    _check_markers(owner, name, markers, hides=hides)
    return Setting(
        name=name,
        annotation=annotation,
        model=model,
        mapping=model is None and issubclass(only, Mapping),
        optional=len(values) < len(members),
        secret=hides and model is None,
        hides=hides,
        execution=execution_only in markers,
        identity=part_of_identity in markers or (hides and model is None and _counts_within(annotation)),
        levels=_TABLE_LEVELS if merged_tables in markers else 0,
    )


def _counts_within(annotation: object) -> bool:
    """Tell whether something that a value of ``annotation`` may contain is marked as a secret that counts."""
    seen: list[object] = []
    waiting = [annotation]
    while waiting:
        kind = waiting.pop()
        if kind is part_of_identity:
            return True
        if any(kind is other for other in seen):
            continue
        seen.append(kind)
        if type(kind).__name__ == "TypeAliasType":
            waiting.append(_alias_value(kind))
            continue
        waiting.extend(get_args(kind))
        waiting.extend(cast("tuple[object, ...]", getattr(kind, "__metadata__", ())))
        found = plain_type(kind)
        if found is not None and issubclass(found, BaseModel):
            for field in found.model_fields.values():
                waiting.extend((field.annotation, *cast("list[object]", field.metadata)))
        elif found is not None and fields_of(found) is not None:
            waiting.extend(get_type_hints(found, include_extras=True).values())
    return False


def _check_markers(owner: type[BaseModel], name: str, markers: Markers, *, hides: bool) -> None:
    if part_of_identity not in markers or (hides and len(markers) == 1):
        return
    reason = "has no secret in it" if not hides else f"is marked {execution_only} too"
    raise InvalidSettingsModelError(
        model=owner.__name__,
        reason=f'"{name}" is marked {part_of_identity}, but {reason}',
        remedy=f"Remove {part_of_identity}: it is for secrets on which results depend; other settings count anyway.",
    )


def _kinds_within(annotation: object) -> set[object]:
    """Return every type that a value of ``annotation`` may contain."""
    found: set[object] = set()
    waiting = [annotation]
    while waiting:
        for kind in members_of(waiting.pop()):
            if not _is_hashable(kind) or kind in found:
                continue
            found.add(kind)
            waiting.extend(arguments_of(kind))
            waiting.extend((fields_of(kind) or {}).values())
    return found


def _alias_value(alias: object) -> object:
    value = cast("object", getattr(alias, "__value__", object))
    if not isinstance(value, str):
        return value
    # An alias made with a text is evaluated where it was made, as pydantic does.
    namespace = {"__annotations__": {"value": value}, "__module__": cast("str", getattr(alias, "__module__", ""))}
    return cast("object", get_type_hints(type("Alias", (), namespace))["value"])


def _is_hashable(kind: object) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True
