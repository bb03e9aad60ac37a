"""Names that every container has, or that mean something else."""

from dependency_injector import providers

from oneml.habitats import PipelineComponents


class Broken(PipelineComponents):
    open = providers.Object(1)
    settings = providers.Object(2)
    define = providers.Object(3)
