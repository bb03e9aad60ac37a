"""Habitats of many trivial nodes: in a chain, and fanned out from one."""

from collections.abc import Sequence

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class ManySettings(PipelineSettings):
    """How many nodes there are."""

    count: int = 1000


class Increment:
    """Adds one."""

    def __call__(self, x: int = 0) -> int:
        return x + 1


class Chain(PipelineComponents):
    """Each node is fed by the one before."""

    settings = Settings(ManySettings)
    increment = providers.Factory(Increment)

    def define(self, pipeline: PipelineBuilder) -> None:
        value = pipeline.node("n0", self.increment)()
        for number in range(1, self.settings.session.count):
            value = pipeline.node(f"n{number}", self.increment)(x=value)
        pipeline.output("last", value)


class FanOut(PipelineComponents):
    """Every node is fed by the first."""

    settings = Settings(ManySettings)
    increment = providers.Factory(Increment)

    def define(self, pipeline: PipelineBuilder) -> None:
        first = pipeline.node("n0", self.increment)()
        for number in range(1, self.settings.session.count):
            pipeline.node(f"n{number}", self.increment)(x=first)


HABITATS: Sequence[tuple[str, type[PipelineComponents]]] = (("chain", Chain), ("fan-out", FanOut))
