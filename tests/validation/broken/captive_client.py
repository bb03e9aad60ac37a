"""A process object keeps an object of the session, a session object one of the node."""

from dependency_injector import providers

from oneml.habitats import NodeSingleton, PipelineBuilder, PipelineComponents, ProcessSingleton


class Session:
    pass


class Pool:
    def __init__(self, session: Session) -> None:
        self.session = session


class Body:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __call__(self) -> int:
        return 1


class Broken(PipelineComponents):
    session_client = providers.Singleton(Session)
    pool = ProcessSingleton(Pool, session=session_client)
    scratch = NodeSingleton(Session)
    shared = providers.Singleton(Pool, session=scratch)
    body = providers.Factory(Body, pool=pool)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())
