"""A diagram as Mermaid, which hosts of Markdown draw themselves."""

import re
from collections.abc import Iterator, Mapping, Sequence

from oneml.habitats.graph.drawing import palette
from oneml.habitats.graph.drawing.diagram import Box, Diagram, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.layout import Direction

_PLAIN = re.compile(r"[^\w .,:/()+*=-]", re.ASCII)
_FORMS = {
    Shape.NODE: ("[", "]"),
    Shape.PROVIDER: ("[", "]"),
    Shape.FAN_OUT: ("[[", "]]"),
    Shape.NAMESPACE: ("[[", "]]"),
    Shape.INPUT: ("([", "])"),
    Shape.OUTPUT: ("([", "])"),
    Shape.SETTING: ("([", "])"),
}
_ARROWS = {LinkKind.DATA: "-->", LinkKind.INJECTED: "-->", LinkKind.ORDER: "-.->", LinkKind.PASSED: "-.->"}


def mermaid_text(diagram: Diagram, *, direction: Direction = Direction.AUTO) -> str:
    """Return a diagram as a Mermaid flowchart.

    Args:
        diagram: What is drawn.
        direction: Where links lead; down unless it is right.
    """
    return "\n".join([*_lines(diagram, direction), ""])


def escaped(text: str) -> str:
    """Return a text as it stands in quotes: whatever may mean something to Mermaid or HTML is a character code."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", text)


def _lines(diagram: Diagram, direction: Direction) -> Iterator[str]:
    if diagram.title:
        yield "---"
        yield f'title: "{_in_yaml(diagram.title)}"'
        yield "---"
    yield f"flowchart {'LR' if direction is Direction.RIGHT else 'TD'}"
    ids = {box.name: f"n{number}" for number, box in enumerate(diagram.boxes)}
    yield from _content(diagram, "", diagram.boxes_by_frame(), ids, 1)
    for link in diagram.links:
        text = escaped(", ".join(link.labels))
        label = f'|"{text}"|' if text else ""
        yield f"  {ids[link.source]} {_ARROWS[link.kind]}{label} {ids[link.target]}"
    yield from _styles(diagram, ids)


def _content(
    diagram: Diagram, frame: str, inside: Mapping[str, Sequence[Box]], ids: Mapping[str, str], level: int
) -> Iterator[str]:
    indent = "  " * level
    for box in inside.get(frame, ()):
        opening, closing = _FORMS[box.shape]
        text = "<br/>".join(escaped(line) for line in (box.title, *box.lines))
        yield f'{indent}{ids[box.name]}{opening}"{text}"{closing}'
    for number, each in enumerate(diagram.frames):
        if each.parent == frame:
            yield f'{indent}subgraph f{number}["{escaped(each.title)}"]'
            yield from _content(diagram, each.name, inside, ids, level + 1)
            yield f"{indent}end"


def _styles(diagram: Diagram, ids: Mapping[str, str]) -> Iterator[str]:
    """Give the colours, each once; text is dark, for the fills are light, whatever the page is."""
    by_tone: dict[Tone, list[str]] = {}
    for box in diagram.boxes:
        by_tone.setdefault(box.tone, []).append(ids[box.name])
    for tone, names in by_tone.items():
        colours, name = palette.BOXES[tone], tone.value.replace(" ", "_")
        dashed = ",stroke-dasharray:5 3" if tone in palette.DASHED else ""
        yield f"  classDef t_{name} fill:{colours.fill[0]},stroke:{colours.stroke[0]},color:{palette.INK[0]}{dashed}"
        yield f"  class {','.join(names)} t_{name}"
    overridden = [ids[box.name] for box in diagram.boxes if box.overridden]
    if overridden:
        yield f"  classDef overridden stroke:{palette.OVERRIDE[0]},stroke-width:3px,stroke-dasharray:5 3"
        yield f"  class {','.join(overridden)} overridden"


def _in_yaml(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" if each in '"\\' or not each.isprintable() else each for each in text)
