"""Several included pipelines that cannot be opened, for one reason each, and what is wrong beside them."""

from broken.bodies import Training
from broken.included_captive import Training as Captive
from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Total:
    def __call__(self, counts: list[int]) -> int:
        return sum(counts)


class Broken(PipelineComponents):
    total = providers.Factory(Total)

    def define(self, pipeline: PipelineBuilder) -> None:
        one = pipeline.include("one", Training, settings={"sed": 3}, inputs={"rows": [1]})
        two = pipeline.include("two", Training, settings={"workers": 2}, inputs={"rows": [1]})
        three = pipeline.include("three", Captive)
        pipeline.include("again", Captive)
        pipeline.include("four", Training, settings={"nodes": {"//fit": {"retries": 2}}}, inputs={"rows": [1]})
        pipeline.include("five", Training, without=["rows", "cuont"])
        counts = [one.outputs.count, two.outputs.count, three.outputs.anything]
        pipeline.output("total", pipeline.node("total", self.total)(count=counts))
