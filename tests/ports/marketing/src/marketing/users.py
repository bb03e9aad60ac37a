"""Hamilton's example of subdags: one small pipeline, used for each region and grain, with other settings and inputs."""

from typing import Literal

from dependency_injector import providers
from pandas import DataFrame, Series, date_range
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

GRAINS = {"daily": "D", "weekly": "W", "monthly": "M"}


class RegionSettings(PipelineSettings):
    """What can be set.

    Attributes:
        region: Whose users are counted.
    """

    model_config = SettingsConfigDict(env_prefix="USERS_")

    region: Literal["US", "CA"] = "US"


def website_interactions() -> DataFrame:
    """Return one row a visit, 90 of them: day, user, region."""
    days = date_range("2022-09-01", periods=90)
    users = [f"user-{day % 7 + day % 3}" for day in range(90)]
    return DataFrame({"day": days, "user": users, "region": ["US" if day % 3 else "CA" for day in range(90)]})


class InRegion:
    """Keeps the visits of one region."""

    def __init__(self, region: str) -> None:
        self._region = region

    def __call__(self, interactions: DataFrame) -> DataFrame:
        return interactions[interactions["region"] == self._region].reset_index(drop=True)


def unique_users(interactions: DataFrame, grain: str) -> Series:
    """Count the users of each period."""
    periods = interactions["day"].dt.to_period(grain).dt.to_timestamp()
    return interactions.groupby(periods)["user"].nunique().rename("users")


def latest(names: list[str], counts: list[Series]) -> dict[str, int]:
    """Return the last count of each series."""
    return {name: int(series.iloc[-1]) for name, series in zip(names, counts, strict=True)}


class UniqueUsers(PipelineComponents):
    """The part: visits go in, counts come out."""

    settings = Settings(RegionSettings)
    in_region = providers.Factory(InRegion, region=settings.session.region)
    unique_users = providers.Object(unique_users)

    def define(self, pipeline: PipelineBuilder) -> None:
        interactions = pipeline.input("interactions", DataFrame)
        grain = pipeline.input("grain", str)
        kept = pipeline.node("in_region", self.in_region)(interactions=interactions)
        pipeline.output("users", pipeline.node("unique_users", self.unique_users)(interactions=kept, grain=grain))


class UsersByRegion(PipelineComponents):
    """The part six times: every grain in every region."""

    website_interactions = providers.Object(website_interactions)
    latest = providers.Object(latest)

    def define(self, pipeline: PipelineBuilder) -> None:
        interactions = pipeline.node("website_interactions", self.website_interactions)()
        counts: dict[str, Series] = {}
        for region in ("US", "CA"):
            for name, grain in GRAINS.items():
                namespace = f"{name}_{region.lower()}"
                included = pipeline.include(
                    namespace,
                    UniqueUsers,
                    settings={"region": region},
                    inputs={"interactions": interactions, "grain": grain},
                )
                counts[namespace] = included.outputs.users
        pipeline.output(
            "latest", pipeline.node("latest", self.latest)(names=list(counts), counts=list(counts.values()))
        )
