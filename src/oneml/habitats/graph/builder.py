"""The pipeline builder: what authors define a DAG with.

Packages of pipelines import this module, also on workers, which define nothing: all that it does is imported when the
first builder is made.
"""

from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast, overload

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from oneml.habitats.graph.drafting import Drafting
    from oneml.habitats.graph.edges import Edge
    from oneml.habitats.graph.included import Included
    from oneml.habitats.graph.node_call import NodeCall
    from oneml.habitats.graph.streams import Stream
    from oneml.habitats.ports.executables import Executables, Includable, ProviderOf
    from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSessionSettings
    from oneml.habitats.values.json_value import JsonValue
    from oneml.habitats.values.plan import Plan
    from oneml.habitats.values.problem import Problem

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

    __slots__ = ("_drafting",)

    def __init__(self, executables: "Executables", *, name: str) -> None:
        from oneml.habitats.graph.definitions import Draft  # noqa: PLC0415  # see the top of this module
        from oneml.habitats.graph.drafting import Drafting  # noqa: PLC0415  # the same
        from oneml.habitats.values.node_path import ROOT  # noqa: PLC0415  # the same

        self._drafting = Drafting(Draft(name=name, executables=executables), ROOT)

    @overload
    def node(
        self,
        name: str,
        provider: "ProviderOf[Callable[P, Coroutine[Any, Any, R]]]",
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> "NodeCall[P, R]": ...

    @overload
    def node(
        self,
        name: str,
        provider: "ProviderOf[Callable[P, Iterator[R]]]",
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> "NodeCall[P, Stream[R]]": ...

    @overload
    def node(
        self,
        name: str,
        provider: "ProviderOf[Callable[P, AsyncIterator[R]]]",
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> "NodeCall[P, Stream[R]]": ...

    @overload
    def node(
        self,
        name: str,
        provider: "ProviderOf[Callable[P, R]]",
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> "NodeCall[P, R]": ...

    def node(
        self,
        name: str,
        provider: object,
        *,
        after: Sequence[object] = (),
        settings: "PipelineNodeSettings | Mapping[str, JsonValue] | None" = None,
    ) -> "NodeCall[Any, Any]":
        """Add a node.

        Args:
            name: Its name in this namespace.
            provider: Gives its body, where the node runs: a callable whose annotated parameters are the inputs and
                whose annotated result is the outputs, one for each field of a NamedTuple or TypedDict.
            after: Nodes before it without data: handles, or what `node` returned. A fan-out means all its members.
            settings: Defaults of its settings; they stand above session values.

        Returns:
            The node, to be called once with its inputs, or connected by edges.

        Raises:
            PipelineBuiltError: The plan is made already.
        """
        return self._drafting.node(name, provider, after, settings)

    def namespace(self, name: str) -> Self:
        """Return a view of this builder whose nodes lie in the namespace ``name`` below this one.

        Inputs and outputs of the pipeline belong to no namespace: those of a view are those of the whole.
        """
        return self._view(self._drafting.namespace(name))

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
        return cast("V", self._drafting.each(values))

    def gather(self, result: V) -> list[V]:
        """Collect the results of a fan-out, or one output of them, into one list in the order of its values.

        A node fed by a fan-out without this fans out along with it, member by member.
        """
        return cast("list[V]", self._drafting.gather(result))

    def input(self, name: str, form: "TypeForm[T]", *, required: bool = True) -> T:
        """Declare an input of the pipeline, given when a session is created.

        Args:
            name: Its name.
            form: The type of its value.
            required: Whether a session needs it. One that may be absent feeds inputs with a default alone.

        Returns:
            A handle. Type checkers take it for the value.
        """
        return cast("T", self._drafting.input(name, form, required=required))

    def output(self, name: str, value: object) -> None:
        """Declare an output of the pipeline.

        Args:
            name: Its name.
            value: The handle of a result, of one output of it, or a gathering.
        """
        self._drafting.output(name, value)

    def include(
        self,
        name: str,
        habitat: "type[Includable] | str",
        *,
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        inputs: Mapping[str, object] | None = None,
        outputs: Mapping[str, str] | None = None,
        without: Collection[str] = (),
    ) -> "Included":
        """Include another habitat: its DAG in a namespace of its own, its container beside this one.

        It keeps its providers, scopes and settings model, and shares the session. What it declares by `input` and
        `output` are the ports of what this returns: ``included.inputs.name``, ``included.outputs.name``.

        Args:
            name: The namespace in this one, which nothing else may use.
            habitat: Its container class, or the name of a habitat.
            settings: Of it, reserved and own fields side by side: above its defaults, files and environment, below
                what a session sets for the namespace.
            inputs: What feeds its inputs, by their names; more can be connected later.
            outputs: Outputs of it that become outputs of this pipeline: the name here by the name there.
            without: Inputs that shall stay without a value, and outputs that nobody may use.

        Raises:
            PipelineBuiltError: The plan is made already.
        """
        return self._drafting.include(
            name, habitat, self._view, settings=settings, inputs=inputs or {}, outputs=outputs or {}, without=without
        )

    def connect(self, *edges: "Edge") -> None:
        """Add edges: ``source >> node.inputs.name`` or ``node.inputs.name << source``."""
        self._drafting.connect(edges)

    @property
    def problems(self) -> "Sequence[Problem]":
        """What is wrong so far, in the order of files and lines; `build` finds the rest."""
        return self._drafting.problems()

    @property
    def input_forms(self) -> Mapping[str, object]:
        """The annotation of each declared input of the pipeline, by name."""
        return self._drafting.input_forms()

    def build(self) -> "Plan":
        """Check everything and return the plan, once; of a view, that of the whole pipeline.

        Raises:
            InvalidPipelineError: Something is wrong; every problem is listed.
            PipelineBuiltError: It was called before.
        """
        return self._drafting.build()

    @classmethod
    def _view(cls, drafting: "Drafting") -> Self:
        self = cls.__new__(cls)
        self._drafting = drafting
        return self
