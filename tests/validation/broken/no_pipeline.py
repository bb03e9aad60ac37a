"""A container without define()."""

from dependency_injector import providers

from oneml.habitats import PipelineComponents


class Broken(PipelineComponents):
    value = providers.Object(1)
