"""Settings of nodes, and what is derived from them; nodes to which the same entries apply share one of each."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, cast

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.checks import layer_problems, raise_all
from oneml.habitats.settings.layers import Layer, Layers, LayerValues
from oneml.habitats.settings.model_values import Values, refused, values_of_tree
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.shapes import merged
from oneml.habitats.settings.validation import dumped, with_defaults
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.setting_problem import SettingProblem

S = TypeVar("S", bound=PipelineSettings)
T = TypeVar("T")

CACHED_NODES_MAX = 1024
"""Models of nodes that are kept; nodes to which the same entries apply share one."""

CACHED_READS_MAX = 8192
"""Derived values of nodes that are kept; nodes to which the same entries apply share them too."""

NodeKey = tuple[bytes, tuple[NodePath, ...]]
"""What decides about a node's settings: the author's entries, and the paths whose entries apply."""


class NodeValues(Generic[S]):
    """Makes and keeps the settings of nodes.

    Args:
        model: The package's model.
        layers: Every layer.
        secrets: Where references lead to here.
        session: Values of the session.
        on_worker: Whether what does not fit here is a refusal.
    """

    def __init__(
        self, *, model: type[S], layers: Layers, secrets: SecretSource, session: Values[S], on_worker: bool
    ) -> None:
        self._model = model
        self._layers = layers
        self._secrets = secrets
        self._session = session
        self._on_worker = on_worker
        self._kept: dict[NodeKey, Values[S]] = {}
        self._texts: set[str] = set()
        self._derived: dict[tuple[NodeKey | None, object], object] = {}
        self._last_author: tuple[Mapping[str, JsonValue], bytes] = ({}, b"{}")

    def at(self, path: NodePath | None, author: Mapping[str, JsonValue]) -> Values[S]:
        """Return the values of a node; the very object of the session where nothing is set for it.

        Raises:
            OnemlError: As `EffectiveSettings.node`.
        """
        key = self._key(path, author)
        if key is None or path is None:
            return self._session
        found = self._kept.get(key)
        if found is None:
            found = self._made(path, author)
            self._texts.update(found.secrets)
            if len(self._kept) >= CACHED_NODES_MAX:
                self._kept.clear()
            self._kept[key] = found
        return found

    def tree(self, path: NodePath | None, author: Mapping[str, JsonValue]) -> JsonObject:
        """Return every value of a node, or of the session, as JSON; secrets are references.

        Raises:
            OnemlError: As `EffectiveSettings.node`.
        """

        def complete() -> JsonObject:
            found = self.at(path, author)
            return found.tree if found is self._session else dumped(self._model, found.model, found.tree)

        return self.derived("tree", path, author, complete)

    def derived(self, what: object, path: NodePath | None, author: Mapping[str, JsonValue], make: Callable[[], T]) -> T:
        """Return what ``make`` makes of a node's values, made once for all nodes that have the same ones.

        Args:
            what: Names what is made; the same name for the same thing.
            path: The node; None for the session.
            author: What its author gave for it.
            make: Makes it.
        """
        key = (self._key(path, author), what)
        if key in self._derived:
            return cast("T", self._derived[key])
        made = make()
        if len(self._derived) >= CACHED_READS_MAX:
            self._derived.clear()
        self._derived[key] = made
        return made

    def secret_texts(self) -> frozenset[str]:
        """Return the secrets of every node that was asked for."""
        return frozenset(self._texts)

    def layers_at(self, path: NodePath, author: Mapping[str, JsonValue]) -> Iterator[LayerValues]:
        """Give the layers that apply to a node alone, lowest first."""
        if author:
            yield LayerValues(layer=Layer.NODE_DEFAULT, values=author)
        yield from self._layers.entries_at(path)

    def _key(self, path: NodePath | None, author: Mapping[str, JsonValue]) -> NodeKey | None:
        applied = self._layers.paths_at(path) if path is not None else ()
        if path is None or not (author or applied):
            return None
        # A fan-out hands over the same object for each of its members.
        last, key = self._last_author
        if last is not author:
            key = canonical_json(author)
            self._last_author = (author, key)
        return key, applied

    def _made(self, path: NodePath, author: Mapping[str, JsonValue]) -> Values[S]:
        layers = list(self.layers_at(path, author))
        try:
            authors = (layer for layer in layers if layer.layer is Layer.NODE_DEFAULT)
            raise_all([error for layer in authors for error in layer_problems(self._model, layer)])
            tree = self._session.tree
            for layer in layers:
                tree = merged(self._model, tree, layer.values)
            return values_of_tree(
                self._model, with_defaults(self._model, tree), layers, self._secrets, on_worker=self._on_worker
            )
        except SettingsError as error:
            problems = [SettingProblem(p.setting, f"{path}: {p.message}", p.source) for p in error.problems]
            # What caused it says the same without the node.
            raise (refused(self._model, problems) if self._on_worker else SettingsError(problems=problems)) from None
