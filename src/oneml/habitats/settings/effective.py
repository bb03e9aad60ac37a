"""The settings in force, for the process, a session and its nodes, each value with the layer that gave it."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from oneml.habitats.errors import (
    SecretRefusedError,
    SecretUnavailableError,
    SettingsError,
    SettingsModelChangedError,
)
from oneml.habitats.settings.checks import layer_problems, raise_all
from oneml.habitats.settings.layers import (
    DEFAULT_ORIGIN,
    Layer,
    Layers,
    LayerValues,
    Origin,
    origins_of,
    sets,
    source_of,
)
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.references import ResolvedSecrets, SecretSource
from oneml.habitats.settings.shapes import dotted, find_setting, leaves, merged, value_at
from oneml.habitats.settings.snapshot import Snapshot, read_snapshot, snapshot_document
from oneml.habitats.settings.validation import default_values, dumped, validated, with_defaults
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.setting_problem import SettingProblem

S = TypeVar("S", bound=PipelineSettings)

CACHED_NODES_MAX = 1024
"""Models of nodes that are kept; nodes to which the same entries apply share one."""

_PROCESS_SALT = os.urandom(32)


class Contribution(NamedTuple):
    """What one layer says about one setting.

    Attributes:
        origin: The layer, and where in it.
        value: What it says, of a secret the reference.
    """

    origin: Origin
    value: JsonValue


class Values(NamedTuple, Generic[S]):
    """A model, the same as a tree of JSON values with references for secrets, and those secrets."""

    model: S
    tree: Mapping[str, JsonValue]
    secrets: frozenset[str]


class EffectiveSettings(Generic[S]):
    """What the layers come to. Made by `resolve_settings` on the driver and by `from_snapshot` on a worker.

    Args:
        model: The package's model.
        layers: Every layer.
        secrets: Where references lead to here.
        process: Values of the process.
        session: Values of the session; the same object where the session sets nothing.
        on_worker: Whether what does not fit here is a refusal.
    """

    def __init__(
        self,
        *,
        model: type[S],
        layers: Layers,
        secrets: SecretSource,
        process: Values[S],
        session: Values[S],
        on_worker: bool,
    ) -> None:
        self._model = model
        self._layers = layers
        self._secrets = secrets
        self._process = process
        self._session = session
        self._on_worker = on_worker
        self._secret_texts = {*process.secrets, *session.secrets}
        self._nodes: dict[tuple[bytes, tuple[NodePath, ...]], Values[S]] = {}
        self._last_author: tuple[Mapping[str, JsonValue], bytes] = ({}, b"{}")

    @classmethod
    def from_snapshot(
        cls,
        model: type[S],
        snapshot: JsonValue,
        environ: Mapping[str, str],
        secrets_folder: Path | None = None,
    ) -> "EffectiveSettings[S]":
        """Return the settings that a recipe holds, on a worker.

        Args:
            model: The package's model, as it is installed here.
            snapshot: What `snapshot` gave.
            environ: Read for references to secrets, and for nothing else.
            secrets_folder: Where ``file:NAME`` leads to; None for the folder that ``ONEML_SECRETS_DIR`` names.

        Raises:
            InvalidDocumentError: The snapshot is not of the form of one.
            SettingsModelChangedError: It does not fit the model that is installed here.
            SecretRefusedError: A reference to a secret leads to nothing here.
        """
        read = read_snapshot(model, snapshot)
        secrets = SecretSource.of_environment(environ, secrets_folder)
        try:
            process = values_of_tree(model, read.process, (), secrets, on_worker=True)
            same = read.session == read.process
            session = process if same else values_of_tree(model, read.session, (), secrets, on_worker=True)
        except SettingsError as error:
            raise refused(model, error.problems) from error
        return cls(model=model, layers=read.layers, secrets=secrets, process=process, session=session, on_worker=True)

    def __repr__(self) -> str:
        return f"<EffectiveSettings of {self._model.__name__}>"

    @property
    def model(self) -> type[S]:
        """The package's model."""
        return self._model

    @property
    def layers(self) -> Layers:
        """What each layer sets."""
        return self._layers

    @property
    def process(self) -> S:
        """The settings of the process."""
        return self._process.model

    @property
    def session(self) -> S:
        """The settings of the session."""
        return self._session.model

    def node(self, path: NodePath, author: Mapping[str, JsonValue] | None = None) -> S:
        """Return the settings of a node; the very object of `session` where nothing is set for it.

        Args:
            path: The node.
            author: What its author gave for it (`PipelineNodeSettings.entries`).

        Raises:
            SettingsError: On the driver, an entry that applies does not fit the model.
            SecretUnavailableError: On the driver, a reference to a secret leads to nothing.
            SettingsModelChangedError: On a worker, an entry that applies does not fit the model.
            SecretRefusedError: On a worker, a reference to a secret leads to nothing.
        """
        return self._at(path, author or {}).model

    @property
    def process_values(self) -> JsonObject:
        """Every value of the process as JSON; secrets are references."""
        return self._process.tree

    def values(self, path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None) -> JsonObject:
        """Return every effective value as JSON, of the session or of a node; secrets are references.

        Raises:
            OnemlError: As `node`.
        """
        found = self._session if path is None else self._at(path, author or {})
        return found.tree if found is self._session else dumped(self._model, found.model, found.tree)

    @cached_property
    def process_key(self) -> str:
        """A digest of the values of the process, for objects that this process keeps by them.

        Where there are secrets it covers them too, under a key that no other process has: it is equal inside this
        process only, and tells nothing about them.
        """
        document = canonical_json(self._process.tree)
        if not self._process.secrets:
            return hashlib.sha256(document).hexdigest()
        resolved = self._secrets.resolve(self._model, self._process.tree)
        both = canonical_json([document.decode(), resolved.tree])
        return hashlib.blake2b(both, key=_PROCESS_SALT, digest_size=32).hexdigest()

    def secret_texts(self) -> frozenset[str]:
        """Return every secret that was resolved so far, for `mask_secrets`."""
        return frozenset(self._secret_texts)

    def node_paths(self) -> frozenset[NodePath]:
        """Return every path that the session has an entry for."""
        return frozenset(self._layers.nodes)

    def node_entries(self, path: NodePath) -> Mapping[str, Origin]:
        """Return what entries of the session set at a node, by dotted name, each with its origin."""
        return origins_of(self._model, self._layers.entries_at(path))

    def origins(
        self, path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None
    ) -> Mapping[str, Origin]:
        """Return the origin of every effective value, of the session or of a node, by dotted name."""
        given = origins_of(self._model, self._applied(path, author or {}))
        names = (dotted(leaf.name) for leaf in leaves(self._model, self.values(path, author)))
        return {name: given.get(name, DEFAULT_ORIGIN) for name in names}

    def explain(
        self, name: Sequence[str], path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None
    ) -> Sequence[Contribution]:
        """Return what every layer says about a setting: the one in force, then those that it hides, then the default.

        Raises:
            UnknownSettingError: There is no setting of that name.
        """
        setting = tuple(name)
        find_setting(self._model, setting)
        layers = [layer for layer in self._applied(path, author or {}) if sets(layer.values, setting)]
        given = [Contribution(layer.origin_of(setting), value_at(layer.values, setting)) for layer in reversed(layers)]
        defaults = default_values(self._model, setting)
        return [*given, *(Contribution(DEFAULT_ORIGIN, value) for value in defaults)]

    def snapshot(self) -> JsonObject:
        """Return everything that a worker needs, as JSON; secrets are references. See `snapshot_document`."""
        return snapshot_document(self._model, Snapshot(self._process.tree, self._session.tree, self._layers))

    def _at(self, path: NodePath, author: Mapping[str, JsonValue]) -> Values[S]:
        applied = self._layers.paths_at(path)
        if not author and not applied:
            return self._session
        key = (self._author_key(author), applied)
        found = self._nodes.get(key)
        if found is None:
            found = self._of_node(path, author)
            self._secret_texts.update(found.secrets)
            if len(self._nodes) >= CACHED_NODES_MAX:
                self._nodes.clear()
            self._nodes[key] = found
        return found

    def _of_node(self, path: NodePath, author: Mapping[str, JsonValue]) -> Values[S]:
        layers = list(self._node_layers(path, author))
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

    def _author_key(self, author: Mapping[str, JsonValue]) -> bytes:
        # A fan-out hands over the same object for each of its members.
        last, key = self._last_author
        if last is not author:
            key = canonical_json(author)
            self._last_author = (author, key)
        return key

    def _node_layers(self, path: NodePath, author: Mapping[str, JsonValue]) -> Iterator[LayerValues]:
        if author:
            yield LayerValues(layer=Layer.NODE_DEFAULT, values=author)
        yield from self._layers.entries_at(path)

    def _applied(self, path: NodePath | None, author: Mapping[str, JsonValue]) -> Iterator[LayerValues]:
        yield from self._layers.process
        yield from self._layers.session
        if path is not None:
            yield from self._node_layers(path, author)


