"""A secret whose variable is not set."""

from dependency_injector import providers
from pydantic import SecretStr

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

SETTINGS = {"token": "env:NO_SUCH_VARIABLE"}


class MySettings(PipelineSettings):
    token: SecretStr


class Body:
    def __init__(self, token: SecretStr) -> None:
        self.token = token

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    settings = Settings(MySettings)
    body = providers.Factory(Body, token=settings.session.token)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
