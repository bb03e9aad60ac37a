"""The settings of a session in the form that its recipe holds, written and read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from oneml.habitats.errors import InvalidDocumentError, InvalidNodePathError, SettingsModelChangedError
from oneml.habitats.settings.checks import unknown_names
from oneml.habitats.settings.layers import Layer, Layers, LayerValues
from oneml.habitats.settings.references import DEFAULT_REFERENCE, is_reference, secret_leaves
from oneml.habitats.settings.shapes import SettingName, dotted, settings_of
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath, parse_node_path

WHAT = "settings of the recipe"

_LAYER_NAMES = frozenset(layer.value for layer in Layer)


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


def snapshot_document(snapshot: Snapshot) -> JsonObject:
    """Return ``snapshot`` as JSON, without the entries for nodes, of which there may be thousands.

    Its form: ``process``, every value; ``session``, the top-level values that differ; ``layers``, by ``process`` and
    ``session``, a list of what each layer set (``values``); of the environment also by which variables (``sources``),
    so that a worker tells where its own differs.
    """
    layers = snapshot.layers
    return {
        "process": snapshot.process,
        "session": {name: value for name, value in snapshot.session.items() if value != snapshot.process[name]},
        "layers": {
            "process": [_layer_document(layer) for layer in layers.process],
            "session": [_layer_document(layer) for layer in layers.session],
        },
    }


def entry_documents(layers: Layers) -> Mapping[NodePath, list[JsonObject]]:
    """Return the entries for nodes as JSON, by the path that they are for."""
    return {path: [_layer_document(layer) for layer in entries] for path, entries in layers.nodes.items()}


def read_snapshot(model: type[BaseModel], document: JsonValue, node_entries: Mapping[str, JsonValue]) -> Snapshot:
    """Read what `snapshot_document` wrote, and hold it against the model that is installed here.

    Args:
        model: The model.
        document: The snapshot.
        node_entries: What `entry_documents` gave, all of it or a part.

    Raises:
        InvalidDocumentError: It is not of that form.
        SettingsModelChangedError: The model has other settings.
    """
    top = object_of(document, "it")
    layers = _layers(object_of(top.get("layers"), "layers"), node_entries)
    process = object_of(top.get("process"), "process")
    session = {**process, **object_of(top.get("session"), "session")}
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


def _layer_document(layer: LayerValues) -> JsonObject:
    document: JsonObject = {"layer": layer.layer.value, "values": layer.values}
    return {**document, "sources": dict(layer.sources)} if layer.layer is Layer.ENVIRONMENT else document


def _layers(document: Mapping[str, JsonValue], node_entries: Mapping[str, JsonValue]) -> Layers:
    nodes: dict[NodePath, tuple[LayerValues, ...]] = {}
    for text, entries in node_entries.items():
        try:
            path = parse_node_path(text)
        except InvalidNodePathError as error:
            raise InvalidDocumentError(what=WHAT, reason=str(error)) from error
        nodes[path] = tuple(_layer(entry, path) for entry in list_of(entries, f"the entries of {text}"))
    return Layers(
        process=tuple(_layer(entry) for entry in list_of(document.get("process"), "layers.process")),
        session=tuple(_layer(entry) for entry in list_of(document.get("session"), "layers.session")),
        nodes=nodes,
    )


def _layer(entry: JsonValue, node: NodePath | None = None) -> LayerValues:
    document = object_of(entry, "a layer")
    name = document.get("layer")
    if not isinstance(name, str) or name not in _LAYER_NAMES:
        raise InvalidDocumentError(what=WHAT, reason="a layer has no known name")
    sources = texts_of(document.get("sources", {}), "the sources of a layer")
    values = object_of(document.get("values"), "what a layer sets")
    return LayerValues(layer=Layer(name), values=values, sources=sources, node=node)


def texts_of(value: JsonValue, what: str) -> Mapping[str, str]:
    """Return an object whose members are texts.

    Raises:
        InvalidDocumentError: It is none.
    """
    texts: dict[str, str] = {}
    for name, text in object_of(value, what).items():
        if not isinstance(text, str):
            raise InvalidDocumentError(what=WHAT, reason=f'"{name}" in {what} is no text')
        texts[name] = text
    return texts


def object_of(value: JsonValue, what: str) -> Mapping[str, JsonValue]:
    """Return an object.

    Raises:
        InvalidDocumentError: It is none.
    """
    if not isinstance(value, Mapping):
        raise InvalidDocumentError(what=WHAT, reason=f"{what} is not an object")
    return value


def list_of(value: JsonValue, what: str) -> Sequence[JsonValue]:
    """Return a list.

    Raises:
        InvalidDocumentError: It is none.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidDocumentError(what=WHAT, reason=f"{what} is not a list")
    return value
