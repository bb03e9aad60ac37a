"""Executables of nodes without, with one, and with two inputs."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineExecutables


class Source:
    """Starts a chain."""

    def __call__(self) -> int:
        return 1


class Follow:
    """Goes on with one value."""

    def __call__(self, x: int) -> int:
        return x


class Add:
    """Goes on with the sum of two values."""

    def __call__(self, x: int, y: int) -> int:
        return x + y


class Sums(PipelineComponents):
    """Their container."""

    source = providers.Factory(Source)
    follow = providers.Factory(Follow)
    add = providers.Factory(Add)


def new_builder(components: Sums) -> PipelineBuilder:
    """Return an empty builder over the container."""
    return PipelineBuilder(PipelineExecutables(components), name="sums")
