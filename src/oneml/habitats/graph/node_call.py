"""What ``node`` returns: called with inputs it gives a handle; its ports can be connected by edges as well."""

from collections.abc import Iterable, Sequence
from typing import Generic, ParamSpec, TypeVar, cast

from oneml.habitats.graph.definitions import Definition, Draft
from oneml.habitats.graph.edges import NodeInputs
from oneml.habitats.graph.feeding import feed
from oneml.habitats.graph.handles import Origin, origin_of, result_handle
from oneml.habitats.graph.outputs import NodeOutputs

P = ParamSpec("P")
R = TypeVar("R")


class NodeCall(Generic[P, R]):
    """A node that is defined; type checkers see its body's parameters and result."""

    __slots__ = ("_definition", "_draft")

    def __init__(self, draft: Draft, definition: Definition) -> None:
        self._draft = draft
        self._definition = definition

    @property
    def origin(self) -> Origin:
        """Where its result comes from."""
        return origin_of(result_handle(self._draft, self._definition))

    @property
    def inputs(self) -> NodeInputs:
        """Its inputs, as targets of edges."""
        return NodeInputs(self._draft, self._definition)

    @property
    def outputs(self) -> NodeOutputs:
        """Its outputs, as sources of edges."""
        return NodeOutputs(self._draft, self._definition)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Connect the inputs, and return what stands for the result.

        Args:
            *args: Inputs in the order of the body's parameters.
            **kwargs: Inputs by name: handles, gatherings, ``each(...)``, lists of handles, or plain values.

        Returns:
            A handle. Type checkers take it for the result.

        Raises:
            PipelineBuiltError: The plan is made already.
        """
        draft, definition = self._draft, self._definition
        draft.check_open()
        problems: list[str] = []
        if definition.called:
            problems.append(f'Node "{definition.path}" is called twice. Define a second node.')
        definition.called = True
        given: Iterable[tuple[str, object]] = kwargs.items()
        if args:
            given = (*self._named(args, problems), *given)
        for name, value in given:
            message = feed(draft, definition, name, value)
            if message is not None:
                problems.append(message)
        for problem in problems:
            draft.report(problem, draft.here(1), definition.path)
        return cast("R", result_handle(draft, definition))

    def _named(self, values: Sequence[object], problems: list[str]) -> Iterable[tuple[str, object]]:
        """Give positional inputs their names."""
        signature = self._definition.signature
        if signature is None:
            return ()
        names = signature.positional
        if len(values) > len(names):
            order = ", ".join(names) or "none"
            count = f"{len(names)} input{'s' * (len(names) != 1)} by position"
            problems.append(f'Node "{self._definition.path}" takes {count} ({order}), not {len(values)}.')
        return zip(names, values, strict=False)
