"""Where everything in a snapshot was written: recorded beside it at creation, for people to read later."""

from collections.abc import Mapping
from itertools import zip_longest

from pydantic import BaseModel

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.settings.default_places import default_places
from oneml.habitats.settings.layers import Layers, LayerValues
from oneml.habitats.settings.shapes import dotted, leaves
from oneml.habitats.settings.snapshot import WHAT, list_of, object_of, texts_of
from oneml.habitats.values.json_value import JsonObject, JsonValue


def source_documents(model: type[BaseModel], layers: Layers, tree: Mapping[str, JsonValue]) -> JsonObject:
    """Return where everything was written, as JSON.

    Its form: ``process`` and ``session``, for each layer of the snapshot the place of each value by dotted name;
    ``nodes``, the same for the entries of each path; ``defaults``, the place of each default in the code.
    """
    names = [leaf.name for leaf in leaves(model, tree)]
    return {
        "process": [_places(model, layer) for layer in layers.process],
        "session": [_places(model, layer) for layer in layers.session],
        "nodes": {path: [_places(model, layer) for layer in entries] for path, entries in layers.nodes.items()},
        "defaults": {name: place for name, place in default_places(model, names).items() if place},
    }


def with_sources(layers: Layers, document: JsonValue) -> Layers:
    """Return ``layers``, as they were read from a snapshot, with the sources that were recorded beside it.

    Raises:
        InvalidDocumentError: The sources are not of the form of some, or of other layers.
    """
    top = object_of(document, "the sources")
    nodes = object_of(top.get("nodes"), "the sources of nodes")
    return Layers(
        process=_sourced(layers.process, top.get("process")),
        session=_sourced(layers.session, top.get("session")),
        nodes={path: _sourced(entries, nodes.get(path)) for path, entries in layers.nodes.items()},
    )


def recorded_defaults(document: JsonValue) -> Mapping[str, str]:
    """Return the places of defaults that were recorded.

    Raises:
        InvalidDocumentError: They are not of the form of some.
    """
    return texts_of(object_of(document, "the sources").get("defaults"), "the places of defaults")


def _places(model: type[BaseModel], layer: LayerValues) -> JsonObject:
    return {dotted(leaf.name): layer.source_of(leaf.name) for leaf in leaves(model, layer.values)}


def _sourced(layers: tuple[LayerValues, ...], document: JsonValue) -> tuple[LayerValues, ...]:
    found: list[LayerValues] = []
    for layer, places in zip_longest(layers, list_of(document, "the sources of layers")):
        if layer is None or places is None:
            raise InvalidDocumentError(what=WHAT, reason="the sources are those of other layers")
        found.append(layer._replace(sources=texts_of(places, "the sources of a layer")))
    return tuple(found)
