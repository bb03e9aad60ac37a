"""What is wrong with a layer before any value in it is looked at: unknown names, levels, stores, secrets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, RootModel

from oneml.habitats.errors import SettingsError, UnknownSettingError
from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import (
    MEMORY_STORE,
    RESERVED_NAMES,
    SESSION_ONLY_NAMES,
    STORE_RULE,
    PipelineSettings,
)
from oneml.habitats.settings.references import is_reference
from oneml.habitats.settings.shapes import SettingName, arguments_of, dotted, fields_of, leaves, members_of, plain_type
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.setting_problem import SettingProblem

_WORKING_DIRECTORY_LAYERS = frozenset({Layer.PROJECT_FILE, Layer.DOTENV})


class UnknownName(NamedTuple):
    """A name in a tree that its model does not have, and those that it has there."""

    name: SettingName
    known: frozenset[str]


def layer_problems(model: type[PipelineSettings], layer: LayerValues) -> Iterator[SettingsError]:
    """Give everything that is wrong with ``layer`` for ``model``."""
    for unknown in unknown_names(model, layer.values):
        yield UnknownSettingError(
            model=model.__name__,
            name=dotted(unknown.name),
            unknown=unknown.name[-1],
            known=unknown.known,
            reserved=RESERVED_NAMES,
            source=layer.source_of(unknown.name),
        )
    if "store" in layer.values:
        yield from _store_problem(layer, layer.values["store"])
    if layer.for_nodes or layer.layer is Layer.INCLUDE:
        who = "a node" if layer.for_nodes else "an included habitat"
        for name in sorted(SESSION_ONLY_NAMES & layer.values.keys()):
            given = f" ({layer.node})" if layer.node else ""
            rule = f"is shared by the whole session; {who} cannot set it{given}. Set it for the session."
            yield _problem(layer, (name,), rule)
    for leaf in leaves(model, layer.values):
        if leaf.value is None or not leaf.setting.hides:
            continue
        if leaf.setting.model is not None:
            yield _problem(layer, leaf.name, "has a secret in it and must be a table of settings")
        elif not is_reference(leaf.value):
            yield _problem(layer, leaf.name, "is a secret: give a reference to it, env:NAME or file:NAME, not itself")


def raise_all(errors: Sequence[SettingsError]) -> None:
    """Raise what was found: one error as it is, several in one report.

    Raises:
        SettingsError: There is something to raise.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SettingsError(problems=[problem for error in errors for problem in error.problems])


def unknown_names(model: type[BaseModel], tree: Mapping[str, JsonValue]) -> Iterator[UnknownName]:
    """Give every name in ``tree``, also inside lists and mappings, that no declared type has.

    pydantic ignores such names inside models that do not forbid them; a misspelt setting must not pass for set.
    """
    return _unknown_in(model, tree, ())


def _unknown_in(annotation: object, value: JsonValue, above: SettingName) -> Iterator[UnknownName]:
    kinds = members_of(annotation)
    if len(kinds) == 1 and issubclass(plain_type(kinds[0]) or object, RootModel):
        yield from _unknown_in(arguments_of(kinds[0])[0], value, above)
        return
    if isinstance(value, Mapping):
        structures = [fields for kind in kinds if (fields := fields_of(kind)) is not None]
        if structures:
            yield from _unknown_keys(structures, kinds, value, above)
            return
    for inner, name, item in _items(annotation, value):
        yield from _unknown_in(inner, item, (*above, name))


def _unknown_keys(
    structures: Sequence[Mapping[str, object]],
    kinds: Sequence[object],
    tree: Mapping[str, JsonValue],
    above: SettingName,
) -> Iterator[UnknownName]:
    takes_any_key = any(map(_takes_any_key, kinds))
    for name, item in tree.items():
        declared = [fields[name] for fields in structures if name in fields]
        if len(declared) == 1:
            yield from _unknown_in(declared[0], item, (*above, name))
        elif not declared and not takes_any_key:
            yield UnknownName((*above, name), frozenset(key for fields in structures for key in fields))


def _takes_any_key(kind: object) -> bool:
    found = plain_type(kind) or object
    if issubclass(found, BaseModel):
        return found.model_config.get("extra") == "allow"
    return found is object or (issubclass(found, Mapping) and fields_of(kind) is None)


def _items(annotation: object, value: JsonValue) -> Iterator[tuple[object, str, JsonValue]]:
    """Give what is inside a list or a mapping with the type that it has there, where that is declared plainly."""
    for member in members_of(annotation):
        arguments = arguments_of(member)
        if not arguments:
            continue
        if isinstance(value, Mapping):
            yield from ((arguments[-1], name, item) for name, item in value.items())
        elif isinstance(value, Sequence) and not isinstance(value, str):
            plain = len(arguments) == 1 or arguments[-1] is Ellipsis
            for index, item in enumerate(value):
                if plain or index < len(arguments):
                    yield arguments[0 if plain else index], str(index), item


def _store_problem(layer: LayerValues, store: JsonValue) -> Iterator[SettingsError]:
    if layer.layer in _WORKING_DIRECTORY_LAYERS:
        rule = (
            "may not be set in the working directory, which may come from somebody else; "
            "give it by ONEML_STORE_URL, or in the user's settings file"
        )
        yield _problem(layer, ("store",), rule)
    elif layer.layer is not Layer.USER_FILE and store is not None and store != MEMORY_STORE:
        yield _problem(layer, ("store",), STORE_RULE)


def _problem(layer: LayerValues, name: SettingName, rule: str) -> SettingsError:
    return SettingsError(problems=(SettingProblem(dotted(name), f"{dotted(name)}: {rule}", layer.source_of(name)),))
