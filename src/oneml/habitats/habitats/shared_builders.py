"""Builders that keep what they build: in the node, in the session, in a thread of it, or in the process."""

import threading
from threading import get_ident
from typing import Any

from oneml.habitats.errors import OutsideNodeError
from oneml.habitats.habitats.process_objects import process_object
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.scopes import Builder, Scope
from oneml.habitats.habitats.single_build import MISSING, build_once, tell_waiting, waiting


def kept_in_node(index: int, make: Builder, name: str) -> Builder:
    """Return a builder of one object for each node attempt."""

    def build(scope: Scope) -> Any:
        made = scope.own.get(index, MISSING)
        if made is not MISSING:
            return made
        if scope.node_settings is None:
            raise OutsideNodeError(subject=f'"{name}"')
        # The first pass of build_once, written out: nodes are opened often, and nobody else is there most often.
        claims = scope.claims
        mine = get_ident()
        if claims.setdefault(index, mine) is not mine:
            return build_once(scope, index, make, scope, name)
        try:
            made = scope.own[index] = make(scope)
        except BaseException:
            claims.pop(index, None)
            raise
        finally:
            if waiting:
                tell_waiting()
        return made

    return build


def kept_in_session(index: int, make: Builder, name: str) -> Builder:
    """Return a builder of one object for each session."""

    def build(scope: Scope) -> Any:
        made = scope.up.get(index, MISSING)
        if made is not MISSING:
            return made
        home = scope.home(name)
        return build_once(home, index, make, home, name)

    return build


def kept_in_thread(index: int, make: Builder, name: str) -> Builder:
    """Return a builder of one object for each thread of a session."""
    locals_of = kept_in_session(index, lambda _: threading.local(), name)

    def build(scope: Scope) -> Any:
        local = locals_of(scope)
        made = getattr(local, "made", MISSING)
        if made is MISSING:
            made = local.made = make(scope.home(name))
        return made

    return build


def kept_in_process(index: int, make: Builder, name: str, provider: AnyProvider, *, keyed: bool) -> Builder:
    """Return a builder of one object for the process.

    Args:
        index: Where sessions keep it at hand.
        make: Builds it.
        name: What it is called in messages.
        provider: The declared provider.
        keyed: Whether it reads settings of the process, so that sessions that differ in these have others.
    """

    def build(scope: Scope) -> Any:
        made = scope.up.get(index, MISSING)
        if made is not MISSING:
            return made
        key = scope.process_key() if keyed else None
        outer = scope.process_scope(name, key)
        made = scope.up[index] = process_object(provider, key, make, outer, name)
        return made

    return build
