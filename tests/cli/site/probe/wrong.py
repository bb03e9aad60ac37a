"""A container whose pipeline cannot be built."""

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
