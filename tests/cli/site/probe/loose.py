"""A container that no other process can be held against."""

from dataclasses import dataclass

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


@dataclass(frozen=True)
class Say:
    """Says a word."""

    word: str

    def __call__(self) -> str:
        """Return the word."""
        return self.word


class Loose(PipelineComponents):
    """Its word comes from a lambda, its other node from none."""

    said = providers.Factory(Say, word=providers.Callable(lambda: "so"))
    plain = providers.Factory(Say, word="so")

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define both."""
        pipeline.node("said", self.said)()
        pipeline.node("plain", self.plain)()
