"""Nodes kept back where a session may use only a part of a cluster: until they wait for nothing and there is room."""

from collections import deque
from collections.abc import Container, Sequence

from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.node_path import NodePath


class Held:
    """Nodes that have not been handed to Ray yet; what waits for others takes no room from what could run."""

    def __init__(self) -> None:
        self._tasks: dict[NodePath, NodeTask] = {}
        self._missing: dict[NodePath, int] = {}
        self._below: dict[NodePath, list[NodePath]] = {}
        self._ready: deque[NodePath] = deque()

    def __len__(self) -> int:
        """Count them."""
        return len(self._tasks)

    def add(self, task: NodeTask, running: Container[NodePath]) -> None:
        """Keep a node back.

        Args:
            task: The node.
            running: What Ray has been handed and has not given back.
        """
        above = [path for path in dict.fromkeys(task.after) if path in running or path in self._tasks]
        self._tasks[task.path] = task
        self._missing[task.path] = len(above)
        for path in above:
            self._below.setdefault(path, []).append(task.path)
        if not above:
            self._ready.append(task.path)

    def succeeded(self, path: NodePath) -> None:
        """Note that a node has succeeded."""
        for lower in self._below.pop(path, ()):
            if lower in self._tasks:
                self._missing[lower] -= 1
                if not self._missing[lower]:
                    self._ready.append(lower)

    def below(self, path: NodePath) -> Sequence[NodePath]:
        """Give up whatever waits for a node that did not succeed, also for others that do."""
        found: list[NodePath] = []
        above = [path]
        while above:
            for lower in self._below.pop(above.pop(), ()):
                if self._tasks.pop(lower, None) is not None:
                    del self._missing[lower]
                    found.append(lower)
                    above.append(lower)
        return found

    def next(self) -> NodeTask | None:
        """Give up the next node that waits for nothing; None where there is none."""
        if not self._ready:
            return None
        path = self._ready.popleft()
        del self._missing[path]
        return self._tasks.pop(path)

    def take_all(self) -> Sequence[NodePath]:
        """Give up all of them."""
        paths = list(self._tasks)
        self._tasks.clear()
        self._missing.clear()
        self._below.clear()
        self._ready.clear()
        return paths
