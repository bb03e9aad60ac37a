"""A diagram as a JSON document, schema ``graph-1.json``: what is drawn, without places."""

import json

from oneml.habitats.graph.drawing.diagram import Box, Diagram
from oneml.habitats.values.json_value import JsonObject

GRAPH_SCHEMA = "oneml.graph/1"


def diagram_document(diagram: Diagram) -> JsonObject:
    """Return a diagram as a JSON object."""
    return {
        "schema": GRAPH_SCHEMA,
        "subject": diagram.subject,
        "title": diagram.title,
        "subtitle": diagram.subtitle,
        "boxes": [_box(box) for box in diagram.boxes],
        "frames": [{"name": each.name, "title": each.title, "parent": each.parent} for each in diagram.frames],
        "links": [
            {"source": each.source, "target": each.target, "kind": each.kind.value, "labels": list(each.labels)}
            for each in diagram.links
        ],
    }


def diagram_json(diagram: Diagram) -> str:
    """Return a diagram as the text of a JSON document."""
    return json.dumps(diagram_document(diagram), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _box(box: Box) -> JsonObject:
    return {
        "name": box.name,
        "title": box.title,
        "lines": list(box.lines),
        "shape": box.shape.value,
        "tone": box.tone.value,
        "frame": box.frame,
        "members": box.members,
        "states": dict(box.states),
        "seconds": box.seconds,
        "attempt": box.attempt,
        "engine": box.engine,
        "overridden": box.overridden,
    }
