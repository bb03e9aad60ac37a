"""Which node may start, and which never will: decisions only, nothing here starts anything."""

from collections.abc import Collection, Sequence

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan


class Schedule:
    """The nodes of a plan that are still to run, and what each of them waits for."""

    def __init__(self, plan: Plan, *, succeeded: Collection[NodePath] = ()) -> None:
        done = frozenset(succeeded)
        self._waiting: dict[NodePath, int] = {}
        self._downstream: dict[NodePath, list[NodePath]] = {}
        for path, node in plan.nodes.items():
            if path in done:
                continue
            upstreams = set(node.upstreams()) - done if done else set(node.upstreams())
            self._waiting[path] = len(upstreams)
            for upstream in upstreams:
                self._downstream.setdefault(upstream, []).append(path)

    @property
    def undecided(self) -> Collection[NodePath]:
        """Nodes that have neither succeeded nor failed nor been skipped."""
        return self._waiting.keys()

    def ready(self) -> Sequence[NodePath]:
        """Return the nodes that wait for nothing, in the order of the plan; meant to be asked once, at the start."""
        return [path for path, count in self._waiting.items() if count == 0]

    def is_open(self, path: NodePath) -> bool:
        """Tell whether a node is undecided."""
        return path in self._waiting

    def is_ready(self, path: NodePath) -> bool:
        """Tell whether a node is undecided and waits for nothing."""
        return self._waiting.get(path) == 0

    def succeed(self, path: NodePath) -> Sequence[NodePath]:
        """Note that a node succeeded, and return those that may start now."""
        del self._waiting[path]
        downstream = self._downstream.get(path)
        if downstream is None:
            return ()
        freed: list[NodePath] = []
        for lower in downstream:
            count = self._waiting.get(lower)
            if count is None:
                continue
            self._waiting[lower] = count - 1
            if count == 1:
                freed.append(lower)
        return freed

    def fail(self, path: NodePath) -> Sequence[NodePath]:
        """Note that a node did not succeed, and return everything below it, which will not run."""
        del self._waiting[path]
        skipped: list[NodePath] = []
        below = [path]
        while below:
            for lower in self._downstream.get(below.pop(), ()):
                if self._waiting.pop(lower, None) is not None:
                    skipped.append(lower)
                    below.append(lower)
        return skipped

    def drop(self, path: NodePath) -> None:
        """Note that a node will not run, whatever becomes of what it waits for."""
        self._waiting.pop(path, None)
