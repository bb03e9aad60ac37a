"""define() itself fails."""

from broken.bodies import Fitting

from oneml.habitats import PipelineBuilder


class Broken(Fitting):
    def define(self, pipeline: PipelineBuilder) -> None:
        columns = {"a": 1}
        pipeline.node(str(columns["b"]), self.load)()
