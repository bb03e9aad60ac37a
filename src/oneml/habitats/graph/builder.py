"""The pipeline builder: what authors define a DAG with."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast, overload

from typing_extensions import TypeForm

from oneml.habitats.graph.axes import axis_of
from oneml.habitats.graph.declarations import admits, body_at, entries_of, paths_of, unusable
from oneml.habitats.graph.definitions import (
    BROKEN,
    Axis,
    DeclaredInput,
    DeclaredOutput,
    Definition,
    Draft,
    Gathered,
    NoResult,
)
from oneml.habitats.graph.edges import Edge
from oneml.habitats.graph.feeding import feed, origin_in
from oneml.habitats.graph.forms import list_of
from oneml.habitats.graph.handles import Handle, broken_handle, subject_of
from oneml.habitats.graph.literals import kind_of
from oneml.habitats.graph.node_call import NodeCall
from oneml.habitats.graph.planning import make_plan
from oneml.habitats.ports.executables import Executables, ProviderOf
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import ROOT, NodePath, join_path
from oneml.habitats.values.plan import ExternalSource, Plan, PortSource, WholeSource

if TYPE_CHECKING:
    from oneml.habitats.settings.models import PipelineNodeSettings

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")


class PipelineBuilder:
    """Defines the DAG of a pipeline: nodes, what feeds them, fan-outs, namespaces, inputs and outputs.

    Nothing raises where definition can go on: every problem is in the one report of `build`, with its file and line.

    Args:
        executables: Takes the provider of each node's body.
        name: Of the habitat, for messages.
    """

    __slots__ = ("_draft", "_namespace")

    def __init__(self, executables: Executables, *, name: str) -> None:
        self._draft = Draft(name=name, executables=executables)
        self._namespace = ROOT

    @overload
    def node(
        self,
        name: str,
        provider: ProviderOf[Callable[P, Coroutine[Any, Any, R]]],
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> NodeCall[P, R]: ...

    @overload
    def node(
        self,
        name: str,
        provider: ProviderOf[Callable[P, R]],
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> NodeCall[P, R]: ...

    def node(
        self,
        name: str,
        provider: object,
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> NodeCall[Any, Any]:
        """Add a node.

        Args:
            name: Its name in this namespace.
            provider: Gives its body, where the node runs: a callable whose annotated parameters are the inputs and
                whose annotated result is the outputs, one for each field of a NamedTuple or TypedDict.
            after: Nodes that come before it although no data flows: handles, or what `node` returned. A fan-out
                means all its members.
            settings: Defaults of its settings; they stand above session values.

        Returns:
            The node, to be called once with its inputs, or connected by edges.

        Raises:
            PipelineBuiltError: The plan is made already.
        """
        draft = self._draft
        draft.check_open()
        place = draft.here(1)
        path = join_path(self._namespace, name)
        is_admitted = admits(draft, name, path, place)
        definition = Definition(
            len(draft.definitions),
            path,
            body_at(draft, path, provider, place) if is_admitted else None,
            place,
            paths_of(draft, after, path, place) if after else (),
            None if settings is None else entries_of(draft, settings, path, place),
        )
        if is_admitted:
            draft.definitions.append(definition)
            draft.by_path[path] = definition
            draft.namespaces.add(self._namespace)
        return NodeCall(draft, definition)

    def namespace(self, name: str) -> Self:
        """Return a view of this builder whose nodes lie in the namespace ``name`` below this one.

        Inputs and outputs of the pipeline belong to no namespace: those of a view are those of the whole.
        """
        reason = unusable(name)
        if reason is not None:
            self._draft.report(f"Namespace {reason}", self._draft.here(1))
        return self._view(self._draft, join_path(self._namespace, name))

    @overload
    def each(self, values: Mapping[str, V]) -> V: ...

    @overload
    def each(self, values: Sequence[V]) -> V: ...

    def each(self, values: Mapping[str, V] | Sequence[V]) -> V:
        """Make one node for every value: give the result to a node as an input.

        The node becomes a fan-out: a namespace whose members are the indexes, or the keys of a mapping. Several
        ``each`` in one call make the cartesian product, the first varying slowest. The same one given to several
        inputs or nodes goes through its values once, in step.

        Args:
            values: At least one plain value: JSON, dataclasses, pydantic models, enums, tuples.
        """
        draft = self._draft
        draft.check_open()
        axis = axis_of(values)
        if isinstance(axis, str):
            draft.report(axis, draft.here(1))
            return cast("V", broken_handle(draft))
        return cast("V", Handle(draft, None, axis, Any))

    def gather(self, result: V) -> list[V]:
        """Collect the results of a fan-out, or one output of them, into one list in the order of its values.

        A node fed by a fan-out without this fans out along with it, member by member.
        """
        draft = self._draft
        draft.check_open()
        origin = origin_in(result)
        if origin is not None and origin.source is BROKEN:
            return cast("list[V]", result)
        if origin is None or not isinstance(origin.source, PortSource | WholeSource) or origin.draft is not draft:
            subject = kind_of(result) if origin is None else subject_of(origin)
            message = f"gather() takes the result of a fan-out of this pipeline, not {subject}."
            draft.report(message, draft.here(1))
            return cast("list[V]", broken_handle(draft))
        gathered = Handle(draft, origin.definition, Gathered(origin.source), list_of(origin.form))
        return cast("list[V]", gathered)

    def input(self, name: str, form: TypeForm[T], *, required: bool = True) -> T:
        """Declare an input of the pipeline, given when a session is created.

        Args:
            name: Its name.
            form: The type of its value.
            required: Whether a session needs it. One that may be absent feeds inputs with a default alone.

        Returns:
            A handle. Type checkers take it for the value.
        """
        draft = self._draft
        draft.check_open()
        place = draft.here(1)
        reason = unusable(name)
        if reason is not None:
            draft.report(f"Input {reason}", place)
        elif name in draft.inputs:
            draft.report(f'Input "{name}" is declared twice; first at {draft.inputs[name].place}.', place)
        else:
            draft.inputs[name] = DeclaredInput(form, required, place)
            return cast("T", Handle(draft, None, ExternalSource(name), form))
        return cast("T", broken_handle(draft))

    def output(self, name: str, value: object) -> None:
        """Declare an output of the pipeline.

        Args:
            name: Its name.
            value: The handle of a result, of one output of it, or a gathering.
        """
        draft = self._draft
        draft.check_open()
        place = draft.here(1)
        reason = unusable(name)
        if reason is not None:
            draft.report(f"Output {reason}", place)
        elif name in draft.outputs:
            draft.report(f'Output "{name}" is declared twice; first at {draft.outputs[name].place}.', place)
        origin = origin_in(value)
        source = None if origin is None else origin.source
        if origin is None or origin.draft is not draft or isinstance(source, Axis | ExternalSource | NoResult):
            subject = kind_of(value) if origin is None else subject_of(origin)
            draft.report(f'Output "{name}" takes a result of a node of this pipeline, not {subject}.', place)
        elif isinstance(source, PortSource | WholeSource | Gathered):
            draft.outputs.setdefault(name, DeclaredOutput(source, place))

    def connect(self, *edges: Edge) -> None:
        """Add edges: ``source >> node.inputs.name`` or ``node.inputs.name << source``."""
        draft = self._draft
        draft.check_open()
        for edge in edges:
            if not isinstance(edge, Edge):  # pyright: ignore[reportUnnecessaryIsInstance]  # authors without a checker
                message = f"connect() takes edges, source >> node.inputs.name, not {kind_of(edge)}."
                draft.report(message, draft.here(1))
                continue
            target = edge.target
            if target.draft is not draft:
                draft.report(f'Input "{target.name}" belongs to another pipeline.', edge.place)
            elif target.definition is not None:
                message = feed(draft, target.definition, target.name, edge.source)
                if message is not None:
                    draft.report(message, edge.place, target.definition.path)

    @property
    def input_forms(self) -> Mapping[str, object]:
        """The annotation of each declared input of the pipeline, by name."""
        return {name: declared.form for name, declared in self._draft.inputs.items()}

    def build(self) -> Plan:
        """Check everything and return the plan, once; of a view, that of the whole pipeline.

        Raises:
            InvalidPipelineError: Something is wrong; every problem is listed.
            PipelineBuiltError: It was called before.
        """
        self._draft.check_open()
        return make_plan(self._draft)

    @classmethod
    def _view(cls, draft: Draft, namespace: NodePath) -> Self:
        self = cls.__new__(cls)
        self._draft = draft
        self._namespace = namespace
        return self
