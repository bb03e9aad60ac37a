"""Nodes kept back until they wait for nothing and there is room: then they go to Ray, those together that may."""

from collections import deque
from collections.abc import Callable, Container, Sequence

from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.node_path import NodePath


class Held:
    """Nodes that have not been handed to Ray yet; what waits for others takes no room from what could run."""

    def __init__(self) -> None:
        self._tasks: dict[NodePath, NodeTask] = {}
        self._missing: dict[NodePath, int] = {}
        self._below: dict[NodePath, dict[NodePath, None]] = {}
        self._ready: deque[NodePath] = deque()

    @property
    def ready(self) -> int:
        """How many wait for nothing."""
        return len(self._ready)

    def __len__(self) -> int:
        """Count them."""
        return len(self._tasks)

    def __contains__(self, path: NodePath) -> bool:
        """Tell whether a node is one of them."""
        return path in self._tasks

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
            self._below.setdefault(path, {})[task.path] = None
        if not above:
            self._ready.append(task.path)

    def succeeded(self, path: NodePath) -> None:
        """Note that a node has succeeded."""
        for lower in self._below.pop(path, ()):
            self._missing[lower] -= 1
            if not self._missing[lower]:
                self._ready.append(lower)

    def below(self, path: NodePath) -> Sequence[NodePath]:
        """Give up whatever waits for a node that did not succeed, also for others that do."""
        found: list[NodePath] = []
        above = [path]
        while above:
            for lower in self._below.pop(above.pop(), ()):
                self._give_up(lower)
                found.append(lower)
                above.append(lower)
        return found

    def next(self) -> NodeTask | None:
        """Return the node that is given up next, since it waits for nothing; None where there is none."""
        return self._tasks[self._ready[0]] if self._ready else None

    def take(self, count: int, heads: int, fits: Callable[[NodeTask], bool]) -> Sequence[NodeTask]:
        """Give up the next node, and what may go with it: nodes that wait for nothing, and chains below them.

        A node that waits for others goes along only where nothing else waits for the one before it: then nothing
        that could run at the same time runs one after the other.

        Args:
            count: At most so many.
            heads: At most so many that wait for nothing.
            fits: Whether another may go with them.
        """
        taken: list[NodeTask] = []
        while self._ready and len(taken) < count and heads:
            task = self._tasks[self._ready[0]]
            if taken and not fits(task):
                break
            self._ready.popleft()
            heads -= 1
            while True:
                self._give_up(task.path)
                taken.append(task)
                follower = self._follower(task.path)
                if follower is None or len(taken) == count or not fits(follower):
                    break
                task = follower
        return taken

    def _give_up(self, path: NodePath) -> None:
        task = self._tasks.pop(path)
        if self._missing.pop(path):
            for above in task.after:
                self._below.get(above, {}).pop(path, None)

    def _follower(self, path: NodePath) -> NodeTask | None:
        """Return the node that waits for this one alone, if no other waits for it."""
        below = self._below.get(path, {})
        lower = next(iter(below), None)
        return self._tasks[lower] if lower is not None and len(below) == 1 and self._missing[lower] == 1 else None

    def take_all(self) -> Sequence[NodePath]:
        """Give up all of them."""
        paths = list(self._tasks)
        self._tasks.clear()
        self._missing.clear()
        self._below.clear()
        self._ready.clear()
        return paths
