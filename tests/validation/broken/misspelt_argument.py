"""Arguments that a constructor does not take."""

from dependency_injector import providers

from oneml.habitats import PipelineComponents


class Split:
    def __init__(self, seed: int, held_out: float) -> None:
        self.seed, self.held_out = seed, held_out

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    split = providers.Factory(Split, sed=7, held_out=0.5)
    many = providers.Factory(Split, 7, 0.5, "more")
    twice = providers.Factory(Split, 7, seed=7)