def values_of_tree(
    model: type[S],
    tree: Mapping[str, JsonValue],
    layers: Sequence[LayerValues],
    secrets: SecretSource,
    *,
    on_worker: bool,
) -> Values[S]:
    """Return the model that ``tree`` describes, with its secrets.

    Args:
        model: The package's model.
        tree: What was merged.
        layers: What it was merged from, to tell where a wrong value was given.
        secrets: Where references lead to.
        on_worker: Whether a reference that leads to nothing is a refusal.

    Raises:
        SettingsError: Values do not fit their types.
        SecretUnavailableError: On the driver, a reference leads to nothing.
        SecretRefusedError: On a worker, the same.
    """
    resolved = resolved_or_raise(model, tree, secrets, on_worker=on_worker)
    return Values(validated(model, resolved, lambda name: source_of(layers, name)), tree, resolved.texts)


def resolved_or_raise(
    model: type[PipelineSettings], tree: Mapping[str, JsonValue], secrets: SecretSource, *, on_worker: bool
) -> ResolvedSecrets:
    """Return ``tree`` with its secrets in place.

    Raises:
        SecretUnavailableError: On the driver, a reference leads to nothing.
        SecretRefusedError: On a worker, the same.
    """
    resolved = secrets.resolve(model, tree)
    if resolved.missing and on_worker:
        raise SecretRefusedError(missing=resolved.missing)
    if resolved.missing:
        raise SecretUnavailableError(missing=resolved.missing)
    return resolved


def refused(model: type[PipelineSettings], problems: Sequence[SettingProblem]) -> SettingsModelChangedError:
    """Return the refusal of a worker whose model does not take the recipe's settings."""
    return SettingsModelChangedError(model=model.__name__, reason="; ".join(map(str, problems)))
