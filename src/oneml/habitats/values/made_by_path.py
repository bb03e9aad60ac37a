"""Values by node path, each made when it is first asked for."""

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

from oneml.habitats.values.node_path import NodePath

V = TypeVar("V")


class MadeByPath(Generic[V]):
    """Values by node path, each made once, however many threads ask for it.

    Args:
        paths: The paths that there are values for.
        make: Makes the value of one.

    Attributes:
        lock: Held while one is made, or put in.
    """

    def __init__(self, paths: Collection[NodePath], make: Callable[[NodePath], V]) -> None:
        self.lock = threading.RLock()
        self._paths = dict.fromkeys(paths)
        self._make = make
        self._made: dict[NodePath, V] = {}

    @property
    def paths(self) -> Collection[NodePath]:
        """The paths that there are values for, in the order given."""
        return self._paths.keys()

    def at(self, path: NodePath) -> V:
        """Return the value of a path."""
        if path not in self._made:
            with self.lock:
                if path not in self._made:
                    self._made[path] = self._make(path)
        return self._made[path]

    def put(self, path: NodePath, value: V) -> None:
        """Take a value that was made elsewhere."""
        with self.lock:
            self._paths[path] = None
            self._made[path] = value

    def made(self) -> Mapping[NodePath, V]:
        """Return what was made so far, in that order."""
        return self._made.copy()
