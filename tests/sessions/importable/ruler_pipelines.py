"""A habitat that others include: it scales a table by what a ruler measures."""

from collections.abc import Iterator
from dataclasses import dataclass

from dependency_injector import providers
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats import NodeResource, PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class ScalingSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SCALING_")

    factor: int = 2
    shift: int = 0
    token: SecretStr | None = None


class Ruler:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def measure(self, value: int) -> int:
        return self.factor * value


class HalvingRuler(Ruler):
    """Stands for a ruler in tests."""

    def measure(self, value: int) -> int:
        return value // 2


CLOSED: list[str] = []


def opened(name: str, factor: int) -> Iterator[str]:
    yield name
    CLOSED.append(f"{name} {factor}")


@dataclass(frozen=True)
class Scale:
    ruler: Ruler
    shift: int
    log: str
    scratch: str

    def __call__(self, table: list[int]) -> list[int]:
        return [self.ruler.measure(value) + self.shift for value in table]


class Scaling(PipelineComponents):
    settings = Settings(ScalingSettings)
    ruler = providers.Singleton(Ruler, factor=settings.session.factor)
    log = providers.Resource(opened, "log", settings.session.factor)
    scratch = NodeResource(opened, "scratch", settings.session.factor)
    scale = providers.Factory(Scale, ruler=ruler, shift=settings.node.shift, log=log, scratch=scratch)

    def define(self, pipeline: PipelineBuilder) -> None:
        table = pipeline.input("table", list[int])
        pipeline.output("scaled", pipeline.node("scale", self.scale)(table=table))
