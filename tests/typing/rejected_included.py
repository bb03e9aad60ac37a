"""What both type checkers must reject of included habitats. Never run."""

from collections.abc import Sequence

from oneml.habitats import PipelineBuilder, PipelineComponents


class Training(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.build()


class Plain:
    """Has the method, and is no habitat."""

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.build()


def include(pipeline: PipelineBuilder, numbers: Sequence[int]) -> None:
    pipeline.include("a", Plain)  # rejected: mypy, basedpyright
    pipeline.include("b", 3)  # rejected: mypy, basedpyright
    pipeline.include("c", Training, 3)  # rejected: mypy, basedpyright
    pipeline.include("d", Training, inputs=[numbers])  # rejected: mypy, basedpyright
    pipeline.include("e", Training, outputs={"model": 3})  # rejected: mypy, basedpyright
    pipeline.include("f", Training, input={"digits": numbers})  # rejected: mypy, basedpyright
    included = pipeline.include("g", Training)
    included.output_of  # rejected: mypy, basedpyright
    included()  # rejected: mypy, basedpyright
    included.inputs.digits >> included.inputs.table  # rejected: mypy, basedpyright
    pipeline.connect(included.outputs)  # rejected: mypy, basedpyright
