"""What both type checkers must reject of the builder: every line that is marked, and no other. Never run."""

from builder_accepted import Load, function, load, select, split, train, write

from oneml.habitats import PipelineBuilder


def inputs(pipeline: PipelineBuilder) -> None:
    numbers = pipeline.node("load", load)()
    parts = pipeline.node("split", split)(numbers=numbers)
    pipeline.node("a", split)()  # rejected: mypy, basedpyright
    pipeline.node("b", split)(numbres=numbers)  # rejected: mypy, basedpyright
    pipeline.node("c", split)(numbers=parts)  # rejected: mypy, basedpyright
    pipeline.node("d", split)(numbers=numbers, seed="7")  # rejected: mypy, basedpyright
    pipeline.node("e", split)(numbers, 7)  # rejected: mypy, basedpyright
    pipeline.node("f", split)(parts.trian)  # rejected: mypy, basedpyright
    pipeline.node("g", function)(text=pipeline.input("text", int))  # rejected: mypy, basedpyright
    report = pipeline.node("write", write)(score=0.5)
    report["txt"]  # rejected: mypy, basedpyright
    report.text  # rejected: mypy, basedpyright


def fan_out(pipeline: PipelineBuilder) -> None:
    parts = pipeline.node("split", split)(numbers=[1])
    fit = pipeline.node("train", train)(parts=parts, rate=pipeline.each([0.1, 1.0]))
    pipeline.node("a", train)(parts=parts, rate=pipeline.each(["weak"]))  # rejected: mypy, basedpyright
    pipeline.node("b", train)(parts=parts, rate=[0.1, 1.0])  # rejected: mypy, basedpyright
    pipeline.node("c", select)(fits=fit)  # rejected: mypy, basedpyright
    pipeline.node("d", select)(fits=pipeline.gather(fit.score))  # rejected: mypy, basedpyright
    pipeline.node("e", train)(parts=parts, rate=pipeline.each({1: 0.5}))  # rejected: mypy, basedpyright
    pipeline.each({0.1, 1.0})  # rejected: mypy, basedpyright


def providers(pipeline: PipelineBuilder) -> None:
    pipeline.node("a", Load())  # rejected: mypy, basedpyright
    pipeline.node("b", 3)  # rejected: mypy, basedpyright
    pipeline.node("c", load, after=load())  # rejected: mypy, basedpyright
    pipeline.node("d", load, settings=3)  # rejected: mypy, basedpyright
    pipeline.node("e", load, "f")  # rejected: mypy, basedpyright
    pipeline.nod("f", load)  # rejected: mypy, basedpyright


def edges(pipeline: PipelineBuilder) -> None:
    source, target = pipeline.node("split", split), pipeline.node("write", write)
    pipeline.connect(source)  # rejected: mypy, basedpyright
    source.outputs.train >> target.outputs.text  # rejected: mypy, basedpyright
    target.inputs.score >> source.outputs.train  # rejected: mypy, basedpyright
