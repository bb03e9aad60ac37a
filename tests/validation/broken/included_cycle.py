"""Two included pipelines feed each other, and one of them another one deeper down."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Add:
    def __call__(self, number: int) -> int:
        return number + 1


class Adding(PipelineComponents):
    add = providers.Factory(Add)

    def define(self, pipeline: PipelineBuilder) -> None:
        number = pipeline.input("number", int)
        pipeline.output("added", pipeline.node("add", self.add)(number=number))


class Deeper(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        number = pipeline.input("number", int)
        pipeline.include("inner", Adding, inputs={"number": number}, outputs={"added": "added"})


class Broken(PipelineComponents):
    add = providers.Factory(Add)

    def define(self, pipeline: PipelineBuilder) -> None:
        one = pipeline.include("one", Deeper)
        two = pipeline.include("two", Adding)
        pipeline.connect(one.outputs.added >> two.inputs.number, two.outputs.added >> one.inputs.number)
        three = pipeline.include("three", Adding)
        again = pipeline.node("again", self.add)(number=three.outputs.added)
        pipeline.connect(again >> three.inputs.number)
