"""Mermaid, dot, SVG and JSON: whatever stands in a name, it is text there and nothing else."""

import json
import re
from html import unescape
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from oneml.habitats.errors import DiagramTooLargeError
from oneml.habitats.graph.drawing.diagram import Box, Diagram, Frame, Link, LinkKind, Shape, Tone
from oneml.habitats.graph.drawing.layout import Direction
from oneml.habitats.graph.drawing.rendering import BOXES_MAX, Format, render

SCHEMA = json.loads((files("oneml.habitats") / "schemas" / "graph-1.json").read_text())
TEXTS = st.text(max_size=12) | st.sampled_from(['"', "\\", "end", "`md`", "</text>", "&amp;", "#quot;", "]]>", "a\\n"])
SVG = "{http://www.w3.org/2000/svg}"


def named(*texts: str) -> Diagram:
    first, second, frame, label = texts
    return Diagram(
        subject="pipeline",
        title=first,
        subtitle=second,
        boxes=(
            Box(name="1", title=first, lines=(second,), frame="f"),
            Box(name="2", title=second, shape=Shape.SETTING, tone=Tone.NODE_SCOPE, overridden=True),
        ),
        frames=(Frame(name="f", title=frame),),
        links=(Link(source="1", target="2", kind=LinkKind.PASSED, labels=(label,)),),
    )


def text_of(diagram: Diagram, form: Format) -> str:
    return render(diagram, form).decode()


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_a_text_in_mermaid_is_what_it_was_and_nothing_else(texts: list[str]) -> None:
    first, second, frame, label = texts
    lines = text_of(named(*texts), Format.MERMAID).split("\n")

    def read(line: str, form: str) -> list[str]:
        found = re.fullmatch(form, line)
        assert found is not None, line
        return [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), group) for group in found.groups()]

    body = lines[lines.index("flowchart TD") + 1 :]
    safe = r"([\w .,:/()+*=#;-]*)"
    assert read(body[0], rf'  n1\(\["{safe}"\]\)') == [second]
    assert read(body[1], rf'  subgraph f0\["{safe}"\]') == [frame]
    assert read(body[2], rf'    n0\["{safe}<br/>{safe}"\]') == [first, second]
    assert body[3] == "  end"
    assert read(body[4], rf'  n0 -\.->\|"{safe}"\| n1' if label else "  n0 -.-> n1") == ([label] if label else [])
    assert all(re.fullmatch(r"  (classDef|class) [\w#:,. -]+", line) for line in body[5:-1])


def read_dot(text: str) -> list[str]:
    """Return the quoted strings of a digraph as Graphviz shows them; what is outside of them must be harmless."""
    found = [each[1:-1] for each in re.findall(r'"(?:[^"\\]|\\.)*"', text, flags=re.DOTALL)]
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)
    assert re.fullmatch(r"[\w\s={};,\[\]>-]*", outside, re.ASCII), outside
    return [unescape(re.sub(r"\\(.)", lambda code: {"n": "\n"}.get(code[1], code[1]), each)) for each in found]


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_a_text_in_dot_is_what_it_was_and_nothing_else(texts: list[str]) -> None:
    found = read_dot(text_of(named(*texts), Format.DOT))
    first, second, frame, label = ("".join(each for each in text if each >= " " or each == "\n") for text in texts)
    assert {first, second, frame, label, f"{first}\n{second}"} <= set(found)


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_a_text_in_svg_is_what_it_was_and_nothing_else(texts: list[str]) -> None:
    root = Xml.fromstring(text_of(named(*texts), Format.SVG))  # noqa: S314  # it is our own
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= {
        "svg", "title", "style", "g", "rect", "path", "polygon", "polyline", "text"
    }  # fmt: skip
    shown = {each.text or "" for each in root.iter(f"{SVG}text")}
    for text in (texts[0], texts[1], texts[3]):  # the title of a frame may be cut
        if text.strip() and text.isprintable():
            assert text in shown or " ".join(text.split()) in shown


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_a_document_fits_its_schema_and_holds_every_text(texts: list[str]) -> None:
    document: Any = json.loads(text_of(named(*texts), Format.JSON))
    Draft202012Validator(SCHEMA).validate(document)
    assert [document["title"], document["subtitle"], document["frames"][0]["title"]] == texts[:3]
    assert document["links"][0] == {"source": "1", "target": "2", "kind": "passed", "labels": texts[3:]}


