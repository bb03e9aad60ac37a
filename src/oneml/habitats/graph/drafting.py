"""What the pipeline builder does with what authors say, call by call."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
    IncludedPipeline,
    Intake,
    NoResult,
    Slot,
)
from oneml.habitats.graph.edges import Edge
from oneml.habitats.graph.feeding import feed, origin_in
from oneml.habitats.graph.forms import list_of
from oneml.habitats.graph.handles import Handle, broken_handle, subject_of
from oneml.habitats.graph.included import Included
from oneml.habitats.graph.inclusion import admits_include, habitat_at, names_in, ports_in, take_interface
from oneml.habitats.graph.literals import kind_of
from oneml.habitats.graph.node_call import NodeCall
from oneml.habitats.graph.planning import by_place, make_plan
from oneml.habitats.ports.executables import Executables
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import ROOT, NodePath, join_path
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import ExternalSource, Plan, PortSource, WholeSource
from oneml.habitats.values.problem import Problem

if TYPE_CHECKING:
    from oneml.habitats.settings.models import PipelineNodeSettings


class Drafting:
    """A draft, seen from one namespace of it. Every method is called by the builder's method of the same name.

    Args:
        draft: What was said so far.
        namespace: Where nodes are added.
        included: The included pipeline that is defined; None for the outermost one.
    """

    __slots__ = ("_draft", "_included", "_namespace")

    def __init__(self, draft: Draft, namespace: NodePath, included: IncludedPipeline | None = None) -> None:
        self._draft = draft
        self._namespace = namespace
        self._included = included

    def node(
        self,
        name: str,
        provider: object,
        after: Sequence[object],
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None",
    ) -> NodeCall[Any, Any]:
        """Add a node."""
        draft = self._draft
        draft.check_open()
        place = draft.here(2)
        path = join_path(self._namespace, name)
        is_admitted = admits(draft, name, path, place)
        definition = Definition(
            len(draft.definitions),
            path,
            body_at(draft, self._executables, path, provider, place) if is_admitted else None,
            place,
            paths_of(draft, after, path, place),
            None if settings is None else entries_of(draft, settings, path, place),
            self._owner,
        )
        if is_admitted:
            draft.definitions.append(definition)
            draft.by_path[path] = definition
            draft.namespaces.add(self._namespace)
        return NodeCall(draft, definition)

    def namespace(self, name: str) -> "Drafting":
        """Return the same draft, seen from a namespace below this one."""
        reason = unusable(name)
        if reason is not None:
            self._draft.report(f"Namespace {reason}", self._draft.here(2))
        return Drafting(self._draft, join_path(self._namespace, name), self._included)

    def each(self, values: Mapping[str, object] | Sequence[object]) -> object:
        """Declare the values of a fan-out."""
        draft = self._draft
        draft.check_open()
        axis = axis_of(values)
        if isinstance(axis, str):
            draft.report(axis, draft.here(2))
            return broken_handle(draft)
        axis.owner = self._owner
        return Handle(draft, None, axis, Any)

    def gather(self, result: object) -> object:
        """Collect the results of a fan-out."""
        draft = self._draft
        draft.check_open()
        origin = origin_in(result)
        if origin is not None and origin.source is BROKEN:
            return result
        if origin is None or not isinstance(origin.source, PortSource | WholeSource) or origin.draft is not draft:
            subject = kind_of(result) if origin is None else subject_of(origin)
            message = f"gather() takes the result of a fan-out of this pipeline, not {subject}."
            draft.report(message, draft.here(2))
            return broken_handle(draft)
        return Handle(draft, origin.definition, Gathered(origin.source, self._owner), list_of(origin.form))

    def input(self, name: str, form: object, *, required: bool) -> object:
        """Declare an input of the pipeline."""
        draft = self._draft
        draft.check_open()
        place = draft.here(2)
        included = self._included
        inputs = draft.inputs if included is None else included.inputs
        if not self._admits_port("Input", name, inputs, place, "Take one of them out."):
            return broken_handle(draft)
        inputs[name] = DeclaredInput(form, required, place)
        source = ExternalSource(name) if included is None else Slot(included.path, name)
        return Handle(draft, None, source, form)

    def output(self, name: str, value: object) -> None:
        """Declare an output of the pipeline."""
        self._draft.check_open()
        self._output(name, value, self._draft.here(2))

    def _output(self, name: str, value: object, place: Place) -> None:
        draft = self._draft
        included = self._included
        outputs = draft.outputs if included is None else included.outputs
        self._admits_port("Output", name, outputs, place, "Rename one of them.")
        origin = origin_in(value)
        source = None if origin is None else origin.source
        if origin is None or origin.draft is not draft or isinstance(source, Axis | ExternalSource | NoResult | Slot):
            subject = kind_of(value) if origin is None else subject_of(origin)
            draft.report(f'Output "{name}" takes a result of a node of this pipeline, not {subject}.', place)
        elif isinstance(source, PortSource | WholeSource | Gathered):
            outputs.setdefault(name, DeclaredOutput(source, place, origin))

    def _admits_port(
        self, what: str, name: str, declared: Mapping[str, DeclaredInput | DeclaredOutput], place: Place, remedy: str
    ) -> bool:
        """Tell whether the pipeline can have such a port; why it cannot is reported."""
        reason = unusable(name)
        if reason is not None:
            self._draft.report(f"{what} {reason}", place)
        elif name in declared:
            self._draft.report(f'{what} "{name}" is declared twice; first at {declared[name].place}. {remedy}', place)
        else:
            return True
        return False

    def include(
        self,
        name: str,
        habitat: object,
        view: "Callable[[Drafting], object]",
        *,
        settings: object,
        inputs: Mapping[str, object],
        outputs: Mapping[str, str],
        without: Collection[str],
    ) -> Included:
        """Let another habitat define its part of the DAG in a namespace of its own."""
        draft = self._draft
        draft.check_open()
        place = draft.here(2)
        path = join_path(self._namespace, name)
        taken = not admits_include(draft, name, path, place)
        found = None if taken else habitat_at(self._executables, draft, path, habitat, settings, place)
        intake = Intake(path, place, self._owner)
        if found is None:
            return Included(draft, None, intake)
        pipeline = IncludedPipeline(path=path, name=found.name, executables=found.executables, intake=intake)
        draft.included[path] = pipeline
        found.define(view(Drafting(draft, path, pipeline)))
        take_interface(draft, pipeline, names_in(draft, pipeline, without))
        for port, value in ports_in(draft, pipeline, "inputs", inputs).items():
            message = feed(draft, pipeline.intake, port, value)
            if message is not None:
                draft.report(message, place, path)
        included = Included(draft, pipeline, intake)
        for port, own in ports_in(draft, pipeline, "outputs", outputs).items():
            self._output(own, included.output(port, place), place)
        return included

    @property
    def _owner(self) -> NodePath:
        return ROOT if self._included is None else self._included.path

    @property
    def _executables(self) -> Executables:
        return self._draft.executables if self._included is None else self._included.executables

    def connect(self, edges: Sequence[Edge]) -> None:
        """Add edges."""
        draft = self._draft
        draft.check_open()
        for edge in edges:
            if not isinstance(edge, Edge):  # pyright: ignore[reportUnnecessaryIsInstance]  # authors without a checker
                message = f"connect() takes edges, source >> node.inputs.name, not {kind_of(edge)}."
                draft.report(message, draft.here(2))
                continue
            target = edge.target
            if target.draft is not draft:
                draft.report(f'Input "{target.name}" belongs to another pipeline.', edge.place)
            elif target.definition is not None:
                message = feed(draft, target.definition, target.name, edge.source)
                if message is not None:
                    draft.report(message, edge.place, target.definition.path)

    def problems(self) -> Sequence[Problem]:
        """Return what is wrong so far, in the order of files and lines."""
        return sorted(self._draft.problems, key=by_place)

    def input_forms(self) -> Mapping[str, object]:
        """Return the annotation of each declared input."""
        return {name: declared.form for name, declared in self._draft.inputs.items()}

    def build(self) -> Plan:
        """Check everything and return the plan."""
        self._draft.check_open()
        return make_plan(self._draft)
