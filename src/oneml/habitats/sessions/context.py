"""Which session and node this code runs in."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.data.scratch import new_folder
from oneml.habitats.errors import NoSessionError
from oneml.habitats.values.lineage import Parent
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId

if TYPE_CHECKING:
    from oneml.habitats.data.publisher import Publisher
    from oneml.habitats.habitats.overrides import Override
    from oneml.habitats.sessions.client import PipelineServiceClient
    from oneml.habitats.sessions.interrupts import Interrupts
    from oneml.habitats.sessions.session import PipelineSession
    from oneml.habitats.settings.models import PipelineSessionSettings


class Executing(NamedTuple):
    """What is executing.

    Attributes:
        habitat: Name of the habitat.
        session_id: The session.
        node: The node; None while no node runs.
        attempt: The attempt at it, from 1; 0 where nothing is recorded of it.
    """

    habitat: str
    session_id: SessionId
    node: NodePath | None
    attempt: int = 0


class NodeWork(NamedTuple):
    """What the body that runs here works with.

    Attributes:
        service: Creates sessions in the same store; None where a body runs alone.
        interrupts: Of its session.
        publisher: Publishes its outputs.
        sessions: Those that the body created or took up.
    """

    service: "PipelineServiceClient | None"
    interrupts: "Interrupts"
    publisher: "Publisher"
    sessions: set[SessionId]


_work: ContextVar[NodeWork | None] = ContextVar("oneml_node_work", default=None)
_current: ContextVar[Executing | None] = ContextVar("oneml_executing", default=None)


def enter(executing: Executing) -> Token[Executing | None]:
    """Make ``executing`` current, until `leave` is called with the token."""
    return _current.set(executing)


def leave(token: Token[Executing | None]) -> None:
    """Make current again what was before."""
    _current.reset(token)


def start_work(work: NodeWork) -> Token[NodeWork | None]:
    """Let a body work with ``work``, until `end_work` is called with the token."""
    return _work.set(work)


def end_work(token: Token[NodeWork | None]) -> None:
    """Let what was before count again."""
    _work.reset(token)


def outer_interrupts() -> "Interrupts | None":
    """Return the interrupts of the session whose node runs here; None outside of bodies."""
    work = _work.get()
    return None if work is None else work.interrupts


def creating_node() -> Parent | None:
    """Return the node whose body creates a session here; None outside of bodies."""
    executing = _current.get()
    if executing is None or executing.node is None:
        return None
    return Parent(executing.session_id, executing.node, executing.attempt)


def note_session(session_id: SessionId) -> None:
    """Note that the body which runs here, where one does, uses a session."""
    work = _work.get()
    if work is not None:
        work.sessions.add(session_id)


def has_sessions() -> bool:
    """Tell whether the body that runs here has used sessions, which its reuse key knows nothing of."""
    work = _work.get()
    return work is not None and bool(work.sessions)


def _service() -> "PipelineServiceClient":
    work = _work.get()
    if work is None or work.service is None:
        raise NoSessionError
    return work.service


class PipelineSessionContext:
    """The currently executing session and node, kept on contextvars: right in threads, asyncio and nested sessions."""

    @staticmethod
    def current() -> Executing:
        """Return what is executing here.

        Raises:
            NoSessionError: Nothing is.
        """
        executing = _current.get()
        if executing is None:
            raise NoSessionError
        return executing

    @staticmethod
    def get() -> Executing | None:
        """Return what is executing here, or None."""
        return _current.get()

    @staticmethod
    def client() -> "PipelineServiceClient":
        """Return what creates and loads sessions in the store of the session that executes here.

        Raises:
            NoSessionError: No node runs here.
        """
        return _service()

    @staticmethod
    def publisher() -> "Publisher":
        """Return what publishes outputs of the node that runs here before its body returns.

        What it publishes is committed together with the node, or not at all. The result has what it returns in the
        place of the value::

            def __call__(self, table: Table) -> Fit:
                publisher = PipelineSessionContext.publisher()
                model = publisher.publish(train(table), port="model")
                return Fit(model=model, curve=publisher.publish_file(Path("curve.bin"), port="curve"))

        Raises:
            NoSessionError: No node runs here.
        """
        work = _work.get()
        if work is None:
            raise NoSessionError
        return work.publisher

    @staticmethod
    def scratch_folder() -> Path:
        """Return a new, empty folder for files that the node which runs here makes.

        It is removed when the node has ended, and what the node gave as a `File` or a `Folder` is stored by then;
        outside of nodes, when the process ends.

        Raises:
            OSError: The system refuses.
        """
        return new_folder()

    @staticmethod
    def nested_session(
        habitat: str,
        *overrides: "Override",
        name: str = "",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        inputs: Mapping[str, object] | None = None,
    ) -> "PipelineSession":
        """Return a session for the body of the node that runs here: the work of it that no plan could know before.

        It names the session and the node as its parent. Where an earlier attempt at the node, or an earlier call, made
        a session of the same pipeline, settings and inputs, that one is taken up: what it has computed is not
        computed again. Run it inside a ``with`` block, and pass on what it gives::

            with PipelineSessionContext.nested_session("fold", inputs={"table": table}) as session:
                session.run().raise_unless_succeeded()
                return session.output("//score", form=float)

        Args:
            habitat: Name of the habitat; on a worker it must be installed.
            overrides: Replaced providers; live objects make a session that no later attempt takes up.
            name: Tells sessions apart that are the same otherwise, and shall both run.
            settings: The settings of the session, or a mapping of them.
            inputs: The inputs of its pipeline by name.

        Raises:
            NoSessionError: No node runs here.
            UsageError: As `PipelineServiceClient.create_session`.
            StoreError: The store failed.
        """
        from oneml.habitats.sessions.nesting import nested_session  # noqa: PLC0415  # few bodies create sessions

        return nested_session(
            _service(),
            PipelineSessionContext.current(),
            habitat,
            *overrides,
            name=name,
            settings=settings,
            inputs=inputs,
        )

    @staticmethod
    @contextmanager
    def entered(habitat: str, session_id: SessionId, node: NodePath | None = None) -> Generator[Executing]:
        """Make a session, and perhaps a node, the executing one inside the block; restored whatever happens."""
        executing = Executing(habitat, session_id, node)
        token = enter(executing)
        try:
            yield executing
        finally:
            leave(token)
