"""What can be set, with the defaults."""

from typing import Annotated

from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineSettings

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class TrainSettings(BaseModel):
    """How classifiers are trained.

    Attributes:
        c: Inverse strengths of regularisation; one classifier is trained for each.
        iterations: Steps of the solver at most; training that needs more fails.
    """

    c: tuple[Annotated[float, Field(gt=0.0)], ...] = (0.01, 0.1, 1.0, 10.0)
    iterations: Annotated[int, Field(ge=1)] = 1000


class DigitsSettings(PipelineSettings):
    """Settings of the pipeline, in the environment under ``DIGITS_``.

    Attributes:
        seed: Of the split.
        held_out: Share of the images on which the selected classifier is evaluated, and nothing else is done.
        validation: Share of the other images that tells which classifier is the best.
        variance: Share of the variance that the reduced features keep.
        train: How classifiers are trained.
    """

    model_config = SettingsConfigDict(env_prefix="DIGITS_")

    seed: int = 7
    held_out: Share = 0.25
    validation: Share = 0.25
    variance: Share = 0.95
    train: TrainSettings = TrainSettings()
