"""A container whose pipeline cannot be built."""

import sys

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Pass:
    """Passes on."""

    def __call__(self, text: str) -> str:
        """Return the text."""
        return text


class Cyclic(PipelineComponents):
    """Two nodes that wait for each other."""

    passed = providers.Factory(Pass)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define a cycle."""
        one = pipeline.node("one", self.passed)
        two = pipeline.node("two", self.passed)
        pipeline.connect(one.outputs.output >> two.inputs.text)
        pipeline.connect(two.outputs.output >> one.inputs.text)


class Raising(PipelineComponents):
    """Fails to define anything."""

    def define(self, pipeline: PipelineBuilder) -> None:
        """Raise."""
        del pipeline
        text = "no such thing"
        raise KeyError(text)


class Leaving(PipelineComponents):
    """Leaves the process instead of defining anything."""

    def define(self, pipeline: PipelineBuilder) -> None:
        """Leave."""
        del pipeline
        sys.exit(0)
