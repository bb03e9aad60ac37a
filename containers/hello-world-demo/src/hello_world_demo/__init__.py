"""The smallest habitat: ``//a`` greets, ``//b`` shouts the greeting."""

from dataclasses import dataclass

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class HelloSettings(PipelineSettings):
    """What can be set.

    Attributes:
        greeting: The first word.
    """

    greeting: str = "Hello"


@dataclass(frozen=True)
class Greet:
    """Greets somebody by name."""

    greeting: str

    def __call__(self, name: str = "world") -> str:
        """Return the greeting."""
        return f"{self.greeting}, {name}!"


class Shout:
    """Says it again, louder."""

    def __call__(self, text: str) -> str:
        """Return the text in capitals."""
        return text.upper()


class HelloWorld(PipelineComponents):
    """Two nodes, one edge."""

    settings = Settings(HelloSettings)
    greet = providers.Factory(Greet, greeting=settings.node.greeting)
    shout = providers.Factory(Shout)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define ``//a`` and ``//b``."""
        greeting = pipeline.node("a", self.greet)()
        pipeline.output("text", pipeline.node("b", self.shout)(text=greeting))
