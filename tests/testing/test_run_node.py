"""One node of a pipeline, run alone."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict, cast

import pytest
from dependency_injector import providers

from oneml.habitats import (
    File,
    Folder,
    NodeSeed,
    PipelineBuilder,
    PipelineComponents,
    PipelineNodeSettings,
    PipelineServiceClient,
    PipelineSessionContext,
    PipelineSettings,
    Settings,
    replace,
)
from oneml.habitats.errors import InvalidInputsError, UnknownNodeError, WrongResultError
from oneml.habitats.testing import NewSession, RunNode


class TrainSettings(PipelineSettings):
    rate: int = 3
    seed: int = 1


class Table:
    """What no library can check the inside of."""


class Parts(NamedTuple):
    table: Table
    rows: int


class Report(TypedDict):
    text: str
    rows: int


class Rates:
    def __init__(self, rate: int) -> None:
        self.rate = rate

    def __call__(self) -> int:
        return self.rate


class Split:
    def __call__(self, table: Table, rows: int = 7) -> Parts:
        return Parts(table, rows)


class Fit:
    def __init__(self, rates: Rates, seed: int) -> None:
        self.rates = rates
        self.seed = seed

    async def __call__(self, parts: Parts, c: float, weights: Sequence[float] = ()) -> Report:
        node = PipelineSessionContext.current().node
        return Report(text=f"{node} {c} {self.rates.rate} {sum(weights)}", rows=parts.rows)


def liar(text: str) -> int:
    return text  # type: ignore[return-value]


def count(until: int) -> Iterator[int]:
    yield from range(until)


async def count_slowly(until: int) -> AsyncIterator[int]:
    for number in range(until):
        yield number


def yield_text() -> Iterator[int]:
    yield cast("int", "one")


class Files(NamedTuple):
    note: File
    folder: Folder


def write(text: str) -> Files:
    folder = PipelineSessionContext.scratch_folder()
    for name in ("note", "other"):
        (folder / name).write_text(f"{text} {name}")
    return Files(File(folder / "note"), Folder(folder))


def write_each(until: int) -> Iterator[File]:
    for number in range(until):
        path = PipelineSessionContext.scratch_folder() / "number"
        path.write_text(str(number))
        yield File(path)


def nest(until: int) -> object:
    with PipelineSessionContext.nested_session("hello-world-demo", settings={"greeting": str(until)}) as session:
        session.run().raise_unless_succeeded()
        return session.outputs()["text"]


class Unusual(PipelineComponents):
    """Bodies that do more than to return a value."""

    count = providers.Object(count)
    count_slowly = providers.Object(count_slowly)
    yield_text = providers.Object(yield_text)
    write = providers.Object(write)
    write_each = providers.Object(write_each)
    nest = providers.Object(nest)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("count", self.count)(until=3)
        pipeline.node("slowly", self.count_slowly)(until=3)
        pipeline.node("text", self.yield_text)()
        pipeline.node("write", self.write)(text="a")
        pipeline.node("write-each", self.write_each)(until=3)
        pipeline.node("nest", self.nest)(until=3)


class Training(PipelineComponents):
    settings = Settings(TrainSettings)
    rates = providers.Factory(Rates, settings.node.rate)
    split = providers.Factory(Split)
    fit = providers.Factory(Fit, rates, NodeSeed(settings.session.seed))
    liar = providers.Object(liar)

    def define(self, pipeline: PipelineBuilder) -> None:
        parts = pipeline.node("split", self.split)(table=pipeline.input("table", Table))
        slurm = PipelineNodeSettings(engine="slurm", timeout_seconds=5, fields={"rate": 4})
        fitted = pipeline.node("fit", self.fit, settings=slurm)(parts=parts, c=pipeline.each([0.5, 2.0]))
        pipeline.node("liar", self.liar)(text="no number")
        pipeline.output("reports", pipeline.gather(fitted))


class Outer(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None:
        inner = pipeline.include("inner", Training, settings={"rate": 6})
        pipeline.connect(pipeline.input("table", Table) >> inner.inputs.table)


PARTS = Parts(Table(), 2)


def test_body_gets_what_is_given_what_the_plan_feeds_and_its_defaults(run_node: RunNode) -> None:
    assert run_node(Training, "//fit/1", inputs={"parts": PARTS}) == {"text": "//fit/1 2.0 4 0", "rows": 2}
    report = run_node(Training, "//fit/0", inputs={"parts": PARTS, "c": 3, "weights": [1, 2]}, form=Report)
    assert report == {"text": "//fit/0 3.0 4 3.0", "rows": 2}
    table = Table()
    assert run_node(Training, "//split", inputs={"table": table}) == Parts(table, 7)


def test_overrides_and_settings_of_node_and_session_apply(run_node: RunNode) -> None:
    given: dict[str, Any] = {"inputs": {"parts": PARTS}, "settings": {"nodes": {"//fit/1": {"rate": 9}}}}
    assert run_node(Training, "//fit/1", **given)["text"] == "//fit/1 2.0 9 0"
    fake = replace(Training.rates, Rates(8))
    assert run_node(Training, "//fit/1", fake, inputs={"parts": PARTS})["text"] == "//fit/1 2.0 8 0"


def test_node_of_an_included_habitat_runs_with_its_settings_and_overrides(run_node: RunNode) -> None:
    given: dict[str, Any] = {"inputs": {"parts": PARTS}, "settings": {"nodes": {"//inner/fit/1": {"rate": 2}}}}
    assert run_node(Outer, "//inner/fit/1", **given)["text"] == "//inner/fit/1 2.0 2 0"
    fake = replace(Training.rates, Rates(8))
    assert run_node(Outer, "//inner/fit/0", fake, inputs={"parts": PARTS})["text"] == "//inner/fit/0 0.5 8 0"


WRONG: list[tuple[Mapping[str, object], Sequence[str]]] = [
    ({}, [r'Input "parts" \(.*Parts\) is missing\. Give inputs=\{"parts": \.\.\.\}']),
    ({"part": PARTS, "parts": PARTS}, [r'no input "part".*Did you mean "parts"']),
    ({"parts": 3, "c": "x"}, ['Input "parts" takes .*Parts', 'Input "c" takes float: Input should be a valid number']),
]


@pytest.mark.parametrize(("inputs", "problems"), WRONG)
def test_wrong_inputs_are_told_together(
    run_node: RunNode, inputs: Mapping[str, object], problems: Sequence[str]
) -> None:
    with pytest.raises(InvalidInputsError, match="(?s)" + ".*".join(problems)):
        run_node(Training, "//fit/0", inputs=inputs)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [([PARTS], r"given by name, as inputs=\{\.\.\.\}; not as list"), ({1: PARTS}, "A name is text, and 1 is none")],
)
def test_inputs_without_names_are_told(run_node: RunNode, new_session: NewSession, inputs: Any, problem: str) -> None:
    with pytest.raises(InvalidInputsError, match=problem):
        run_node(Training, "//fit/0", inputs=inputs)
    with pytest.raises(InvalidInputsError, match=problem):
        new_session(Training, inputs=inputs, engine="in-process")


def test_result_is_held_against_its_annotation_and_the_form_that_is_asked_for(run_node: RunNode) -> None:
    with pytest.raises(WrongResultError, match="//liar promised int, but returned str"):
        run_node(Training, "//liar")
    with pytest.raises(WrongResultError, match="//split promised int, but returned Parts"):
        run_node(Training, "//split", inputs={"table": Table()}, form=int)


@pytest.mark.parametrize("path", ["//count", "//slowly"])
def test_what_a_body_yields_is_a_list_of_which_each_item_is_checked(run_node: RunNode, path: str) -> None:
    assert run_node(Unusual, path, form=list[int]) == [0, 1, 2]
    with pytest.raises(WrongResultError, match=r"//text promised list\[int\], but returned list \(0: .*valid integer"):
        run_node(Unusual, "//text")


def test_files_that_a_body_makes_are_there_when_it_has_ended(run_node: RunNode) -> None:
    files = run_node(Unusual, "//write", form=Files)
    assert files.note.path.read_text() == "a note"
    assert sorted(path.read_text() for path in files.folder.path.iterdir()) == ["a note", "a other"]
    assert [file.path.read_text() for file in run_node(Unusual, "//write-each", form=list[File])] == ["0", "1", "2"]


def test_a_body_may_run_sessions_of_its_own(run_node: RunNode, service_client: PipelineServiceClient) -> None:
    assert run_node(Unusual, "//nest") == "3, WORLD!"
    assert [row.habitat for row in service_client.list_sessions()] == ["hello-world-demo"]


def test_unknown_node_is_told_with_those_that_there_are(run_node: RunNode) -> None:
    with pytest.raises(UnknownNodeError, match=r'"//fit" is a fan-out: name a member, //fit/0 \.\.\. //fit/1'):
        run_node(Training, "//fit")
    with pytest.raises(UnknownNodeError, match=r'"//splt".*Did you mean "//split"'):
        run_node(Training, "//splt")


def test_node_of_an_installed_habitat_runs_by_its_name(run_node: RunNode) -> None:
    assert run_node("hello-world-demo", "//b", inputs={"text": "hi"}, form=str) == "HI"
