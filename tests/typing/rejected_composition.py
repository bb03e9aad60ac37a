"""What type checkers must reject of streams and publishers. Never run."""

from collections.abc import Iterator, Sequence

from oneml.habitats import Parts, PipelineBuilder, PipelineServiceClient, PipelineSessionContext


class Numbers:
    def __call__(self) -> Iterator[int]:
        raise NotImplementedError


class Words:
    def __call__(self, words: Sequence[str]) -> int:
        raise NotImplementedError


class Listed:
    def __call__(self, numbers: list[int]) -> int:
        raise NotImplementedError


class Folds:
    def __call__(self, folds: Parts[int]) -> list[int]:
        folds["a"] = 1  # rejected: mypy, basedpyright
        return PipelineSessionContext.publisher().publish("text")  # rejected: mypy, basedpyright


def numbers() -> Numbers:
    raise NotImplementedError


def words() -> Words:
    raise NotImplementedError


def listed() -> Listed:
    raise NotImplementedError


def streams(pipeline: PipelineBuilder) -> None:
    stream = pipeline.node("numbers", numbers)()
    pipeline.node("words", words)(words=stream)  # rejected: mypy, basedpyright
    pipeline.node("listed", listed)(numbers=stream)  # rejected: mypy, basedpyright


def parts(client: PipelineServiceClient) -> None:
    client.create_session("digits", only=3)  # rejected: mypy, basedpyright
    client.create_session("digits", start_from="//train")  # rejected: mypy, basedpyright
