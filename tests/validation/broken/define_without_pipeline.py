"""A method define() that does not take the pipeline."""

from oneml.habitats import PipelineComponents


class Broken(PipelineComponents):
    def define(self) -> None:  # type: ignore[override]  # that is the point
        """Define nothing."""
