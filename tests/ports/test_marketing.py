"""Hamilton's first tutorials: features that are functions of columns, and one small pipeline used six times."""

import pytest
from pandas import DataFrame, Series, Timestamp

from marketing.spend import MarketingSpend, Weeks
from marketing.users import UniqueUsers, UsersByRegion
from oneml.habitats import replace
from oneml.habitats.errors import SettingsError
from oneml.habitats.testing import NewSession, RunNode

SPEND = Series([10, 10, 20, 40, 40, 50], name="spend")


def test_features_are_those_of_the_tutorial(new_session: NewSession) -> None:
    session = new_session(MarketingSpend)
    assert session.run().succeeded
    table = session.outputs()["features"]
    assert isinstance(table, DataFrame)
    assert table["avg_3wk_spend"].dropna().tolist() == pytest.approx([40 / 3, 70 / 3, 100 / 3, 130 / 3])
    assert table["spend_per_signup"].tolist() == pytest.approx([10.0, 1.0, 0.4, 0.4, 0.2, 0.125])
    scaled = table["spend_zero_mean_unit_variance"]
    assert (scaled.mean(), scaled.std()) == pytest.approx((0.0, 1.0))
    assert scaled[0] == pytest.approx(-1.064405, abs=1e-6)


def test_what_the_settings_name_becomes_a_node_each(new_session: NewSession) -> None:
    session = new_session(MarketingSpend, settings={"windows": {"short": 1, "long": 4}})
    assert session.run().succeeded
    assert list(session.plan.fan_outs["//average_spend"]) == ["//average_spend/short", "//average_spend/long"]
    table = session.outputs()["features"]
    assert isinstance(table, DataFrame)
    assert {"avg_1wk_spend", "avg_4wk_spend"} < set(table.columns)


def test_only_what_a_wanted_feature_needs_is_computed(new_session: NewSession) -> None:
    session = new_session(MarketingSpend, stop_at="//spend_zero_mean")
    result = session.run()
    assert result.succeeded
    assert set(result.nodes) == {"//weeks", "//spend_mean", "//spend_zero_mean"}
    assert session.output("//spend_zero_mean", form=Series).sum() == pytest.approx(0.0)


def test_data_of_a_test_stand_for_the_loader(new_session: NewSession) -> None:
    two = Weeks(spend=Series([1.0, 3.0], name="spend"), signups=Series([1, 2], name="signups"))
    session = new_session(MarketingSpend, replace(MarketingSpend.load_weeks, lambda: two))
    assert session.run().succeeded
    assert session.output("//spend_mean", form=float) == 2.0


def test_one_feature_is_computed_alone(run_node: RunNode) -> None:
    found = run_node(MarketingSpend, "//average_spend/avg_2wk_spend", inputs={"spend": SPEND})
    assert found.values.dropna().tolist() == [10.0, 15.0, 30.0, 40.0, 45.0]


def test_one_pipeline_counts_every_region_at_every_grain(new_session: NewSession) -> None:
    session = new_session(UsersByRegion)
    assert session.run().succeeded
    latest = session.outputs()["latest"]
    assert isinstance(latest, dict)
    assert set(latest) == {f"{grain}_{region}" for grain in ("daily", "weekly", "monthly") for region in ("us", "ca")}
    assert (latest["daily_us"], latest["monthly_us"], latest["monthly_ca"]) == (1, 8, 7)


def test_the_part_runs_by_itself_and_refuses_a_region_that_it_does_not_know(new_session: NewSession) -> None:
    visits = DataFrame({"day": [Timestamp("2022-09-01")] * 2, "user": ["a", "b"], "region": ["US", "CA"]})
    session = new_session(UniqueUsers, inputs={"interactions": visits, "grain": "D"})
    assert session.run().succeeded
    assert session.output("//unique_users", form=Series).tolist() == [1]
    with pytest.raises(SettingsError, match="region: Input should be 'US' or 'CA'"):
        new_session(UniqueUsers, inputs={"interactions": visits, "grain": "D"}, settings={"region": "EU"})
