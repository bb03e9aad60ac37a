"""Training, selecting and evaluating a classifier of handwritten digits."""

from dependency_injector import providers

from digits_training.clients import DigitsClient
from digits_training.models import ClassifierFactory, ReducerFactory
from digits_training.nodes import Evaluate, Load, Reduce, Select, Split, Summarize, Train
from digits_training.settings import DigitsSettings
from digits_training.splitting import Splitter
from digits_training.threads import one_thread
from oneml.habitats import PipelineBuilder, PipelineComponents, ProcessResource, ProcessSingleton, Settings


class DigitsTraining(PipelineComponents):
    """Load, split, scale and reduce, train once for each ``c``, select, evaluate on held-out images, report."""

    settings = Settings(DigitsSettings)

    client = ProcessSingleton(DigitsClient)
    threads = ProcessResource(one_thread)
    splitter = providers.Singleton(
        Splitter,
        seed=settings.session.seed,
        held_out=settings.session.held_out,
        validation=settings.session.validation,
    )
    reducers = providers.Singleton(ReducerFactory, variance=settings.session.variance, threads=threads)
    classifiers = providers.Factory(ClassifierFactory, iterations=settings.node.train.iterations, threads=threads)

    load = providers.Factory(Load, client=client)
    split = providers.Factory(Split, splitter=splitter)
    reduce = providers.Factory(Reduce, reducers=reducers)
    train = providers.Factory(Train, classifiers=classifiers)
    select = providers.Factory(Select)
    evaluate = providers.Factory(Evaluate)
    summarize = providers.Factory(Summarize)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define the pipeline."""
        digits = pipeline.node("load", self.load)()
        parts = pipeline.node("split", self.split)(digits=digits)
        reduced = pipeline.node("reduce", self.reduce)(train=parts.train, validation=parts.validation)
        fit = pipeline.node("train", self.train)(
            train=reduced.train,
            validation=reduced.validation,
            c=pipeline.each(self.settings.session.train.c),
        )
        best = pipeline.node("select", self.select)(fits=pipeline.gather(fit))
        evaluation = pipeline.node("evaluate", self.evaluate)(
            held_out=parts.held_out, reducer=reduced.reducer, model=best.model
        )
        report = pipeline.node("report", self.summarize)(
            candidates=best.candidates, c=best.c, accuracy=evaluation.accuracy, confusion=evaluation.confusion
        )
        pipeline.output("accuracy", report.accuracy)
        pipeline.output("model", best.model)
