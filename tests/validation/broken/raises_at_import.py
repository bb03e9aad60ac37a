"""The module raises while it is imported."""

from oneml.habitats import PipelineComponents

RATES = {"a": 1}
RATE = RATES["b"]


class Broken(PipelineComponents): ...
