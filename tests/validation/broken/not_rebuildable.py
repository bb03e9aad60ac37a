"""What another process cannot build again: a lambda, a closure, a live object, a local class."""

import threading
from collections.abc import Callable

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents

SETTINGS = {"engine": "process"}


class Body:
    def __init__(self, score: Callable[[int], int], lock: object, scale: object, local: object) -> None:
        self.score = score

    def __call__(self) -> int:
        return self.score(1)


def scaled(factor: int) -> Callable[[int], int]:
    def scale(value: int) -> int:
        return factor * value

    return scale


def local_class() -> type:
    class Local:
        pass

    return Local


class Broken(PipelineComponents):
    body = providers.Factory(
        Body,
        score=providers.Object(lambda value: value),
        lock=providers.Object(threading.Lock()),
        scale=providers.Object(scaled(2)),
        local=providers.Factory(local_class()),
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
