"""What engines call in their workers: plain data in, plain data out, and nothing raised.

A worker keeps the sessions that it has opened, so that only the first node of a session pays for the container.
"""

import atexit
import threading
from collections import Counter, OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib import import_module

from oneml.habitats.errors import InvalidDocumentError, OnemlError, RefusalError
from oneml.habitats.ports.engine import WorkerMessage, WorkerReply
from oneml.habitats.sessions.attempts import Commit, commit_of
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.node_runner import error_record
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.sessions.single_nodes import CarriedOutcome
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secrets import mask_secrets
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.outcome_json import outcome_from_json, outcome_to_json
from oneml.habitats.values.states import NodeState

SESSIONS_MAX = 4
"""Sessions that a worker keeps open; those that it has not used for longest are closed."""

_WHAT = "message to a worker"
_OFTEN_NEEDED = (
    "platformdirs",
    "oneml.habitats.data.serializers.json",
    "oneml.habitats.data.serializers.text",
    "oneml.habitats.graph.builder",
)
"""What containers and nodes import when a session is opened."""

_Key = tuple[str | None, str, str]
"""URL of the store, name of the habitat, id of the session."""


class WarmSessions:
    """The sessions that are open in this process.

    Args:
        limit: How many are kept, beside those in which nodes are at work.
    """

    def __init__(self, limit: int = SESSIONS_MAX) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: OrderedDict[_Key, PipelineSession] = OrderedDict()
        self._users: Counter[_Key] = Counter()
        self._clients: dict[str | None, PipelineServiceClient] = {}
        self._at_hand: tuple[PipelineSession, ...] = ()

    @contextmanager
    def leased(self, store_url: str | None, habitat: str, session_id: str) -> Generator[PipelineSession]:
        """Have a session, read from its recipe unless it is at hand; it is not closed before the block ends.

        Raises:
            OnemlError: As `PipelineServiceClient.session`.
        """
        key = (store_url, habitat, session_id)
        with self._lock:
            session = self._open.get(key)
            if session is None:
                client = self._clients.get(store_url)
                if client is None:
                    client = self._clients[store_url] = PipelineServiceClient(store=store_url)
                session = self._open[key] = client.session(habitat, session_id)
                self._at_hand = tuple(self._open.values())
            self._open.move_to_end(key)
            self._users[key] += 1
            self._close_idle()
        try:
            yield session
        finally:
            with self._lock:
                self._users[key] -= 1
                self._close_idle()

    def secret_texts(self) -> frozenset[str]:
        """Return the texts that must not show, of all of them; waits for nobody, for what prints may hold the lock."""
        return frozenset[str]().union(*(session.secret_texts() for session in self._at_hand))

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
            self._at_hand = ()

    def _close_idle(self) -> None:
        """Close those that were not used for longest, down to the limit."""
        if len(self._open) <= self._limit:
            return
        for key in [key for key in self._open if not self._users[key]][: len(self._open) - self._limit]:
            self._open.pop(key).close()
            self._at_hand = tuple(self._open.values())
            del self._users[key]


_warm = WarmSessions()


def preload() -> None:
    """Load what every node needs, importing this module included, and see to it that sessions are closed at the end."""
    for name in _OFTEN_NEEDED:
        import_module(name)
    PipelineSettings.model_rebuild()
    atexit.unregister(_warm.close)  # a worker of a cluster is told to load once for each session
    atexit.register(_warm.close)


def masked(text: str) -> str:
    """Return a text without the secrets of the sessions that are open here."""
    return mask_secrets(text, _warm.secret_texts())


def run_task(message: WorkerMessage) -> WorkerReply:
    """Run the node that a message names, and answer how that ended; see `WorkerMessage`."""
    path = NodePath(str(message.get("node")))
    attempt = message.get("attempt")
    number = attempt if isinstance(attempt, int) else 1
    given = message.get("inline_max_bytes")
    inline = given if isinstance(given, int) else 0
    try:
        with _warm.leased(*_named(message)) as session:
            outcome, revision = _outcome(session, path, message, attempt=number, inline_max_bytes=inline)
    except BaseException as error:  # noqa: BLE001  # a reply is all that leaves a worker
        outcome, revision = _ended(path, number, error, None), 0
    return {"node": path, "outcome": outcome_to_json(outcome), "committed": inline <= 0, "revision": revision}


def _outcome(
    session: PipelineSession, path: NodePath, message: WorkerMessage, *, attempt: int, inline_max_bytes: int
) -> CarriedOutcome:
    try:
        if inline_max_bytes <= 0:
            return CarriedOutcome(session.run_node(path), 0)
        known = _commits(message.get("upstream"))
        return session.run_carried(path, attempt=attempt, upstream=known, inline_max_bytes=inline_max_bytes)
    except BaseException as error:  # noqa: BLE001  # a reply is all that leaves a worker
        return CarriedOutcome(_ended(path, attempt, error, session), 0)


def _named(message: WorkerMessage) -> _Key:
    habitat, session_id, store_url = (message.get(name) for name in ("habitat", "session_id", "store_url"))
    if not isinstance(habitat, str) or not isinstance(session_id, str):
        raise InvalidDocumentError(what=_WHAT, reason="it names no habitat and no session")
    if store_url is not None and not isinstance(store_url, str):
        raise InvalidDocumentError(what=_WHAT, reason="its store is no URL")
    return store_url, habitat, session_id


def _commits(upstream: JsonValue) -> Mapping[NodePath, Commit]:
    found: dict[NodePath, Commit] = {}
    for reply in upstream if isinstance(upstream, list | tuple) else ():
        document: JsonValue = reply.get("outcome") if isinstance(reply, Mapping) else None
        if isinstance(document, Mapping):
            outcome = outcome_from_json(document, what=_WHAT)
            found[outcome.path] = commit_of(outcome)
    return found


def _ended(path: NodePath, attempt: int, error: BaseException, session: PipelineSession | None) -> NodeOutcome:
    state = NodeState.FAILED
    if isinstance(error, KeyboardInterrupt):
        state = NodeState.CANCELLED
    elif isinstance(error, RefusalError):
        state, attempt = NodeState.REFUSED, 0
    secrets = frozenset[str]() if session is None else session.secret_texts()
    record = error_record(error, secrets)
    if isinstance(error, OnemlError):
        record = record._replace(type=type(error).__name__, text=mask_secrets(str(error), secrets))
    return NodeOutcome(path, state, attempt, None, record)
