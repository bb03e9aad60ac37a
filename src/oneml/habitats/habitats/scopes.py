"""Scopes at work: what has been built in a process, a session or a node, and what must run when it ends."""

import threading
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

_lock = threading.RLock()


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
    """

    session_id: SessionId
    settings: EffectiveSettings[PipelineSettings]
    overrides: "Sequence[Override]"


class Scope:
    """The objects of one session, of one node of it, or of the process as one session sees it.

    Attributes:
        blueprint: How things are built here.
        session: The scope of the session, for a node; None for a session and for the process.
        up: What has been built for the session and the process, by index.
        own: What has been built for this scope itself.
        claims: Which thread builds what for this scope.
        process_settings: The settings of the process.
        session_settings: Those of the session; None for the process.
        node_settings: Those of the node; None outside one.
        opened: What the session was opened with; None for a node and for the process.
        name: What it is called in messages.
        barred: Why nothing can be built now; None where it can.
    """

    __slots__ = (
        "_finalizers",
        "_key",
        "barred",
        "blueprint",
        "claims",
        "name",
        "node_settings",
        "opened",
        "own",
        "process_settings",
        "session",
        "session_settings",
        "up",
    )

    def __init__(
        self,
        blueprint: "Blueprint",
        name: str,
        process_settings: PipelineSettings,
        session_settings: PipelineSettings | None,
        session: "Scope | None" = None,
        node_settings: PipelineSettings | None = None,
        opened: "OpenedSession | None" = None,
        key: object = None,
    ) -> None:
        self.blueprint = blueprint
        self.name = name
        self.process_settings = process_settings
        self.session_settings = session_settings
        self.node_settings = node_settings
        self.session = session
        self.own: dict[int, Any] = {}
        self.up: dict[int, Any] = self.own if session is None else session.up
        self.claims: dict[int, int] = {}
        self.barred: Barred | None = None
        self._finalizers: Finalizers | None = None
        self.opened = opened
        self._key = key

    def open_node(self, path: NodePath, settings: PipelineSettings) -> "Scope":
        """Open the scope of a node of this session."""
        if self.barred is not None:
            raise self.refusal(path)
        return Scope(self.blueprint, path, self.process_settings, self.session_settings, self, settings)

    def build(self, provider: str) -> Any:
        """Return what a provider gives here.

        Args:
            provider: Its dotted name.

        Raises:
            UnknownProviderError: There is none of that name.
            ClosedScopeError: The scope is closed.
        """
        return self.blueprint.build(self, self.blueprint.index_of(provider))

    def close(self) -> None:
        """End the scope; a second time does nothing.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        if self.barred is Barred.CLOSED:
            return
        self.barred = Barred.CLOSED
        try:
            if self._finalizers is not None:
                self._finalizers.close()
        finally:
            self.own.clear()
            self.claims.clear()

    def drop(self) -> None:
        """End the scope because nobody holds it any more; what it has open in another process stays open there.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        self.barred = Barred.CLOSED
        try:
            if self._finalizers is not None:
                self._finalizers.end()
        finally:
            self.own.clear()
            self.claims.clear()

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
        if home.session_settings is None:
            raise UnbuildableError(provider=provider, reason="it belongs to a session, and the process has none.")
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
        if home.session_settings is None:
            return home
        if home.barred is not None:
            raise home.refusal(provider)
        return Scope(home.blueprint, "The process", home.process_settings, None, key=key)

    def process_key(self) -> object:
        """Return what tells the settings of this process from others."""
        opened = (self.session or self).opened
        return self._key if opened is None else (opened.settings.model, opened.settings.process_key)

    def settings_of_session(self, subject: str) -> PipelineSettings:
        """Return the settings of the session.

        Raises:
            UnbuildableError: This is the process, which has no session.
        """
        if self.session_settings is None:
            raise UnbuildableError(provider=subject, reason="it belongs to a session, and the process has none.")
        return self.session_settings

    def settings_of_node(self, subject: str) -> PipelineSettings:
        """Return the settings of the node.

        Raises:
            OutsideNodeError: No node is open.
        """
        if self.node_settings is None:
            raise OutsideNodeError(subject=subject)
        return self.node_settings

    def finalizers(self) -> Finalizers:
        """Return what runs when the scope ends."""
        if self._finalizers is not None:
            return self._finalizers
        if self.session_settings is None:
            return process_finalizers()
        outer = None if self.session is None else self.session.finalizers()
        with _lock:
            if self._finalizers is None:
                self._finalizers = Finalizers(self.name, outer)
            return self._finalizers


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
