"""Kedro's space flights: one table, two models in namespaces of their own, and what its users do with them."""

import pytest
from pandas import DataFrame, Series
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVR

from oneml.habitats import PipelineSession, Reference, replace
from oneml.habitats.errors import UnknownSettingError
from oneml.habitats.testing import NewSession, OpenComponents, RunNode
from spaceflights import Spaceflights
from spaceflights.catalog import RawTables
from spaceflights.processing import DataProcessing
from spaceflights.science import DataScience, Metrics

NODES = {
    "//choose",
    *(f"//data_processing/{name}" for name in ("companies", "shuttles", "reviews", "model_input_table")),
    *(f"//data_processing/preprocess_{name}" for name in ("companies", "shuttles")),
    *(f"//{part}_modelling/{name}" for part in ("active", "candidate") for name in ("split_data", "train_model")),
    *(f"//{part}_modelling/evaluate_model" for part in ("active", "candidate")),
}


class TwoCompanies(RawTables):
    """Two companies, of which one has no rating, with a shuttle each."""

    def read_companies(self) -> DataFrame:
        return DataFrame({"id": [1, 2], "company_rating": ["90%", None], "iata_approved": ["t", "f"]})

    def read_shuttles(self) -> DataFrame:
        checks = {"d_check_complete": ["t", "f"], "moon_clearance_complete": ["f", "f"]}
        return DataFrame({"id": [1, 2], "company_id": [1, 2], **checks, "price": ["$1,234.5", "$9.0"]})

    def read_reviews(self) -> DataFrame:
        return DataFrame({"shuttle_id": [1, 2], "review_scores_rating": [97, 60]})


@pytest.fixture
def done(new_session: NewSession) -> PipelineSession:
    session = new_session(Spaceflights)
    assert session.run().succeeded
    return session


def test_two_models_with_options_of_their_own_learn_from_one_table(done: PipelineSession) -> None:
    assert set(done.plan.nodes) == NODES
    active = done.output("//active_modelling/train_model", form=LinearRegression)
    candidate = done.output("//candidate_modelling/train_model", form=SVR)
    assert (active.n_features_in_, candidate.n_features_in_) == (8, 3)
    choice = done.outputs()["choice"]
    assert isinstance(choice, dict)
    assert choice["best"] == "active"
    assert 0.9 < choice["candidate"] < choice["active"] < 1.0
    assert done.output("//active_modelling/evaluate_model", "mae", form=float) < 40


def test_raw_texts_become_numbers_and_rows_that_lack_a_value_go(new_session: NewSession) -> None:
    session = new_session(DataProcessing, replace(DataProcessing.raw, TwoCompanies(seed=0, companies=2)))
    assert session.run().succeeded
    table = session.outputs()["model_input_table"]
    assert isinstance(table, DataFrame)
    assert table[["price", "company_rating", "iata_approved", "d_check_complete"]].to_numpy().tolist() == [
        [1234.5, 0.9, True, True]
    ]


def test_a_provider_of_an_included_pipeline_is_replaced_for_the_outer_one(new_session: NewSession) -> None:
    few = Reference(RawTables, "spaceflights.catalog:RawTables", seed=1, companies=20)
    session = new_session(Spaceflights, replace(DataProcessing.raw, provider=few))
    session.run_node("//data_processing/companies")
    assert len(session.output("//data_processing/companies", form=DataFrame)) == 20


def test_a_function_that_is_a_body_is_replaced_by_another(new_session: NewSession) -> None:
    def only_active(active: Metrics, candidate: Metrics) -> dict[str, object]:
        return {"best": "active"}

    session = new_session(Spaceflights, replace(Spaceflights.choose, only_active))
    assert session.run().succeeded
    assert session.outputs()["choice"] == {"best": "active"}


def test_settings_reach_one_namespace_or_both(new_session: NewSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACEFLIGHTS_MODEL_TEST_SIZE", "0.5")
    session = new_session(Spaceflights, settings={"nodes": {"//candidate_modelling": {"test_size": 0.25}}})
    assert session.run().succeeded
    tested = {part: len(session.output(f"//{part}_modelling/split_data", "y_test")) for part in ("active", "candidate")}
    rows = len(session.output("//data_processing/model_input_table", form=DataFrame))
    assert tested == {"active": rows // 2, "candidate": rows // 4}


def test_a_misspelt_option_is_told_with_the_model_it_is_missing_in(new_session: NewSession) -> None:
    with pytest.raises(UnknownSettingError, match=r'No setting "modle" in ModelSettings.*Did you mean "model"\?'):
        new_session(Spaceflights, settings={"nodes": {"//candidate_modelling": {"modle": "linear"}}})


def test_other_options_start_again_where_they_matter(done: PipelineSession, new_session: NewSession) -> None:
    settings = {"nodes": {"//candidate_modelling": {"features": ["crew"]}}}
    second = new_session(Spaceflights, start_at="//candidate_modelling", parent=done.session_id, settings=settings)
    result = second.run()
    assert result.succeeded
    ran = {path for path, row in result.nodes.items() if row.reused_from is None}
    assert ran == {"//choose", *(path for path in NODES if path.startswith("//candidate_modelling/"))}


def test_a_tree_is_published_like_any_other_model(new_session: NewSession) -> None:
    session = new_session(Spaceflights, settings={"nodes": {"//candidate_modelling": {"model": "tree"}}})
    assert session.run().succeeded
    assert session.ports("//candidate_modelling/train_model")["output"].serializer == "sklearn"


def test_one_node_runs_alone_with_tables_of_the_test(run_node: RunNode) -> None:
    x, y = DataFrame({"engines": [1.0, 2.0, 3.0]}), Series([2.0, 4.0, 6.0], name="price")
    model = run_node(Spaceflights, "//active_modelling/train_model", inputs={"x_train": x, "y_train": y})
    metrics = run_node(
        DataScience, "//evaluate_model", inputs={"regressor": model, "x_test": x, "y_test": y}, form=Metrics
    )
    assert metrics.r2_score == pytest.approx(1.0)


def test_the_container_builds_what_the_settings_select(open_components: OpenComponents) -> None:
    assert isinstance(open_components(DataScience).regressor(), LinearRegression)
    assert open_components(DataScience, settings={"model": "support_vectors", "c": 3.0}).regressor().C == 3.0
