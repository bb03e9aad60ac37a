"""The whole pipeline, run on the engines of this machine."""

from collections.abc import Mapping

import pytest
from pandas import DataFrame
from PIL.Image import Image
from sklearn.linear_model import LogisticRegression

from digits_training import DigitsTraining
from digits_training.clients import DigitsClient
from oneml.habitats import PipelineNodeSettings, PipelineServiceClient, PipelineSessionSettings, replace
from oneml.habitats.testing import NewSession, OpenComponents


class TwoDigits(DigitsClient):
    """Forty points on a line, of two kinds that are easy to tell."""

    def read(self) -> DataFrame:
        return DataFrame({"x": [0.0, 1.0] * 20, "label": [0, 1] * 20})


def digests(new_session: NewSession, **settings: object) -> Mapping[str, str]:
    """Run a session and return the hash of each of its outputs."""
    session = new_session(DigitsTraining, settings=settings)
    assert session.run().succeeded
    return {
        f"{path} {port}": record.digest for path in session.plan.nodes for port, record in session.ports(path).items()
    }


def test_report_is_about_the_selected_model_and_held_out_images(new_session: NewSession) -> None:
    session = new_session("digits-training")
    assert session.run().succeeded
    accuracy = session.output("//report", "accuracy", form=float)
    assert accuracy == session.output("//evaluate", "accuracy", form=float) > 0.93
    held_out = session.output("//split", "held_out", form=DataFrame)
    assert session.output("//report", "table", form=DataFrame)["images"].sum() == len(held_out) == 450
    model = session.output("//select", "model", form=LogisticRegression)
    assert session.output("//select", "c", form=float) == model.C
    assert set(session.outputs()) == {"accuracy", "model"}


def test_replaced_client_feeds_the_whole_pipeline_whose_confusion_matrix_is_a_png(new_session: NewSession) -> None:
    session = new_session(DigitsTraining, replace(DigitsTraining.client, TwoDigits()))
    assert session.run().succeeded
    assert len(session.output("//load", form=DataFrame)) == 40
    assert session.output("//report", "accuracy", form=float) == 1.0
    assert session.ports("//report")["confusion"].serializer == "png"
    assert session.output("//report", "confusion", form=Image).size == (600, 624)


def test_every_engine_of_one_machine_gives_the_same_bytes(new_session: NewSession) -> None:
    inline = digests(new_session, workers=1)
    assert digests(new_session, workers=2) == inline
    assert digests(new_session, engine="process", workers=1) == inline
    assert digests(new_session, engine="dask", workers=2) == inline


def test_seed_of_the_session_decides_the_split(new_session: NewSession) -> None:
    rows: list[object] = []
    for seed in (1, 1, 2):
        session = new_session(DigitsTraining, settings={"seed": seed, "train": {"c": [0.1]}})
        session.run_node("//load")
        session.run_node("//split")
        rows.append(list(session.output("//split", "held_out", form=DataFrame).index))
    assert rows[0] == rows[1] != rows[2]


def test_values_of_c_shape_the_graph(service_client: PipelineServiceClient) -> None:
    plan = service_client.preview("digits-training", settings={"train": {"c": [0.5, 5.0]}}).plan
    assert [plan.nodes[path].label for path in plan.fan_outs["//train"]] == ["c=0.5", "c=5.0"]


def test_iterations_can_be_set_for_one_member_of_the_fan_out(new_session: NewSession) -> None:
    on_second = PipelineNodeSettings(fields={"train": {"iterations": 150}})
    settings = PipelineSessionSettings(
        fields={"train": {"iterations": 300, "c": [0.1, 1.0]}}, nodes={"//train/1": on_second}
    )
    session = new_session(DigitsTraining, settings=settings)
    assert session.run().succeeded
    models = [session.output(f"//train/{index}", "model", form=LogisticRegression) for index in (0, 1)]
    assert [(model.C, model.max_iter) for model in models] == [(0.1, 300), (1.0, 150)]


def test_environment_sets_the_process(open_components: OpenComponents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_HELD_OUT", "0.5")
    monkeypatch.setenv("DIGITS_TRAIN__ITERATIONS", "400")
    settings = open_components(DigitsTraining).settings.session
    assert (settings.held_out, settings.train.iterations) == (0.5, 400)


def test_container_opens_by_hand_and_builds_a_node(open_components: OpenComponents) -> None:
    components = open_components(DigitsTraining, settings={"seed": 3})
    assert components.client() is components.client()
    assert components.splitter().seed == 3
    with components.node("//train") as node:
        assert node.train().classifiers.iterations == 1000
