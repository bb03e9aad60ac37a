"""A container with a constructor of its own."""

from oneml.habitats import PipelineComponents


class Broken(PipelineComponents):
    def __init__(self) -> None:
        self.client = object()
