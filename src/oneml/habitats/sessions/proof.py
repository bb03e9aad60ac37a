"""What a worker's check of one node found, and what a change of settings came to."""

from typing import NamedTuple

from oneml.habitats.sessions.verified import Compared
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId


class Proof(NamedTuple):
    """A node that would run here as it would have run where the session was created.

    Attributes:
        session_id: The session.
        habitat: Name of its habitat.
        node: The node.
        revision: The revision of the settings that was looked at.
        fingerprint: Of the node; None where it is unproven, and the policy only warns.
        compared: What was held against the recipe.
        allowed: Differences that the policy lets pass.
        notices: What differs without effect, for a person.
    """

    session_id: SessionId
    habitat: str
    node: NodePath
    revision: int
    fingerprint: str | None
    compared: tuple[Compared, ...]
    allowed: tuple[Drift, ...]
    notices: tuple[str, ...]


class Revision(NamedTuple):
    """Settings of a session that were changed.

    Attributes:
        number: Of the revision.
        nodes: Nodes that have not run and are built otherwise now.
        unread: Settings that were changed without effect, because nothing reads them that a node builds: what
            ``define`` took from them when the session was created stays.
    """

    number: int
    nodes: tuple[NodePath, ...]
    unread: tuple[str, ...] = ()