def test_the_schema_is_one_and_refuses_members_more_or_less() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    document = json.loads(text_of(named("a", "b", "c", "d"), Format.JSON))
    assert not validator.is_valid({**document, "more": 1})
    assert all(not validator.is_valid({k: v for k, v in document.items() if k != key}) for key in SCHEMA["required"])


@pytest.mark.parametrize("name", ["Shape", "Tone", "LinkKind"])
def test_the_schema_knows_every_shape_tone_and_kind(name: str) -> None:
    box, link = SCHEMA["$defs"]["box"]["properties"], SCHEMA["$defs"]["link"]["properties"]
    known = {"Shape": (Shape, box["shape"]), "Tone": (Tone, box["tone"]), "LinkKind": (LinkKind, link["kind"])}
    members, schema = known[name]
    assert schema["enum"] == [each.value for each in members]


def test_every_state_has_a_sign_and_a_word_in_svg() -> None:
    states = [Tone.PENDING, Tone.RUNNING, Tone.SUCCEEDED, Tone.FAILED, Tone.REFUSED, Tone.SKIPPED, Tone.CANCELLED]
    signs = set()
    for tone in states:
        alone = Diagram(subject="session", title="", boxes=(Box(name="a", title="a", tone=tone),))
        root = Xml.fromstring(text_of(alone, Format.SVG))  # noqa: S314  # it is our own
        assert tone in {each.text for each in root.iter(f"{SVG}text")}
        drawn = [each.get("points") for tag in ("polyline", "polygon") for each in root.iter(f"{SVG}{tag}")]
        assert drawn
        signs.add(tuple(drawn[: len(drawn) // 2]))
    assert len(signs) == len(states)


def test_direction_is_told_to_those_who_lay_out_themselves() -> None:
    some = named("a", "b", "c", "d")
    assert b"flowchart LR" in render(some, Format.MERMAID, direction=Direction.RIGHT)
    assert b"rankdir=LR" in render(some, Format.DOT, direction=Direction.RIGHT)


def test_svg_reaches_for_nothing_elsewhere_and_knows_dark_pages() -> None:
    text = text_of(named("a", "b", "c", "d"), Format.SVG)
    assert text.count("http") == 1  # the name of the language
    assert "prefers-color-scheme:dark" in text


@pytest.mark.parametrize("form", [Format.SVG, Format.PNG])
def test_a_picture_that_nobody_could_read_is_refused(form: Format) -> None:
    many = Diagram(subject="pipeline", title="", boxes=tuple(Box(name=f"{n}", title="") for n in range(BOXES_MAX + 1)))
    with pytest.raises(DiagramTooLargeError, match="--depth 1"):
        render(many, form)
    assert len(json.loads(render(many, Format.JSON))["boxes"]) == BOXES_MAX + 1


def test_the_title_of_a_frame_is_cut_to_its_width() -> None:
    wide = "a very long title of a frame that holds one small box"
    some = Diagram(
        subject="pipeline",
        title="",
        boxes=(Box(name="a", title="a", frame="f"),),
        frames=(Frame(name="f", title=wide),),
    )
    root = Xml.fromstring(text_of(some, Format.SVG))  # noqa: S314  # it is our own
    shown = [each.text or "" for each in root.iter(f"{SVG}text")]
    (cut,) = [text for text in shown if text != "a"]
    assert cut.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert wide.startswith(cut[:-1])
    assert 3 < len(cut) < 15
