"""What notebooks show of pipelines, containers and sessions: a picture, and a table of the nodes of a session."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING

from oneml.habitats.graph.drawing.rendering import BOXES_MAX, Format, render
from oneml.habitats.sessions.diagrams import preview_diagram, session_diagram
from oneml.habitats.sessions.row_texts import row_texts

if TYPE_CHECKING:
    from oneml.habitats.graph.drawing.diagram import Diagram
    from oneml.habitats.sessions.preview import SessionPreview
    from oneml.habitats.sessions.session import PipelineSession

ROWS_MAX = 200
_HEAD = "<tr><th>node</th><th>state</th><th>attempt</th><th>seconds</th><th>why</th></tr>"
_LEFT = ' style="text-align:left"'


def preview_bundle(preview: "SessionPreview") -> Mapping[str, str]:
    """Return what a notebook shows of a pipeline, by media type."""
    diagram = preview_diagram(preview)
    text = f"{preview.habitat} ({preview.container}): {len(preview.plan.nodes)} nodes"
    return {"text/plain": text, **_picture(diagram)}


def session_bundle(session: "PipelineSession") -> Mapping[str, str]:
    """Return what a notebook shows of a session, by media type; its HTML holds the picture, too.

    Raises:
        StoreError: The store failed.
    """
    diagram = session_diagram(session)
    text = f"{session.habitat}: {diagram.subtitle}"
    picture = _picture(diagram)
    html = "\n".join([*picture.values(), *_table(session)])
    return {"text/plain": text, "text/html": html, **picture}


def _picture(diagram: "Diagram") -> Mapping[str, str]:
    """Return the picture, where anybody could read it."""
    if len(diagram.boxes) > BOXES_MAX:
        return {}
    return {"image/svg+xml": render(diagram, Format.SVG).decode()}


def _table(session: "PipelineSession") -> Iterator[str]:
    rows, paths = session.node_rows(), list(session.plan.nodes)
    yield f"<table>{_HEAD}"
    for path in paths[:ROWS_MAX]:
        cells = (path, *row_texts(rows.get(path)))
        yield "<tr>" + "".join(f"<td{_LEFT}>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"
    if len(paths) > ROWS_MAX:
        yield f"<p>{len(paths) - ROWS_MAX} more nodes.</p>"
