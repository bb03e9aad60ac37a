"""The "hello world" of Hamilton: two columns, and features that are functions of them."""

from collections.abc import Mapping
from typing import NamedTuple

from dependency_injector import providers
from pandas import DataFrame, Series, concat
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class SpendSettings(PipelineSettings):
    """What can be set.

    Attributes:
        windows: Over how many weeks spend is averaged, by the name of the feature.
    """

    model_config = SettingsConfigDict(env_prefix="MARKETING_")

    windows: Mapping[str, int] = {"avg_2wk_spend": 2, "avg_3wk_spend": 3}


class Weeks(NamedTuple):
    """One value a week each: what was spent, and who signed up."""

    spend: Series
    signups: Series


class Average(NamedTuple):
    """A rolling average, and the name that it goes by."""

    weeks: int
    values: Series


def load_weeks() -> Weeks:
    """Return the six weeks of the tutorial."""
    return Weeks(
        spend=Series([10, 10, 20, 40, 40, 50], name="spend"), signups=Series([1, 10, 50, 100, 200, 400], name="signups")
    )


def average_spend(spend: Series, weeks: int) -> Average:
    """Average spend over some weeks."""
    return Average(weeks, spend.rolling(weeks).mean().rename(f"avg_{weeks}wk_spend"))


def spend_per_signup(spend: Series, signups: Series) -> Series:
    """Divide what was spent by who signed up."""
    return (spend / signups).rename("spend_per_signup")


def spend_mean(spend: Series) -> float:
    """Return the mean of all weeks."""
    return float(spend.mean())


def spend_std_dev(spend: Series) -> float:
    """Return the standard deviation of all weeks."""
    return float(spend.std())


def spend_zero_mean(spend: Series, spend_mean: float) -> Series:
    """Shift spend to a mean of zero."""
    return (spend - spend_mean).rename("spend_zero_mean")


def spend_zero_mean_unit_variance(spend_zero_mean: Series, spend_std_dev: float) -> Series:
    """Scale shifted spend to a variance of one."""
    return (spend_zero_mean / spend_std_dev).rename("spend_zero_mean_unit_variance")


def features(columns: list[Series], averages: list[Average]) -> DataFrame:
    """Put columns side by side."""
    return concat([*columns, *(average.values for average in averages)], axis="columns")


class MarketingSpend(PipelineComponents):
    """Each function is a node of its own."""

    settings = Settings(SpendSettings)
    load_weeks = providers.Object(load_weeks)
    average_spend = providers.Object(average_spend)
    spend_per_signup = providers.Object(spend_per_signup)
    spend_mean = providers.Object(spend_mean)
    spend_std_dev = providers.Object(spend_std_dev)
    spend_zero_mean = providers.Object(spend_zero_mean)
    spend_zero_mean_unit_variance = providers.Object(spend_zero_mean_unit_variance)
    features = providers.Object(features)

    def define(self, pipeline: PipelineBuilder) -> None:
        weeks = pipeline.node("weeks", self.load_weeks)()
        average = pipeline.node("average_spend", self.average_spend)(
            spend=weeks.spend, weeks=pipeline.each(self.settings.session.windows)
        )
        per_signup = pipeline.node("spend_per_signup", self.spend_per_signup)(spend=weeks.spend, signups=weeks.signups)
        mean = pipeline.node("spend_mean", self.spend_mean)(spend=weeks.spend)
        deviation = pipeline.node("spend_std_dev", self.spend_std_dev)(spend=weeks.spend)
        zero_mean = pipeline.node("spend_zero_mean", self.spend_zero_mean)(spend=weeks.spend, spend_mean=mean)
        unit_variance = pipeline.node("spend_zero_mean_unit_variance", self.spend_zero_mean_unit_variance)(
            spend_zero_mean=zero_mean, spend_std_dev=deviation
        )
        table = pipeline.node("features", self.features)(
            columns=[weeks.spend, weeks.signups, per_signup, unit_variance], averages=pipeline.gather(average)
        )
        pipeline.output("features", table)
