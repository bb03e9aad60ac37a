"""Bundles of nodes as tasks of Ray: by which function, with what the nodes before them gave."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from oneml.habitats.engines.ray_api import RayApi, Ref, RemoteFunction
from oneml.habitats.engines.ray_bundle import Item, Request
from oneml.habitats.engines.ray_flight import Flight
from oneml.habitats.engines.ray_needs import asked_of, room_for, task_options
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.engines.ray_worker import run_bundle
from oneml.habitats.engines.remote import pack
from oneml.habitats.engines.worker_output import NodeOutput
from oneml.habitats.ports.engine import EngineContext, NodeNeeds, NodeTask
from oneml.habitats.values.node_path import NodePath

_KEPT_REFS = 1000
"""Replies of nodes that have ended which Ray still holds for nodes to come; others find the outputs in the store."""


class HandOver:
    """Hands the nodes of one session to Ray.

    Args:
        ray: Connected.
        context: Of the session.
        options: Of the engine.
        channel: Of the notes of workers.
    """

    def __init__(self, ray: RayApi, context: EngineContext, options: RayOptions, channel: str) -> None:
        self._ray = ray
        self._context = context
        self._options = options
        self._channel = channel
        self._count = 0
        self._functions: dict[NodeNeeds, tuple[RemoteFunction, Mapping[str, float]]] = {}
        self._kept: dict[NodePath, Ref] = {}
        self._in_store: deque[NodePath] = deque()

    def room(self, needs: NodeNeeds, offers: Sequence[Mapping[str, float]]) -> int:
        """Return how many nodes with such needs can run at once, at least one.

        Args:
            needs: Theirs.
            offers: The resources of each machine.
        """
        return room_for(self._function(needs)[1], offers)

    def bundle(self, tasks: Sequence[NodeTask]) -> Sequence[Flight]:
        """Hand over nodes that have the same needs, as one task; returns at once."""
        context, first = self._context, self._count + 1
        self._count += len(tasks)
        own = {task.path for task in tasks}

        def item(number: int, task: NodeTask) -> Item:
            # Of others there may be older answers in what is given, from before they were tried again.
            after = tuple(path for path in task.after if path in self._kept or path in own)
            return Item(number, task.path, task.timeout_seconds, after, self._message(task))

        items = tuple(item(number, task) for number, task in enumerate(tasks, start=first))
        function, asked = self._function(tasks[0].needs)
        upstream = dict.fromkeys(self._kept[path] for task in tasks for path in task.after if path in self._kept)
        ref = function.remote(Request(context.entry, context.preload, self._channel, items).packed(), *upstream)
        return [
            Flight(task, number, ref, asked, self._output, shares=len(tasks) > 1)
            for number, task in enumerate(tasks, start=first)
        ]

    def keep(self, path: NodePath, ref: Ref) -> None:
        """Let nodes to come have the reply of a node.

        Args:
            path: The node.
            ref: What has it; it is there.
        """
        self._kept[path] = ref

    def stored(self, paths: Iterable[NodePath]) -> None:
        """Note that the outputs of nodes are in the store, and drop the oldest replies with such.

        Args:
            paths: The nodes, whether or not their replies were kept.
        """
        self._in_store.extend(path for path in paths if path in self._kept)
        while len(self._kept) > _KEPT_REFS and self._in_store:
            self._kept.pop(self._in_store.popleft(), None)

    def _message(self, task: NodeTask) -> bytes:
        return pack(self._context.message(task, self._options.inline_max_bytes))

    def _output(self, path: NodePath) -> NodeOutput:
        return NodeOutput(self._context.mask, partial(self._context.log, path))

    def _function(self, needs: NodeNeeds) -> tuple[RemoteFunction, Mapping[str, float]]:
        """Return what runs nodes with such needs, and the resources that it asks for."""
        known = self._functions.get(needs)
        if known is None:
            options = task_options(needs, self._options.images, isolated=self._context.isolated)
            known = self._ray.remote(**options)(run_bundle), asked_of(needs, self._options.images)
            self._functions[needs] = known
        return known
