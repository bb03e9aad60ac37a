"""What a body needs is given by nothing, three providers down."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Bucket:
    def __init__(self, region: str) -> None:
        self.region = region


class Writer:
    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket


class Report:
    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    bucket = providers.Singleton(Bucket)
    writer = providers.Factory(Writer, bucket=bucket)
    report = providers.Factory(Report, writer=writer)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("report", self.report)())
