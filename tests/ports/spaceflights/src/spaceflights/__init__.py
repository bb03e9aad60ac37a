"""The tutorial of Kedro with its modular pipelines: one table, two models with options of their own, one choice."""

from collections.abc import Mapping

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents
from spaceflights.processing import DataProcessing
from spaceflights.science import DataScience, Metrics

CANDIDATE = {"model": "support_vectors", "random_state": 8, "features": ["engines", "passenger_capacity", "crew"]}


def choose(active: Metrics, candidate: Metrics) -> Mapping[str, object]:
    """Name the pipeline whose model explains more, with the score of each."""
    scores = {"active": active.r2_score, "candidate": candidate.r2_score}
    return {"best": max(scores, key=lambda name: scores[name]), **scores}


class Spaceflights(PipelineComponents):
    """Data processing, and data science twice, each in a namespace."""

    choose = providers.Object(choose)

    def define(self, pipeline: PipelineBuilder) -> None:
        data = pipeline.include("data_processing", DataProcessing)
        active = pipeline.include("active_modelling", DataScience)
        candidate = pipeline.include("candidate_modelling", DataScience, settings=CANDIDATE)
        pipeline.connect(
            data.outputs.model_input_table >> active.inputs.table,
            data.outputs.model_input_table >> candidate.inputs.table,
        )
        choice = pipeline.node("choose", self.choose)(
            active=active.outputs.metrics, candidate=candidate.outputs.metrics
        )
        pipeline.output("choice", choice)
        pipeline.output("model_input_table", data.outputs.model_input_table)
