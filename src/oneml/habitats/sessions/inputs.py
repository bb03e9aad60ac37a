"""Loads what a node's body takes, from the places that the plan names."""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.serializers.json import from_json_value
from oneml.habitats.errors import InputsMissingError
from oneml.habitats.graph.signature import BodySignature
from oneml.habitats.graph.streams import is_read_once
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.results import assemble_result, element_form, field_forms, has_fields, is_tuple_form
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import (
    ExternalSource,
    GatherSource,
    InputSource,
    LiteralSource,
    PlannedNode,
    PortSource,
    WholeSource,
)


class InputLoader:
    """Loads inputs for the nodes of one session.

    Args:
        client: Decodes artifacts.
        attempts: Knows what was committed.
        external: Where the inputs of the pipeline are, by name.
        memory: Outputs that stay in this process, by node and port.
        result_type: Gives the class behind the name of a NamedTuple or TypedDict result, by node.
    """

    def __init__(
        self,
        *,
        client: DataClient,
        attempts: AttemptLog,
        external: Mapping[str, PortRecord],
        memory: Mapping[NodePath, Mapping[str, object]],
        result_type: Callable[[NodePath], object],
    ) -> None:
        self._client = client
        self._attempts = attempts
        self._external = external
        self._memory = memory
        self._result_type = result_type

    def check(self, node: PlannedNode) -> None:
        """Let pass a node before which everything has run that must.

        Raises:
            InputsMissingError: Nodes upstream have published nothing yet.
        """
        missing = {path for path in node.upstreams() if path not in self._memory and not self._attempts.committed(path)}
        if missing:
            raise InputsMissingError(node=node.path, missing=sorted(missing))

    def load(self, node: PlannedNode, signature: BodySignature) -> dict[str, object]:
        """Return the arguments of the body by name; optional inputs that nothing feeds are absent.

        Raises:
            CorruptArtifactError: An artifact is not what was published.
            DeserializationError: A value is not of the type that the body takes.
        """
        arguments: dict[str, object] = {}
        for name, source in node.inputs.items():
            if type(source) is PortSource:
                in_memory = self._memory.get(source.node)
                if in_memory is not None:
                    value = in_memory[source.port]
                    once = name in signature.read_once
                    arguments[name] = iter(cast("Iterable[object]", value)) if once else value
                    continue
            elif type(source) is ExternalSource and source.name not in self._external:
                continue
            port = signature.inputs.get(name)
            form: object = object if port is None else port.form
            arguments[name] = self._resolve(source, form, f'input "{name}" of {node.path}')
        return arguments

    def _resolve(self, source: InputSource, form: object, what: str) -> object:
        if isinstance(source, PortSource):
            return self._port(source.node, source.port, form, what)
        if isinstance(source, LiteralSource):
            return from_json_value(source.json, form)
        if isinstance(source, ExternalSource):
            return self._client.load(self._external[source.name], form, what=what)
        if isinstance(source, WholeSource):
            return self._whole(source, form, what)
        return self._gathered(source, form, what)

    def _gathered(self, source: GatherSource, form: object, what: str) -> object:
        of_items = element_form(form)
        items = [self._resolve(item, of_items, what) for item in source.items]
        return tuple(items) if is_tuple_form(form) else items

    def _whole(self, source: WholeSource, form: object, what: str) -> object:
        result = form if has_fields(form) else self._result_type(source.node)
        forms = field_forms(result)
        in_memory = self._memory.get(source.node)
        ports = self._attempts_ports(source.node) if in_memory is None else in_memory
        return assemble_result(
            result, {port: self._port(source.node, port, forms.get(port, object), what) for port in ports}
        )

    def _port(self, node: NodePath, port: str, form: object, what: str) -> object:
        in_memory = self._memory.get(node)
        if in_memory is not None:
            value = in_memory[port]
            return iter(cast("Iterable[object]", value)) if is_read_once(form) else value
        return self._client.load(self._attempts_ports(node)[port], form, what=f"{what}, from {node}.{port}")

    def _attempts_ports(self, node: NodePath) -> Mapping[str, PortRecord]:
        commit = self._attempts.committed(node)
        return {} if commit is None else commit.ports
