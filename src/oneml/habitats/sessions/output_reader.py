"""Reads what nodes of a session published."""

from collections.abc import Callable, Mapping

from oneml.habitats.data.client import DataClient
from oneml.habitats.errors import NoOutputError, UnknownPortError
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import ExternalSource, GatherSource, InputSource, LiteralSource, PlannedNode, PortSource

NodeMemory = Mapping[NodePath, Mapping[str, object]]


class OutputReader:
    """Outputs of one session, whether they lie in the artifact store or stay in this process.

    Args:
        attempts: Knows what was committed.
        client: Gives what decodes artifacts; asked only when there is something to decode.
        memory: Gives the outputs that stay in this process.
        node: Gives a node of the plan.
        why_not: Says why a node has no output.
    """

    def __init__(
        self,
        *,
        attempts: AttemptLog,
        client: Callable[[], DataClient],
        memory: Callable[[], NodeMemory],
        node: Callable[[NodePath], PlannedNode],
        why_not: Callable[[NodePath], str],
    ) -> None:
        self._attempts = attempts
        self._client = client
        self._memory = memory
        self._node = node
        self._why_not = why_not

    def records(self, path: NodePath) -> Mapping[str, PortRecord]:
        """Return where each output of a node is; empty where its outputs stay in memory.

        Raises:
            UnknownNodeError: The session has no such node.
            NoOutputError: It has published nothing; says why.
        """
        self._node(path)
        commit = self._attempts.committed(path)
        if commit is not None:
            return commit.ports
        if path in self._memory():
            return {}
        raise NoOutputError(node=path, reason=self._why_not(path))

    def read(self, path: NodePath, port: str | None, form: object) -> object:
        """Return what a node published on a port; see `PipelineSession.output`."""
        records = self.records(path)
        outputs = self._node(path).outputs
        if port is None and len(outputs) != 1:
            return {name: self._value(path, name, records, object) for name in outputs}
        wanted = outputs[0] if port is None else port
        if wanted not in outputs:
            raise UnknownPortError(node=path, port=wanted, known=outputs)
        return self._value(path, wanted, records, form)

    def of_source(self, source: InputSource) -> object:
        """Return the value behind an output of the pipeline."""
        if isinstance(source, GatherSource):
            return [self.of_source(item) for item in source.items]
        if isinstance(source, PortSource):
            return self.read(source.node, source.port, object)
        if isinstance(source, LiteralSource):
            return source.json
        if isinstance(source, ExternalSource):
            message = f"an output of the pipeline is its own input {source.name!r}"
            raise TypeError(message)
        return self.read(source.node, None, object)

    def _value(self, path: NodePath, port: str, records: Mapping[str, PortRecord], form: object) -> object:
        in_memory = self._memory().get(path)
        if in_memory is not None and not records:
            return in_memory[port]
        return self._client().load(records[port], form, what=f'output "{port}" of {path}')
