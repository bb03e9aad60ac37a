"""What nodes published, in the forms in which a command line shows it."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.cli.printing import LINE_MAX_CHARACTERS
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import GatherSource, InputSource, Plan, PortSource, WholeSource

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

TEXT, JSON = "text", "json"
SHOWN_MAX_BYTES = 1 << 20
"""Larger values are not read to show the outputs of a pipeline after a run."""


class Published(NamedTuple):
    """One output of one node.

    Attributes:
        node: The node.
        port: Its port.
        record: Where it lies; None where it stays in the memory of this process.
        value: The value, as far as it is a text or has a form in JSON; else None.
        has_value: Whether it has.
    """

    node: NodePath
    port: str
    record: PortRecord | None
    value: JsonValue
    has_value: bool

    def fields(self) -> JsonObject:
        """Return it as members of a document; nothing in them varies between runs that compute the same."""
        record = self.record
        return {
            "serializer": None if record is None else record.serializer,
            "digest": None if record is None else record.digest,
            "size": None if record is None else record.size,
            "value": self.value,
        }

    def line(self, session_id: str) -> str:
        """Return it in one line for a person; what is no text is told by its size and how to get it."""
        if self.has_value:
            text = self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)
            if len(text) <= LINE_MAX_CHARACTERS and "\n" not in text:
                return text
        if self.record is None:
            return "kept in memory, gone when this process ends"
        how = f"oneml output {session_id} {self.node} {self.port}"
        return f"{self.record.serializer}, {self.record.size} B: {how}"


def published(session: "PipelineSession", path: NodePath, port: str, *, read_max_bytes: int | None = None) -> Published:
    """Return what a node published on a port.

    Args:
        session: The session.
        path: The node.
        port: Its port.
        read_max_bytes: Larger values are not read; None where every one is.

    Raises:
        OnemlError: There is no such output, or it cannot be read.
    """
    record = session.ports(path).get(port)
    if record is not None:
        too_large = read_max_bytes is not None and record.size > read_max_bytes
        if record.serializer not in {TEXT, JSON} or too_large:
            return Published(path, port, record, None, has_value=False)
    value, has_value = _json_form(session.output(path, port))
    return Published(path, port, record, value, has_value)


def pipeline_outputs(session: "PipelineSession", done: Collection[NodePath]) -> Mapping[str, Sequence[Published]]:
    """Return the outputs of the pipeline that come from nodes in ``done``, by name; a gathered one is several."""
    plan = session.plan
    return {
        name: [
            published(session, path, port, read_max_bytes=SHOWN_MAX_BYTES)
            for path, port in _ports(source, plan)
            if path in done
        ]
        for name, source in plan.outputs.items()
    }


def _ports(source: InputSource, plan: Plan) -> Iterator[tuple[NodePath, str]]:
    if isinstance(source, PortSource):
        yield source.node, source.port
    elif isinstance(source, WholeSource):
        for port in plan.nodes[source.node].outputs:
            yield source.node, port
    elif isinstance(source, GatherSource):
        for item in source.items:
            yield from _ports(item, plan)


def _json_form(value: object) -> tuple[JsonValue, bool]:
    """Return the form of a value in JSON, and whether it has one; NaN and the infinities become texts."""
    from oneml.habitats.data.json_encoding import encode_json  # noqa: PLC0415  # only where there is a value to show

    try:
        data = encode_json(value)
    except UnwritableError:
        return None, False
    return json.loads(data, parse_constant=str), True
