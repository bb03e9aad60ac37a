"""What ``include`` returns: the inputs and outputs of an included pipeline, by name."""

from collections.abc import Iterator
from typing import Any

from oneml.habitats.graph.definitions import Draft, IncludedPipeline, Intake
from oneml.habitats.graph.edges import NodeInputs
from oneml.habitats.graph.handles import Handle, broken_handle
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.place import Place
from oneml.habitats.values.suggestions import known_names


class Included:
    """An included pipeline.

    Args:
        draft: The pipeline that includes it.
        pipeline: What it is; None where it could not be included, and then every port is let pass.
        intake: What feeds its inputs.
    """

    __slots__ = ("_draft", "_intake", "_pipeline")

    def __init__(self, draft: Draft, pipeline: IncludedPipeline | None, intake: Intake) -> None:
        self._draft = draft
        self._pipeline = pipeline
        self._intake = intake

    @property
    def inputs(self) -> NodeInputs:
        """Its inputs, as targets of edges."""
        return NodeInputs(self._draft, self._intake)

    @property
    def outputs(self) -> "IncludedOutputs":
        """Its outputs: handles, which go wherever results of nodes go."""
        return IncludedOutputs(self)

    @property
    def draft(self) -> Draft:
        """The pipeline that includes it."""
        return self._draft

    def output(self, name: str, place: Place) -> Handle:
        """Return one of its outputs; note where it has none of that name."""
        pipeline = self._pipeline
        if pipeline is None:
            return broken_handle(self._draft)
        declared = pipeline.outputs.get(name)
        if declared is not None and name not in pipeline.dropped:
            return Handle(*declared.origin)
        path = pipeline.path
        if name in pipeline.dropped:
            message = (
                f'Output "{name}" of pipeline "{path}" is dropped where that is included, at {self._intake.place}.'
            )
        else:
            message = f'Pipeline "{path}" has no output "{name}". {known_names(name, self.output_names())}'
        self._draft.report(message, place, path)
        return broken_handle(self._draft)

    def output_names(self) -> list[str]:
        """Return the names of its outputs."""
        pipeline = self._pipeline
        return [] if pipeline is None else [name for name in pipeline.outputs if name not in pipeline.dropped]

    def nodes(self) -> Iterator[NodePath]:
        """Give its nodes, those of pipelines that it includes among them, as far as they are defined."""
        prefix = f"{self._intake.path}/"
        return (path for path in self._draft.by_path if path.startswith(prefix))


class IncludedOutputs:
    """The outputs of an included pipeline: an attribute is one of them."""

    __slots__ = ("_included",)

    def __init__(self, included: Included) -> None:
        self._included = included

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._included.output(name, self._included.draft.here(1))

    def __dir__(self) -> list[str]:
        return self._included.output_names()
