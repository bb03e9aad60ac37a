"""The nodes of a session: from the plan where a driver has it, else one shard at a time from the recipe."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from oneml.habitats.errors import NotSelectedError, UnknownNodeError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.plan_shards import (
    NodeRecord,
    ProviderRecord,
    Shard,
    read_entries,
    read_plan,
    shard_of,
)
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.values.json_value import JsonObject, JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan, PlannedNode

SHARDS_NODES_MAX = 32_768
"""Nodes in the shards that are kept; shards that were not used for longest are read again."""

_NO_ENTRIES: Mapping[str, JsonValue] = {}


class PlannedNodes:
    """Nodes, what authors set for them, and what the recipe knows them by.

    Args:
        store: Where the shards are.
        recipe: The session's recipe.
        plan: The plan, where this process made it.
        provider_of: What a provider is known by, where this process made the plan.
    """

    def __init__(
        self,
        store: ArtifactStore,
        recipe: Recipe,
        plan: Plan | None = None,
        provider_of: Callable[[str], ProviderRecord] | None = None,
    ) -> None:
        self._store = store
        self._recipe = recipe
        self._plan = plan
        self._provider_of = provider_of
        self._providers: dict[str, ProviderRecord] = {}
        self._read: dict[NodePath, NodeRecord] = {}
        self._shards: OrderedDict[int, Shard] = OrderedDict()
        self._shards_lock = Lock()

    def at(self, recipe: Recipe) -> "PlannedNodes":
        """Return the same nodes as a revision of the recipe knows them."""
        if recipe.revision == self._recipe.revision:
            return self
        return PlannedNodes(self._store, recipe, self._plan, self._provider_of or self._known_provider())

    def _known_provider(self) -> Callable[[str], ProviderRecord] | None:
        return None if self._plan is None else self._providers.__getitem__

    def plan(self) -> Plan:
        """Return the whole plan, from which nodes are taken from now on."""
        if self._plan is None:
            self._plan, self._providers = read_plan(self._store, self._recipe)
        return self._plan

    def node(self, path: NodePath) -> PlannedNode:
        """Return a node.

        Raises:
            UnknownNodeError: The plan has none of that path.
        """
        if self._plan is not None:
            node = self._plan.nodes.get(path)
            if node is None:
                raise self._unknown(path, list(self._plan.nodes))
            return node
        return self.record(path).node

    def _unknown(self, path: NodePath, known: Sequence[str]) -> UnknownNodeError:
        selection = self._recipe.selection
        if selection is None:
            return UnknownNodeError(node=path, known=known)
        return NotSelectedError(node=path, known=known, selection=str(selection))

    def author_settings(self, path: NodePath) -> Mapping[str, JsonValue]:
        """Return the settings that the author gave a node."""
        if self._plan is not None:
            return self._plan.node_settings.get(path, _NO_ENTRIES)
        return self.record(path).author

    def provider(self, name: str) -> ProviderRecord:
        """Return what the recipe knows the provider of a node by."""
        if self._provider_of is not None:
            return self._provider_of(name)
        if name not in self._providers:
            self.plan()
        return self._providers[name]

    def record(self, path: NodePath) -> NodeRecord:
        """Return what the recipe holds about a node.

        Raises:
            UnknownNodeError: The plan has none of that path.
        """
        record = self._read.get(path)
        if record is None:
            record = self._shard(path).record(path)
            if record is None:
                raise self._unknown(path, list(read_plan(self._store, self._recipe)[0].nodes))
            self._read[path] = record
            self._providers[record.node.provider] = record.provider
        return record

    def _shard(self, path: NodePath) -> Shard:
        number = shard_of(path, len(self._recipe.shards))
        with self._shards_lock:
            shard = self._shards.get(number)
            if shard is not None:
                self._shards.move_to_end(number)
                return shard
        shard = Shard(self._store, self._recipe, number)
        with self._shards_lock:
            self._shards[number] = shard
            while len(self._shards) > 1 and sum(map(len, self._shards.values())) > SHARDS_NODES_MAX:
                self._shards.popitem(last=False)
        return shard

    def entries(self) -> JsonObject:
        """Return the entries of the session's settings for nodes, by path."""
        return read_entries(self._store, self._recipe)

    def entries_at(self, path: NodePath) -> JsonObject:
        """Return those entries among which all are that apply to a node.

        Raises:
            UnknownNodeError: The plan has none of that path.
        """
        return self.record(path).entries
