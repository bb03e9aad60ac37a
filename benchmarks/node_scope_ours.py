"""The same services in a container of ours: opened once as a session, then a scope for each node."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

from dependency_injector import providers

from benchmarks.services import NODE, PROCESS, ROOT, SESSION, needs, new_classes
from oneml.habitats import NodeResource, NodeSingleton, PipelineComponents, ProcessSingleton, replace


def new_container(
    k: SimpleNamespace, *, cached: bool, finalizer: bool, base: type[PipelineComponents] = PipelineComponents
) -> type[PipelineComponents]:
    """Return a declarative container of the services.

    Args:
        k: Their classes.
        cached: Whether what belongs to a node is made once for each node, or at each use.
        finalizer: Whether T1 is a resource that is closed with its node.
        base: What it derives from.
    """
    declared: dict[str, providers.Provider] = {}
    for name in (*PROCESS, *SESSION, *NODE):
        node_kind = NodeSingleton if cached else providers.Factory
        kind = {"S": ProcessSingleton, "C": providers.Singleton, "T": node_kind}[name[0]]
        make: Callable[..., object] = getattr(k, name)
        if finalizer and name == "T1":
            kind, make = NodeResource, _yielding(make)
        declared[name.lower()] = kind(make, *[declared[need.lower()] for need in needs(name)])
    return type("Services", (base,), {**declared, "__module__": __name__, "__doc__": "The services."})


class Ours:
    """A node scope of ours; where there is a finalizer, an override of C1 is in force as well."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        k = new_classes()
        container = new_container(k, cached=cached, finalizer=finalizer)
        overrides = [replace(container.c1, k.C1(k.S7(k.S1(), k.S2())))] if finalizer else []
        self._session = container.open(overrides=overrides)
        session, root, single = self._session, ROOT.lower(), "s7"

        def enter() -> tuple[object, object]:
            manager = session.node("//t")
            return manager, manager.__enter__()

        self.open = enter
        self.root = lambda scope: getattr(scope[1], root)()
        self.single = lambda scope: getattr(scope[1], single)()
        self.close = lambda scope: scope[0].__exit__(None, None, None)


def _yielding(make: Callable[..., object]) -> Callable[..., Iterator[object]]:
    def resource(*given: object) -> Iterator[object]:
        yield make(*given)

    return resource
