"""Bodies that cannot be called, say no types, or take them in ways that have no names."""

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents


class Plain:
    pass


class Bare:
    def __call__(self, x):  # type: ignore[no-untyped-def]
        return x


class Variadic:
    def __call__(self, *rows: str) -> str:
        return ""


def make():  # type: ignore[no-untyped-def]
    return None


class Broken(PipelineComponents):
    plain = providers.Factory(Plain)
    bare = providers.Factory(Bare)
    variadic = providers.Factory(Variadic)
    made = providers.Callable(make)

    def define(self, pipeline: PipelineBuilder) -> None:
        for name in ("plain", "bare", "variadic", "made"):
            pipeline.node(name, getattr(self, name))()
