"""Scopes at work: what has been built in a process, a session or a node, and what must run when it ends."""

import os
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from oneml.habitats.errors import (
    BuiltInDefineError,
    ClosedScopeError,
    OnemlError,
    OutsideNodeError,
    UnbuildableError,
)
from oneml.habitats.habitats.finalizers import Finalizers, process_finalizers
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId

if TYPE_CHECKING:
    from oneml.habitats.habitats.blueprint import Blueprint
    from oneml.habitats.habitats.overrides import Override

_FINALIZERS = -1
"""Where a scope keeps its finalizers among what has been built in it: no provider has this index."""


class Barred(Enum):
    """Why nothing can be built in a scope now."""

    CLOSED = "closed"
    DEFINING = "defining"


class OpenedSession(NamedTuple):
    """What a session was opened with.

    Attributes:
        session_id: Its id.
        settings: The effective settings.
        overrides: What stands for providers in it, by name.
        order: Among all sessions that this process opens.
    """

    session_id: SessionId
    settings: EffectiveSettings[PipelineSettings]
    overrides: "Sequence[Override]"
    order: int


class Surroundings(NamedTuple):
    """What is the same for a session and all of its nodes.

    Attributes:
        process_settings: The settings of the process.
        session_settings: Those of the session; None where only the process is seen.
        opened: What the session was opened with; None where only the process is seen.
        process_key: What tells the settings of the process from others, where only the process is seen.
    """

    process_settings: PipelineSettings
    session_settings: PipelineSettings | None
    opened: OpenedSession | None
    process_key: object = None


class Scope:
    """The objects of one session, of one node of it, or of the process as one session sees it.

    Attributes:
        blueprint: How things are built here.
        name: What it is called in messages.
        surroundings: What is the same for a session and all of its nodes.
        session: The scope of the session, for a node; None for a session and for the process.
        node_settings: The settings of the node; None outside one.
        own: What has been built for this scope itself, by index.
        up: What has been built for the session and the process, by index.
        claims: Which thread builds what for this scope.
        barred: Why nothing can be built now; None where it can.
    """

    __slots__ = (
        "barred",
        "blueprint",
        "claims",
        "name",
        "node_settings",
        "own",
        "session",
        "surroundings",
        "up",
    )

    def __init__(
        self,
        blueprint: "Blueprint",
        name: str,
        surroundings: Surroundings,
        session: "Scope | None" = None,
        node_settings: PipelineSettings | None = None,
    ) -> None:
        self.blueprint = blueprint
        self.name = name
        self.surroundings = surroundings
        self.session = session
        self.node_settings = node_settings
        self.own: dict[int, Any] = {}
        self.up: dict[int, Any] = self.own if session is None else session.up
        self.claims: dict[int, int] = {}
        self.barred: Barred | None = None

    def open_node(self, path: NodePath, settings: PipelineSettings) -> "Scope":
        """Open the scope of a node of this session; whoever does must close it, or it ends with the session."""
        if self.barred is not None:
            raise self.refusal(path)
        return Scope(self.blueprint, path, self.surroundings, self, settings)

    def build(self, provider: str) -> Any:
        """Return what a provider gives here.

        Args:
            provider: Its dotted name.

        Raises:
            UnknownProviderError: There is none of that name.
            ClosedScopeError: The scope is closed.
        """
        blueprint = self.blueprint
        index = blueprint.graph.names.get(provider)
        return blueprint.build(self, blueprint.index_of(provider) if index is None else index)

    def close(self) -> None:
        """End the scope; a second time does nothing.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        if self.barred is Barred.CLOSED:
            return
        self.barred = Barred.CLOSED
        own = self.own
        try:
            if _FINALIZERS in own:
                own[_FINALIZERS].close()
        finally:
            own.clear()
            self.claims.clear()

    def drop(self) -> None:
        """End the scope because nobody holds it any more; a process leaves what it was forked with open.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        finalizers: Finalizers | None = self.own.get(_FINALIZERS)
        if finalizers is None or finalizers.process_id == os.getpid():
            self.close()

    def finalizers(self) -> Finalizers:
        """Return what runs when the scope ends."""
        standing: Finalizers | None = self.own.get(_FINALIZERS)
        if standing is not None:
            return standing
        if self.surroundings.session_settings is None:
            return process_finalizers()
        session = self.session
        outer = None if session is None else session.own.get(_FINALIZERS) or session.finalizers()
        opened = self.surroundings.opened
        made = Finalizers(self.name, outer, 0 if opened is None else opened.order)
        found: Finalizers = self.own.setdefault(_FINALIZERS, made)
        if found is not made:
            made.run()
        if self.barred is Barred.CLOSED:
            found.run()
        return found

    def refusal(self, provider: str) -> OnemlError:
        """Return the error that says why ``provider`` cannot be built now."""
        if self.barred is Barred.DEFINING:
            return BuiltInDefineError(provider=provider)
        return ClosedScopeError(scope=self.name)

    def home(self, provider: str) -> "Scope":
        """Return the scope of the session.

        Raises:
            ClosedScopeError: It is closed.
            UnbuildableError: This is the process, which has no session.
        """
        home = self.session or self
        if home.surroundings.session_settings is None:
            raise UnbuildableError(provider=provider, reason=_NO_SESSION)
        if home.barred is not None:
            raise home.refusal(provider)
        return home

    def process_scope(self, provider: str, key: object) -> "Scope":
        """Return a scope that sees the process of this one, and nothing of its session.

        Args:
            provider: What is to be built in it.
            key: What `process_key` gives, if that is built from settings of the process.

        Raises:
            ClosedScopeError: This one is closed.
        """
        home = self.session or self
        if home.surroundings.session_settings is None:
            return home
        if home.barred is not None:
            raise home.refusal(provider)
        surroundings = Surroundings(self.surroundings.process_settings, None, None, key)
        return Scope(home.blueprint, "The process", surroundings)

    def process_key(self) -> object:
        """Return what tells the settings of this process from others."""
        opened = self.surroundings.opened
        if opened is None:
            return self.surroundings.process_key
        return (opened.settings.model, opened.settings.process_key)

    def settings_of_session(self, subject: str) -> PipelineSettings:
        """Return the settings of the session.

        Raises:
            UnbuildableError: This is the process, which has no session.
        """
        settings = self.surroundings.session_settings
        if settings is None:
            raise UnbuildableError(provider=subject, reason=_NO_SESSION)
        return settings

    def settings_of_node(self, subject: str) -> PipelineSettings:
        """Return the settings of the node.

        Raises:
            OutsideNodeError: No node is open.
        """
        if self.node_settings is None:
            raise OutsideNodeError(subject=subject)
        return self.node_settings

    def path_of_node(self, subject: str) -> NodePath:
        """Return the path of the node.

        Raises:
            OutsideNodeError: No node is open.
        """
        if self.node_settings is None:
            raise OutsideNodeError(subject=subject)
        return NodePath(self.name)


_NO_SESSION = "it belongs to a session, and the process has none."


class Lease:
    """Keeps a scope open as long as an author holds the opened container, or a provider taken from it.

    What is built in the scope, and providers that are passed to it, do not hold the lease: they end with it.
    """

    __slots__ = ("_outer", "_scope")

    def __init__(self, scope: Scope, outer: "Lease | None" = None) -> None:
        self._scope = scope
        self._outer = outer

    def __del__(self) -> None:
        if self._scope.barred is not Barred.CLOSED:
            self._scope.drop()


Builder: TypeAlias = Callable[[Scope], Any]
"""Gives what a provider gives in a scope."""
