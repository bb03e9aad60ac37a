"""The same services in a container of ours: opened once as a session, then a scope for each node."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

from dependency_injector import providers

from benchmarks.services import NODE, PROCESS, ROOT, SESSION, needs, new_classes
from oneml.habitats import NodeResource, NodeSingleton, PipelineComponents, PipelineSettings, ProcessSingleton, replace
from oneml.habitats.values.node_path import parse_node_path


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


def new_session(*, cached: bool, finalizer: bool) -> PipelineComponents:
    """Return an opened container; where there is a finalizer, an override of C1 is in force as well."""
    k = new_classes()
    container = new_container(k, cached=cached, finalizer=finalizer)
    overrides = [replace(container.c1, k.C1(k.S7(k.S1(), k.S2())))] if finalizer else []
    return container.open(overrides=overrides)


class Ours:
    """A node scope as whatever runs nodes opens it: by a path and the settings in force."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        session = new_session(cached=cached, finalizer=finalizer)
        path, settings, root, single = parse_node_path("//t"), PipelineSettings(), ROOT.lower(), "s7"
        self.open = lambda: session.open_node(path, settings)
        self.root = lambda scope: scope.build(root)
        self.single = lambda scope: scope.build(single)
        self.close = lambda scope: scope.close()


class ByHand:
    """A node scope as people open it: a block, with an instance of the container that is bound to it."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        session = new_session(cached=cached, finalizer=finalizer)
        root, single = ROOT.lower(), "s7"

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
