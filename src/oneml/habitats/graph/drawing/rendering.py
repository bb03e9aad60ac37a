"""A diagram in any of its formats."""

from enum import StrEnum

from oneml.habitats.errors import DiagramTooLargeError
from oneml.habitats.graph.drawing.diagram import Diagram
from oneml.habitats.graph.drawing.layout import Direction

BOXES_MAX = 2_000
"""More boxes are laid out for no picture: nobody could read it."""


class Format(StrEnum):
    """What a diagram is written as; also the suffixes of files."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    PNG = "png"
    JSON = "json"


def render(diagram: Diagram, form: Format, *, direction: Direction = Direction.AUTO) -> bytes:
    """Return a diagram as a file of a format; text is UTF-8.

    Args:
        diagram: What is drawn.
        form: The format.
        direction: Where links lead.

    Raises:
        DiagramTooLargeError: It has too many boxes for a picture.
        MissingLibraryError: A PNG needs Pillow, which is not installed.
    """
    # Each format is imported where it is asked for: a layout is needed by two of them.
    if form is Format.JSON:
        from oneml.habitats.graph.drawing.document import diagram_json  # noqa: PLC0415

        return diagram_json(diagram).encode()
    if form is Format.MERMAID:
        from oneml.habitats.graph.drawing.mermaid import mermaid_text  # noqa: PLC0415

        return mermaid_text(diagram, direction=direction).encode()
    if form is Format.DOT:
        from oneml.habitats.graph.drawing.dot import dot_text  # noqa: PLC0415

        return dot_text(diagram, direction=direction).encode()
    if len(diagram.boxes) > BOXES_MAX:
        raise DiagramTooLargeError(boxes=len(diagram.boxes), most=BOXES_MAX)
    from oneml.habitats.graph.drawing.scene import scene_of  # noqa: PLC0415

    scene = scene_of(diagram, direction=direction)
    if form is Format.SVG:
        from oneml.habitats.graph.drawing.svg import svg_text  # noqa: PLC0415

        return svg_text(scene).encode()
    from oneml.habitats.graph.drawing.png import png_bytes  # noqa: PLC0415

    return png_bytes(scene)
