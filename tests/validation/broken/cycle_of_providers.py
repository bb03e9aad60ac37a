"""Two providers need each other, a third needs itself."""

from dependency_injector import providers

from oneml.habitats import PipelineComponents


class Part:
    def __init__(self, other: object) -> None:
        self.other = other


class Broken(PipelineComponents):
    left = providers.Factory(Part)
    right = providers.Factory(Part, other=left)
    left.add_kwargs(other=right)
    alone = providers.Singleton(Part)
    alone.add_kwargs(other=alone)
