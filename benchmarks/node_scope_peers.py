"""The same services in plain Python and in each peer: a scope opened, its root resolved, the scope closed."""

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Protocol

import wireup
from dependency_injector import containers, providers
from dishka import Provider, Scope, make_container

from benchmarks.services import NODE, PROCESS, ROOT, SESSION, needs, new_classes


class Contender(Protocol):
    """What is timed."""

    def open(self) -> object:
        """Open a scope."""

    def root(self, scope: object) -> object:
        """Resolve the root in it."""

    def single(self, scope: object) -> object:
        """Resolve S7, which lives as long as the process, in it."""

    def close(self, scope: object) -> None:
        """Close it."""


class Plain:
    """Hand-written Python that does the same work."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        k = new_classes()
        s = dict.fromkeys(PROCESS)
        for name in (*PROCESS, *SESSION):
            s[name] = getattr(k, name)(*[s[need] for need in needs(name)])
        c1, c2, c3, c4, c5, s7, s9 = (s[name] for name in ("C1", "C2", "C3", "C4", "C5", "S7", "S9"))
        t1, t2, t3, t4, t5 = (getattr(k, name) for name in NODE)

        class PlainScope:
            __slots__ = ("closing", "t5")

            def __init__(self) -> None:
                self.t5 = self.closing = None

        make_t1 = _yielding(t1)

        def new(scope: PlainScope) -> object:
            if finalizer:
                scope.closing = make_t1(c1, c2)
                first = next(scope.closing)
            else:
                first = t1(c1, c2)
            return t5(first, t2(c3), t3(c4), t4(c5, s9))

        def kept(scope: PlainScope) -> object:
            if scope.t5 is None:
                scope.t5 = new(scope)
            return scope.t5

        def close(scope: PlainScope) -> None:
            if scope.closing is not None:
                next(scope.closing, None)
                scope.closing = None
            scope.t5 = None

        self.open, self.close = PlainScope, close
        self.root = kept if cached else new
        self.single = lambda _scope: s7


class Stock:
    """dependency-injector as it comes: a container for each node, over one for the session."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        k = new_classes()
        session_providers: dict[str, providers.Provider] = {}
        for name in (*PROCESS, *SESSION):
            given = [session_providers[need] for need in needs(name)]
            session_providers[name] = providers.Singleton(getattr(k, name), *given)
        session = type("Session", (containers.DeclarativeContainer,), session_providers)()
        above = providers.DependenciesContainer()
        known = {name: getattr(above, name) for name in session_providers}
        for name in NODE:
            kind = providers.Singleton if cached else providers.Factory
            make = getattr(k, name)
            if finalizer and name == "T1":
                kind, make = providers.Resource, _yielding(make)
            known[name] = kind(make, *[known[need] for need in needs(name)])
        own = {name: known[name] for name in NODE}
        node = type("Node", (containers.DeclarativeContainer,), {"above": above, **own})

        def close(scope: containers.DynamicContainer) -> None:
            if finalizer:
                scope.shutdown_resources()
            scope.reset_override()

        self.open = functools.partial(node, above=session)
        self.root = lambda scope: getattr(scope, ROOT)()
        self.single = lambda scope: scope.above.S7()
        self.close = close


class Dishka:
    """dishka: process is APP, session is REQUEST, node is ACTION."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        k = new_classes()
        provider = Provider()
        for name in PROCESS:
            provider.provide(getattr(k, name), scope=Scope.APP)
        for name in SESSION:
            provider.provide(getattr(k, name), scope=Scope.REQUEST)
        for name in NODE:
            make = _yielding_t1(k) if finalizer and name == "T1" else getattr(k, name)
            provider.provide(make, scope=Scope.ACTION, cache=cached)
        session = make_container(provider)().__enter__()
        self.open = lambda: session().__enter__()
        self.root = lambda scope: scope.get(k.T5)
        self.single = lambda scope: scope.get(k.S7)
        self.close = lambda scope: scope.close()


class Wireup:
    """wireup: process and session are singletons, node is scoped."""

    def __init__(self, *, cached: bool, finalizer: bool = False) -> None:
        k = new_classes()
        lifetimes = {"S": "singleton", "C": "singleton", "T": "scoped" if cached else "transient"}
        injectables = []
        for name in (*PROCESS, *SESSION, *NODE):
            make = _yielding_t1(k) if finalizer and name == "T1" else getattr(k, name)
            injectables.append(wireup.injectable(lifetime=lifetimes[name[0]])(make))
        container = wireup.create_sync_container(injectables=injectables)

        def enter() -> tuple[AbstractContextManager[object], object]:
            manager = container.enter_scope()
            return manager, manager.__enter__()

        self.open = enter
        self.root = lambda scope: scope[1].get(k.T5)
        self.single = lambda scope: scope[1].get(k.S7)
        self.close = lambda scope: scope[0].__exit__(None, None, None)


def _yielding(make: type) -> Callable[..., Iterator[object]]:
    def resource(*given: object) -> Iterator[object]:
        yield make(*given)

    return resource


def _yielding_t1(k: SimpleNamespace) -> object:
    def t1(a, b):  # annotated below, where the classes are known
        yield k.T1(a, b)

    t1.__annotations__ = {"a": k.C1, "b": k.C2, "return": Iterator[k.T1]}
    return t1
