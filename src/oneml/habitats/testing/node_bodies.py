"""Runs the body of one node with inputs that a test gives, both checked against the annotations of the body."""

from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import NamedTuple

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.files import File, Folder
from oneml.habitats.data.serializers.json import from_json_value
from oneml.habitats.data.streams import YieldedItems
from oneml.habitats.errors import InvalidInputsError, UnknownNodeError, WrongResultError
from oneml.habitats.graph.forms import form_text
from oneml.habitats.graph.signature import BodySignature, body_signature
from oneml.habitats.graph.streams import is_stream, item_form
from oneml.habitats.habitats.executables import executable_of
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.clock import SystemClock
from oneml.habitats.sessions.external_inputs import check_named, checked_value
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.sessions.node_runner import NodeRunner
from oneml.habitats.sessions.preparation import Prepared
from oneml.habitats.sessions.results import assemble_result
from oneml.habitats.stores.memory import MemoryArtifactStore
from oneml.habitats.values.node_path import NodePath, parse_node_path
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.plan import SINGLE_PORT, LiteralSource, PlannedNode
from oneml.habitats.values.session_id import SessionId
from oneml.habitats.values.suggestions import known_names


class NodeBodies:
    """The bodies of the nodes of a pipeline that is opened for a test.

    Args:
        prepared: The pipeline.
        service: Creates the sessions that bodies ask for.
    """

    def __init__(self, prepared: Prepared, service: PipelineServiceClient) -> None:
        self._service = service
        self._habitat = prepared.entry.name
        self._components = prepared.components
        self._settings = prepared.settings
        self._plan = prepared.plan

    def node(self, path: NodePath) -> PlannedNode:
        """Return a node.

        Raises:
            UnknownNodeError: The pipeline has none of that path.
        """
        node = self._plan.nodes.get(path)
        if node is None:
            raise UnknownNodeError(node=path, known=self._plan.fan_outs.get(path) or list(self._plan.nodes))
        return node

    def run(self, path: str, inputs: Mapping[str, object], form: object) -> object:
        """Run the body of a node, and return what it returns; see `RunNode`.

        Args:
            path: The node.
            inputs: What the body takes, by name.
            form: The type of the result.
        """
        node = self.node(parse_node_path(path))
        check_named(f"{self._habitat} {node.path}", inputs)
        executable = executable_of(self._components, node.provider)
        signature = body_signature(executable.call, bound=executable.bound)
        store = MemoryArtifactStore()
        client = DataClient(store)
        session_id = SessionId(self._components.session_id)
        runner = NodeRunner(
            habitat=self._habitat,
            session_id=session_id,
            revision=0,
            nodes=self,
            components=self._components,
            settings_of=lambda path: self._settings.node(path, self._plan.node_settings.get(path, {})),
            signature_of=lambda _: signature,
            attempts=AttemptLog(store, session_id),
            inputs=_Given(self._habitat, inputs),
            client=client,
            memory={},
            reuse_key_of=lambda _: None,
            secrets=self._settings.secret_texts,
            interrupts=Interrupts(),
            clock=SystemClock(),
            service=self._service,
        )
        kept = runner.rehearse(node.path, lambda ports: _kept(client, node, ports))
        return _result(node, signature, {port: _taken(client, node, one) for port, one in kept.items()}, form)


class _Given:
    """The arguments of the one body that is run."""

    def __init__(self, habitat: str, inputs: Mapping[str, object]) -> None:
        self._habitat = habitat
        self._inputs = inputs

    def check(self, node: PlannedNode) -> None:
        """Let it pass: nothing has to run before it."""

    def load(self, node: PlannedNode, signature: BodySignature) -> dict[str, object]:
        """Return what was given, and the plain values that the pipeline feeds.

        Raises:
            InvalidInputsError: Something is unknown, missing or not of its type; lists all.
        """
        problems = [
            f'There is no input "{name}". {known_names(name, signature.inputs)}'
            for name in self._inputs
            if name not in signature.inputs
        ]
        arguments: dict[str, object] = {}
        for name, port in signature.inputs.items():
            source = node.inputs.get(name)
            if name in self._inputs:
                try:
                    arguments[name] = checked_value(self._inputs[name], port.form)
                except (TypeError, ValueError) as error:
                    problems.append(f'Input "{name}" takes {form_text(port.form)}: {error}')
            elif isinstance(source, LiteralSource):
                arguments[name] = from_json_value(source.json, port.form)
            elif port.required:
                problems.append(f'Input "{name}" ({form_text(port.form)}) is missing. Give inputs={{"{name}": ...}}.')
        if problems:
            raise InvalidInputsError(habitat=f"{self._habitat} {node.path}", problems=problems)
        return arguments


def _kept(client: DataClient, node: PlannedNode, ports: Mapping[str, object]) -> Mapping[str, object]:
    """Return what a node gives in a form that outlives it: all that it yields, and the content of its files."""

    def stored(port: str, value: object) -> object:
        return client.publish(node.path, port, value) if isinstance(value, File | Folder) else value

    return {
        port: _Items([stored(port, item) for item in value.items])
        if isinstance(value, YieldedItems)
        else stored(port, value)
        for port, value in ports.items()
    }


class _Items(NamedTuple):
    """All that a node yields."""

    items: Sequence[object]


def _taken(client: DataClient, node: PlannedNode, value: object) -> object:
    if isinstance(value, _Items):
        return [_taken(client, node, item) for item in value.items]
    if isinstance(value, PortRecord):
        return client.load(value, object, what=f"what {node.path} returned")
    return value


def _result(node: PlannedNode, signature: BodySignature, ports: Mapping[str, object], form: object) -> object:
    """Return the result as a whole, once its ports are of their types.

    Raises:
        WrongResultError: They are not, or the result is not of ``form``.
    """
    for port, value in ports.items():
        form_of_port = signature.outputs.get(port, object)
        if is_stream(form_of_port):
            form_of_port = GenericAlias(list, (item_form(form_of_port),))
        _check_type(node, value, form_of_port, "" if port == SINGLE_PORT else f"{port}: ")
    result = ports.get(SINGLE_PORT) if signature.whole is None else assemble_result(signature.whole, ports)
    _check_type(node, result, form, "")
    return result


def _check_type(node: PlannedNode, value: object, form: object, name: str) -> None:
    try:
        checked_value(value, form)
    except (TypeError, ValueError) as error:
        got = f"{name}{type(value).__qualname__} ({error})"
        raise WrongResultError(node=node.path, promised=f"{name}{form_text(form)}", got=got) from error
