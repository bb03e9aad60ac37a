"""The settings of a session in the form that its recipe holds, written and read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from oneml.habitats.errors import InvalidDocumentError, InvalidNodePathError, SettingsModelChangedError
from oneml.habitats.settings.checks import unknown_names
from oneml.habitats.settings.layers import Layer, Layers, LayerValues
from oneml.habitats.settings.references import DEFAULT_REFERENCE, is_reference, secret_leaves
from oneml.habitats.settings.shapes import SettingName, dotted, leaves, settings_of
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath, parse_node_path

WHAT = "settings of the recipe"


class Snapshot(NamedTuple):
    """What a snapshot holds.

    Attributes:
        process: Every value of the process; secrets are references, here as below.
        session: Every value of the session.
        layers: What each layer set, and where.
    """

    process: Mapping[str, JsonValue]
    session: Mapping[str, JsonValue]
    layers: Layers


def snapshot_document(model: type[BaseModel], snapshot: Snapshot) -> JsonObject:
    """Return ``snapshot`` as JSON.

    Its form: ``process``, every value; ``session``, the top-level values that differ; ``layers``, by ``process``,
    ``session`` and ``nodes`` (by path), a list of what each layer set (``values``) and where that was written
    (``sources``), so that origins can be told later.
    """
    layers = snapshot.layers
    return {
        "process": snapshot.process,
        "session": {name: value for name, value in snapshot.session.items() if value != snapshot.process[name]},
        "layers": {
            "process": [_layer_document(model, layer) for layer in layers.process],
            "session": [_layer_document(model, layer) for layer in layers.session],
            "nodes": {
                path: [_layer_document(model, layer) for layer in entries] for path, entries in layers.nodes.items()
            },
        },
    }


def read_snapshot(model: type[BaseModel], document: JsonValue) -> Snapshot:
    """Read what `snapshot_document` wrote, and hold it against the model that is installed here.

    Raises:
        InvalidDocumentError: It is not of that form.
        SettingsModelChangedError: The model has other settings.
    """
    top = _object(document, "it")
    layers = _layers(_object(top.get("layers"), "layers"))
    process = _object(top.get("process"), "process")
    session = {**process, **_object(top.get("session"), "session")}
    for tree in (process, session):
        for name in _missing_names(model, tree, ()):
            raise SettingsModelChangedError(
                model=model.__name__, reason=f'"{dotted(name)}" is new here, and the recipe has no value for it'
            )
        for leaf in secret_leaves(model, tree):
            if leaf.value != DEFAULT_REFERENCE and not is_reference(leaf.value):
                raise InvalidDocumentError(what=WHAT, reason=f'"{dotted(leaf.name)}" is a secret, but no reference')
    entries = (layer.values for path in layers.nodes.values() for layer in path)
    for tree in (process, session, *entries):
        for unknown in unknown_names(model, tree):
            raise SettingsModelChangedError(
                model=model.__name__, reason=f'the recipe has "{dotted(unknown.name)}", which the model does not have'
            )
    return Snapshot(process, session, layers)


def _missing_names(model: type[BaseModel], tree: Mapping[str, JsonValue], above: SettingName) -> Iterator[SettingName]:
    for name, setting in settings_of(model).items():
        value = tree.get(name)
        if name not in tree:
            yield (*above, name)
        elif setting.model is not None and isinstance(value, Mapping):
            yield from _missing_names(setting.model, value, (*above, name))


def _layer_document(model: type[BaseModel], layer: LayerValues) -> JsonObject:
    sources = {dotted(leaf.name): layer.source_of(leaf.name) for leaf in leaves(model, layer.values)}
    return {"layer": layer.layer.value, "values": layer.values, "sources": sources}


def _layers(document: Mapping[str, JsonValue]) -> Layers:
    nodes: dict[NodePath, tuple[LayerValues, ...]] = {}
    for text, entries in _object(document.get("nodes"), "layers.nodes").items():
        try:
            path = parse_node_path(text)
        except InvalidNodePathError as error:
            raise InvalidDocumentError(what=WHAT, reason=str(error)) from error
        nodes[path] = tuple(_layer(entry, path) for entry in _list(entries, f"layers.nodes.{text}"))
    return Layers(
        process=tuple(_layer(entry) for entry in _list(document.get("process"), "layers.process")),
        session=tuple(_layer(entry) for entry in _list(document.get("session"), "layers.session")),
        nodes=nodes,
    )


def _layer(entry: JsonValue, node: NodePath | None = None) -> LayerValues:
    document = _object(entry, "a layer")
    name = document.get("layer")
    if not isinstance(name, str) or name not in set(Layer):
        raise InvalidDocumentError(what=WHAT, reason="a layer has no known name")
    sources: dict[str, str] = {}
    for setting, source in _object(document.get("sources"), "the sources of a layer").items():
        if not isinstance(source, str):
            raise InvalidDocumentError(what=WHAT, reason=f'the source of "{setting}" is no text')
        sources[setting] = source
    values = _object(document.get("values"), "what a layer sets")
    return LayerValues(layer=Layer(name), values=values, sources=sources, node=node)


def _object(value: JsonValue, what: str) -> Mapping[str, JsonValue]:
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what=WHAT, reason=f"{what} is not an object")
    return value


def _list(value: JsonValue, what: str) -> Sequence[JsonValue]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidDocumentError(what=WHAT, reason=f"{what} is not a list")
    return value
