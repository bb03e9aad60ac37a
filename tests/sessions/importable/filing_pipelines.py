"""A habitat whose nodes give and take files and folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dependency_injector import providers

from oneml.habitats import File, Folder, PipelineBuilder, PipelineComponents, PipelineSessionContext


class Written(NamedTuple):
    model: File
    logs: Folder


class Write:
    def __call__(self, size: int) -> Written:
        folder = PipelineSessionContext.scratch_folder()
        model = folder / "model.bin"
        model.write_bytes(b"m" * size)
        logs = folder / "logs"
        (logs / "deep").mkdir(parents=True)
        (logs / "deep" / "1.txt").write_text(str(folder))
        return Written(model=File(model), logs=Folder(logs))


class Read:
    def __call__(self, model: File, logs: Folder) -> list[str]:
        made_in = logs.path.joinpath("deep", "1.txt").read_text()
        return [Path(model).name, str(model.path.stat().st_size), made_in, str(model.path.parent)]


class Sizes:
    def __call__(self, models: Sequence[File], given: File) -> list[int]:
        return [file.path.stat().st_size for file in (*models, given)]


class Filing(PipelineComponents):
    write = providers.Factory(Write)
    read = providers.Factory(Read)
    sizes = providers.Factory(Sizes)

    def define(self, pipeline: PipelineBuilder) -> None:
        given = pipeline.input("given", File)
        written = pipeline.node("write", self.write)(size=pipeline.each([10, 30_000]))
        read = pipeline.node("read", self.read)(model=written.model, logs=written.logs)
        pipeline.output("read", pipeline.gather(read))
        sizes = pipeline.node("sizes", self.sizes)(models=pipeline.gather(written.model), given=given)
        pipeline.output("sizes", sizes)
