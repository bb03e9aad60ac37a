"""What both type checkers must reject: every line that is marked, and no other. Never run."""

from collections.abc import Sequence

from accepted import Client, Split, Typed, TypedSettings
from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, Settings, replace

components = Typed.open()
components.clietn()  # rejected: a provider that the opened container lacks
Typed.clietn  # rejected: a provider that the class lacks
number: int = components.client()  # rejected: what a provider gives
components.settings.session.sede  # rejected: a setting that the model lacks
components.settings.session.train.iteration  # rejected: a setting that a nested model lacks
replace(Typed.client, Split(1))  # rejected: an override of another type


class Misspelt(PipelineComponents):
    settings = Settings(TypedSettings)
    split = providers.Singleton(Split, seed=settings.session.sede)  # rejected: a setting that the model lacks


def define(pipeline: PipelineBuilder) -> None:
    numbers = pipeline.node("load", components.load)()
    parts = pipeline.node("split", components.split)(numbers=numbers)
    pipeline.node("split2", components.split)(number=numbers)  # rejected: an input that the body lacks
    pipeline.node("split3", components.split)()  # rejected: an input that is not fed
    pipeline.node("split4", components.split)(numbers=parts)  # rejected: another type on an edge
    pipeline.node("train", components.train)(parts=parts, rate=pipeline.each(["a"]))  # rejected: values to fan out over
    score = pipeline.node("train2", components.train)(parts=parts, rate=pipeline.each([0.1]))
    pipeline.node("select", components.select)(scores=score)  # rejected: a fan-out that is not gathered
    pipeline.node("client", components.client)  # rejected: a provider of what cannot be called
    parts.trian  # rejected: an output port that the result lacks


def gather(pipeline: PipelineBuilder, client: Client) -> Sequence[int]:
    return pipeline.gather(client)  # rejected: another type than what was gathered
