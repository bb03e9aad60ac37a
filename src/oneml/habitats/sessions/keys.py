"""Where the documents of a session lie in an artifact store."""

import hashlib

from oneml.habitats.values.node_path import NodePath, node_key
from oneml.habitats.values.session_id import SessionId, session_key

SESSIONS = "sessions"
_COMMIT = ".commit.json"


def session_prefix(session_id: SessionId) -> str:
    """Everything of a session."""
    return f"{SESSIONS}/{session_key(session_id)}"


def recipe_key(session_id: SessionId) -> str:
    """The header of the recipe; the session exists if and only if this does."""
    return f"{session_prefix(session_id)}/recipe.json"


def document_key(session_id: SessionId, name: str, digest: str) -> str:
    """A document of the recipe beside its header; named after its content, so a half-made one is in nobody's way."""
    return f"{session_prefix(session_id)}/recipe/{name}-{digest[:32]}.json"


def explanation_key(name: str, digest: str) -> str:
    """A document that explains a part of recipes; sessions of the same code share it."""
    return f"explanations/{name}-{digest[:32]}.json"


def pin_key(session_id: SessionId, provider: str) -> str:
    """Which code a provider is built from, where the driver does not have it."""
    return f"{session_prefix(session_id)}/pins/{hashlib.sha256(provider.encode()).hexdigest()[:32]}.json"


def revisions_prefix(session_id: SessionId) -> str:
    """The revisions of the settings of a session."""
    return f"{session_prefix(session_id)}/revisions"


def revision_key(session_id: SessionId, number: int) -> str:
    """One revision."""
    return f"{revisions_prefix(session_id)}/{number}.json"


def nodes_prefix(session_id: SessionId) -> str:
    """What became of nodes: documents of all of them side by side, named by `node_key` up to the first dot."""
    return f"{session_prefix(session_id)}/nodes"


def commit_key(session_id: SessionId, path: NodePath) -> str:
    """The commit pointer of a node."""
    return f"{nodes_prefix(session_id)}/{node_key(path)}{_COMMIT}"


def is_commit(name: str) -> bool:
    """Tell whether a document beside those of other nodes is a commit, by its name."""
    return name.endswith(_COMMIT)


def claim_key(session_id: SessionId, path: NodePath, attempt: int) -> str:
    """Who has this attempt."""
    return f"{nodes_prefix(session_id)}/{node_key(path)}.{attempt}.claim"


def outcome_key(session_id: SessionId, path: NodePath, attempt: int) -> str:
    """How this attempt ended, where it did not end with the commit."""
    return f"{nodes_prefix(session_id)}/{node_key(path)}.{attempt}.outcome.json"
