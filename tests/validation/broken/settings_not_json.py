"""A setting whose type has no form in JSON, which workers could not be sent."""

from oneml.habitats import PipelineComponents, PipelineSettings, Settings


class Curve: ...


class CurveSettings(PipelineSettings):
    curve: Curve = Curve()


class Broken(PipelineComponents):
    settings = Settings(CurveSettings)
