"""Where a session comes from: its parent, the part of the pipeline that it has, outputs of others that it takes."""

from typing import NamedTuple

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.session_id import SessionId


class Parent(NamedTuple):
    """The session that another one comes from.

    Attributes:
        session_id: It.
        node: The node of it whose body created the other; None where the other took over commits.
        attempt: The attempt at that node; 0 where there is no node.
    """

    session_id: SessionId
    node: NodePath | None = None
    attempt: int = 0

    def __str__(self) -> str:
        """Return it for a person."""
        return self.session_id if self.node is None else f"{self.node} of {self.session_id}"


class Selection(NamedTuple):
    """A part of a pipeline, by paths of nodes, fan-outs and namespaces.

    Attributes:
        start_at: These and everything below them.
        stop_at: Nothing but these and everything above them.
        only: These alone.
    """

    start_at: tuple[NodePath, ...] = ()
    stop_at: tuple[NodePath, ...] = ()
    only: tuple[NodePath, ...] = ()

    def __str__(self) -> str:
        """Return it as a command line gives it: ``--from //a --to //b``."""
        options = (("--from", self.start_at), ("--to", self.stop_at), ("--only", self.only))
        return " ".join(f"{option} {path}" for option, paths in options for path in paths)


class SessionOutput(NamedTuple):
    """An output of a node of another session, to be given to an input of a pipeline.

    Attributes:
        session_id: The session; the first 8 characters or more of its id where they fit no other.
        node: The node.
        port: The port; None for the only one of the node.
    """

    session_id: str
    node: str
    port: str | None = None

    def __str__(self) -> str:
        """Return it as a command line gives it: ``session:0197f3c2//split.train``."""
        return f"session:{self.session_id}{self.node}" + ("" if self.port is None else f".{self.port}")
