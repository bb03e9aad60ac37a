"""A habitat whose bodies publish before they return."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dependency_injector import providers

from oneml.habitats import (
    Parts,
    PipelineBuilder,
    PipelineComponents,
    PipelineSessionContext,
    PipelineSettings,
    Settings,
)


class PublishingSettings(PipelineSettings):
    folder: str = ""
    wrong: str = ""


class Fit(NamedTuple):
    model: list[int]
    curve: bytes
    score: float


@dataclass(frozen=True)
class Train:
    folder: str
    wrong: str

    def __call__(self) -> Fit:
        publisher = PipelineSessionContext.publisher()
        model = publisher.publish([1, 2, 3], port="model")
        if self.wrong == "twice":
            publisher.publish([4], port="model")
        if self.wrong == "unknown":
            publisher.publish([4], port="modle")
        if self.wrong == "raise":
            message = "after it has published"
            raise ValueError(message)
        file = Path(self.folder, "curve.bin")
        file.write_bytes(b"curve" * 2000)
        curve = publisher.publish_file(file, port="curve")
        file.unlink()
        return Fit(model=[5] if self.wrong == "result" else model, curve=curve, score=0.5)


@dataclass(frozen=True)
class Folds:
    wrong: str

    def __call__(self) -> Parts[list[int]]:
        publisher = PipelineSessionContext.publisher()
        for number in range(3):
            publisher.publish_part(f"fold-{number}", list(range(number * 1000)))
        if self.wrong == "part":
            publisher.publish_part("fold-0", [])
        return publisher.parts()


class Sizes:
    def __call__(self, folds: Mapping[str, list[int]]) -> dict[str, int]:
        return {name: len(fold) for name, fold in folds.items()}


class Largest:
    def __call__(self, folds: Parts[list[int]], model: list[int], curve: bytes) -> int:
        return max(len(folds["fold-2"]), len(model), len(curve))


class Publishing(PipelineComponents):
    settings = Settings(PublishingSettings)
    train = providers.Factory(Train, folder=settings.session.folder, wrong=settings.session.wrong)
    folds = providers.Factory(Folds, wrong=settings.session.wrong)
    sizes = providers.Factory(Sizes)
    largest = providers.Factory(Largest)

    def define(self, pipeline: PipelineBuilder) -> None:
        fit = pipeline.node("train", self.train)()
        folds = pipeline.node("folds", self.folds)()
        pipeline.output("sizes", pipeline.node("sizes", self.sizes)(folds=folds))
        largest = pipeline.node("largest", self.largest)(folds=folds, model=fit.model, curve=fit.curve)
        pipeline.output("largest", largest)
