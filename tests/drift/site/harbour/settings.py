"""What can be set."""

from pydantic import BaseModel, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineSettings


class Berth(BaseModel):
    """Where a boat lies."""

    depth: float = 4.5
    name: str = "north"


class HarbourSettings(PipelineSettings):
    """Settings of the harbour."""

    model_config = SettingsConfigDict(env_prefix="HARBOUR_")

    boats: int = 3
    flag: str = "blue"
    berth: Berth = Berth()
    token: SecretStr = SecretStr("")
