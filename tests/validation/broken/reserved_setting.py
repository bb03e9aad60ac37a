"""A settings model that declares a name which every package has."""

from oneml.habitats import PipelineComponents, PipelineSettings, Settings


class MySettings(PipelineSettings):
    retries: int = 3


class Broken(PipelineComponents):
    settings = Settings(MySettings)
