"""Plans as documents, and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import canonical_json, strict_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import (
    ExternalInput,
    ExternalSource,
    GatherSource,
    LiteralSource,
    Plan,
    PlannedNode,
    PortSource,
    WholeSource,
)
from oneml.habitats.values.plan_json import (
    plan_from_json,
    plan_header_to_json,
    planned_node_from_json,
    planned_node_to_json,
    shown_to_json,
)

SEGMENTS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,8}", fullmatch=True)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda segments: NodePath("//" + "/".join(segments)))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
RESULTS = st.builds(PortSource, PATHS, SEGMENTS) | st.builds(WholeSource, PATHS)
SOURCES = st.one_of(
    RESULTS,
    st.builds(ExternalSource, SEGMENTS),
    st.builds(LiteralSource, JSON),
    st.builds(GatherSource, st.lists(RESULTS, max_size=4).map(tuple)),
)
NODES = st.builds(
    PlannedNode,
    path=PATHS,
    provider=SEGMENTS,
    inputs=st.dictionaries(SEGMENTS, SOURCES, max_size=4),
    outputs=st.lists(SEGMENTS, unique=True, max_size=3).map(lambda ports: tuple(sorted(ports))),
    whole=st.none() | st.just("package.module:Parts"),
    after=st.lists(PATHS, max_size=3).map(tuple),
    label=TEXTS,
    fan_out=st.none() | PATHS,
    place=st.none() | st.builds(Place, TEXTS, st.integers(1, 10**6)),
)


def through_bytes(value: Any) -> Any:
    return strict_json(canonical_json(value), what="plan", limit_bytes=10**7)


@given(NODES)
def test_a_node_survives_its_document(node: PlannedNode) -> None:
    assert (
        planned_node_from_json(
            through_bytes(planned_node_to_json(node)), through_bytes(shown_to_json(node)), what="plan"
        )
        == node
    )


@given(
    nodes=st.lists(NODES, max_size=4, unique_by=lambda node: node.path),
    inputs=st.dictionaries(SEGMENTS, st.tuples(TEXTS, st.booleans()), max_size=3),
    outputs=st.dictionaries(SEGMENTS, SOURCES, max_size=3),
    fan_outs=st.dictionaries(PATHS, st.lists(PATHS, max_size=3).map(tuple), max_size=3),
)
def test_a_plan_survives_its_documents(nodes: Any, inputs: Any, outputs: Any, fan_outs: Any) -> None:
    plan = Plan(
        nodes={node.path: node for node in nodes},
        inputs={name: ExternalInput(name, *one) for name, one in inputs.items()},
        outputs=outputs,
        fan_outs=fan_outs,
    )
    shuffled = {node.path: node for node in sorted(nodes, key=lambda node: node.path)}
    read = plan_from_json(through_bytes(plan_header_to_json(plan)), nodes=shuffled, node_settings={}, what="plan")
    assert read == plan
    assert list(read.nodes) == list(plan.nodes)


SOUND: dict[str, Any] = {
    "path": "//b",
    "provider": "b",
    "inputs": {"x": {"port": ["//a", "output"]}},
    "outputs": ["output"],
    "after": ["//c"],
}
SHOWN: dict[str, Any] = {"place": ["file.py", 3]}


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("path", None),
        ("path", "b"),
        ("path", "//../b"),
        ("provider", 3),
        ("inputs", []),
        ("inputs", {"x": {}}),
        ("inputs", {"x": {"port": ["//a"]}}),
        ("inputs", {"x": {"port": ["//a", 3]}}),
        ("inputs", {"x": {"port": ["a", "output"]}}),
        ("inputs", {"x": {"whole": "//a", "literal": 3}}),
        ("inputs", {"x": {"gather": [{"literal": 3}]}}),
        ("inputs", {"x": {"external": None}}),
        ("outputs", "output"),
        ("outputs", [3]),
        ("whole", 3),
        ("after", [["//c"]]),
        ("label", 3),
        ("fan_out", "a"),
        ("place", ["file.py", True]),
        ("place", ["file.py"]),
    ],
)
def test_a_document_of_another_shape_is_refused(key: str, wrong: object) -> None:
    assert planned_node_from_json(SOUND, SHOWN, what="plan").path == "//b"
    altered = [{**SOUND, key: wrong}, SHOWN] if key not in {"label", "place"} else [SOUND, {**SHOWN, key: wrong}]
    with pytest.raises(InvalidDocumentError, match="The plan cannot be read"):
        planned_node_from_json(*altered, what="plan")


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("schema", "oneml.plan/9"),
        ("order", []),
        ("order", ["//b", "//b"]),
        ("inputs", {"x": ["int"]}),
        ("outputs", {"x": {"port": "//b"}}),
        ("fan_outs", {"b": []}),
    ],
)
def test_a_header_of_another_shape_is_refused(key: str, wrong: object) -> None:
    node = planned_node_from_json(SOUND, SHOWN, what="plan")
    header = plan_header_to_json(Plan(nodes={node.path: node}))
    with pytest.raises(InvalidDocumentError):
        plan_from_json({**header, key: wrong}, nodes={node.path: node}, node_settings={}, what="plan")  # type: ignore[dict-item]


@given(NODES)
def test_the_upstreams_of_a_node_are_all_that_it_names(node: PlannedNode) -> None:
    named = {*node.after}
    for source in node.inputs.values():
        items = source.items if isinstance(source, GatherSource) else (source,)
        named.update(item.node for item in items if isinstance(item, PortSource | WholeSource))
    assert set(node.upstreams()) == named
