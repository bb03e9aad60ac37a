"""What cannot stay in the memory of a process as the output of a node."""

from oneml.habitats.data.files import File, Folder
from oneml.habitats.data.streams import refuse_stream
from oneml.habitats.errors import SerializationError
from oneml.habitats.values.node_path import NodePath

_ON_DISK = (File, Folder)
_NO_FILE_IN_MEMORY = "what lies on a disk cannot stay in memory, and may be gone once the node has ended"
_STORE_IT = 'Have the outputs of the node stored: no "memory:" in its setting "store".'


def refuse_to_keep(node: NodePath, port: str, value: object) -> None:
    """Check that several nodes can read a value that stays in memory.

    Args:
        node: The node that gave it.
        port: The port that it is for.
        value: What was given.

    Raises:
        SerializationError: It can be read only once, or lies on a disk.
    """
    refuse_stream(node, port, value)
    if isinstance(value, _ON_DISK):
        raise SerializationError(node=node, port=port, reason=_NO_FILE_IN_MEMORY, remedy=_STORE_IT)
