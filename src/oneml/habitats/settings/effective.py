"""The settings in force, for the process, a session and its nodes, each value with the layer that gave it."""

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.layers import (
    DEFAULT_ORIGIN,
    Layers,
    LayerValues,
    Origin,
    origins_of,
)
from oneml.habitats.settings.model_values import Values, refused, values_of_tree
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.node_values import NodeValues
from oneml.habitats.settings.reads import ReuseValues, read_values, reuse_values
from oneml.habitats.settings.references import SecretSource
from oneml.habitats.settings.secret_digests import SecretInForce, secrets_of, told_apart
from oneml.habitats.settings.shapes import dotted, leaves
from oneml.habitats.settings.snapshot import Snapshot, entry_documents, read_snapshot, snapshot_document
from oneml.habitats.values.include_paths import part_of
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.node_path import ROOT, NodePath

if TYPE_CHECKING:
    from oneml.habitats.settings.included import IncludedSettings

S = TypeVar("S", bound=PipelineSettings)

_PROCESS_SALT = os.urandom(32)


_NO_ENTRIES: Mapping[str, JsonValue] = {}


class EffectiveSettings(Generic[S]):
    """What the layers come to. Made by `resolve_settings` on the driver and by `from_snapshot` on a worker.

    Args:
        model: The package's model.
        layers: Every layer.
        secrets: Where references lead to here.
        process: Values of the process.
        session: Values of the session; the same object where the session sets nothing.
        on_worker: Whether what does not fit here is a refusal.
        included: The settings of included habitats, which answer for their nodes.
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
        included: "IncludedSettings | None" = None,
    ) -> None:
        self._included = included
        self._model = model
        self._layers = layers
        self._secrets = secrets
        self._process = process
        self._session = session
        self._on_worker = on_worker
        self._nodes = NodeValues(model=model, layers=layers, secrets=secrets, session=session, on_worker=on_worker)

    @classmethod
    def from_snapshot(
        cls,
        model: type[S],
        snapshot: JsonValue,
        environ: Mapping[str, str],
        node_entries: Mapping[str, JsonValue] = _NO_ENTRIES,
        secrets_folder: Path | None = None,
    ) -> "EffectiveSettings[S]":
        """Return the settings that a recipe holds, on a worker.

        Args:
            model: The package's model, as it is installed here.
            snapshot: What `snapshot` gave.
            environ: Read for references to secrets, and for nothing else.
            node_entries: What `node_entry_documents` gave, all of it or what applies to the nodes that are asked for.
            secrets_folder: Where ``file:NAME`` leads to; None for the folder that ``ONEML_SECRETS_DIR`` names.

        Raises:
            InvalidDocumentError: The snapshot is not of the form of one.
            SettingsModelChangedError: It does not fit the model that is installed here.
            SecretRefusedError: A reference to a secret leads to nothing here.
        """
        read = read_snapshot(model, snapshot, node_entries)
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

    @property
    def included(self) -> Collection[NodePath]:
        """The paths of included habitats."""
        return () if self._included is None else self._included.paths

    def at(self, path: NodePath | None) -> "EffectiveSettings[PipelineSettings]":
        """Return the settings of the habitat that a node, or an include path, belongs to; None for the outermost."""
        return cast("EffectiveSettings[PipelineSettings]", self._part(path))

    def _part(self, path: NodePath | None) -> "EffectiveSettings[S]":
        if path is None or self._included is None:
            return self
        part = part_of(self._included.paths, path)
        # Of an included habitat the model is another, which is known only where its nodes are.
        return self if part == ROOT else cast("EffectiveSettings[S]", self._included.at(part))

    def with_entries(
        self, nodes: Mapping[NodePath, tuple[LayerValues, ...]], included: "IncludedSettings | None" = None
    ) -> "EffectiveSettings[S]":
        """Return these settings with entries for nodes, and with those of included habitats."""
        return EffectiveSettings(
            model=self._model,
            layers=self._layers._replace(nodes=nodes),
            secrets=self._secrets,
            process=self._process,
            session=self._session,
            on_worker=self._on_worker,
            included=included,
        )

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
        part = self._part(path)
        return self._nodes.at(path, author or {}).model if part is self else part.node(path, author)

    @property
    def process_values(self) -> JsonObject:
        """Every value of the process as JSON; secrets are references."""
        return self._process.tree

    def values(self, path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None) -> JsonObject:
        """Return every effective value as JSON, of the session or of a node; secrets are references.

        Raises:
            OnemlError: As `node`.
        """
        part = self._part(path)
        return self._nodes.tree(path, author or {}) if part is self else part.values(path, author)

    def read_values(
        self, fields: Collection[str], path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None
    ) -> JsonObject:
        """Return what ``fields`` lead to, of the session or of a node, by dotted name, sorted; secrets are references.

        Computed once for all nodes to which the same entries apply; where many are asked for, hand over a frozenset.

        Args:
            fields: Dotted names of settings, or of models with everything in them; empty for all settings.
            path: The node; None for the session.
            author: What its author gave for it.

        Raises:
            OnemlError: As `node`.
            UnknownSettingError: A field is none of the model.
        """
        wanted, given = frozenset(fields), author or {}
        part = self._part(path)
        if part is not self:
            return part.read_values(wanted, path, author)
        make = partial(self._read, wanted, path, given)
        return self._nodes.derived(("read", wanted), path, given, make)

    def process_read_values(self, fields: Collection[str]) -> JsonObject:
        """Return what ``fields`` lead to in the settings of the process; as `read_values` otherwise."""
        return read_values(self._model, self._process.tree, fields)

    def process_reuse_values(self, fields: Collection[str], *, key: bytes | None = None) -> ReuseValues:
        """Return those of what ``fields`` lead to in the settings of the process that have an influence on results.

        Otherwise as `reuse_values`.
        """
        resolved = (
            self._secrets.resolve(self._model, self._process.tree).tree if key is not None else self._process.tree
        )
        return reuse_values(self._model, self._process.tree, resolved, fields, key)

    def reuse_values(
        self,
        fields: Collection[str],
        path: NodePath | None = None,
        author: Mapping[str, JsonValue] | None = None,
        *,
        key: bytes | None = None,
    ) -> ReuseValues:
        """Return those of what ``fields`` lead to that have an influence on results, of the session or of a node.

        Left out are settings that are marked `execution_only`, and secrets unless they are marked `part_of_identity`.

        Args:
            fields: As for `read_values`.
            path: The node; None for the session.
            author: What its author gave for it.
            key: The signing key, for secrets that count; without one they are unproven.

        Raises:
            OnemlError: As `node`.
            UnknownSettingError: A field is none of the model.
        """
        wanted, given = frozenset(fields), author or {}
        part = self._part(path)
        if part is not self:
            return part.reuse_values(wanted, path, author, key=key)
        make = partial(self._reused, wanted, path, given, key)
        return self._nodes.derived(("reuse", wanted, key), path, given, make)

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
        own = frozenset({*self._process.secrets, *self._session.secrets, *self._nodes.secret_texts()})
        return own if self._included is None else own | self._included.secret_texts()

    def node_paths(self) -> frozenset[NodePath]:
        """Return every path that the session has an entry for."""
        own = frozenset(self._layers.nodes)
        return own if self._included is None else own | self._included.node_paths()

    def node_source(self, path: NodePath) -> str:
        """Return where the highest of the session's entries for a path was given."""
        highest = self.at(path).layers.nodes[path][-1]
        return highest.source_of((next(iter(highest.values), ""),))

    def node_entries(self, path: NodePath) -> Mapping[str, Origin]:
        """Return what entries of the session set at a node, by dotted name, each with its origin."""
        part = self._part(path)
        return origins_of(part.model, part.layers.entries_at(path))

    def origins(
        self, path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None
    ) -> Mapping[str, Origin]:
        """Return the origin of every effective value, of the session or of a node, by dotted name."""
        part = self._part(path)
        if part is not self:
            return part.origins(path, author)
        given = origins_of(self._model, self._applied(path, author or {}))
        names = (dotted(leaf.name) for leaf in leaves(self._model, self.values(path, author)))
        return {name: given.get(name, DEFAULT_ORIGIN) for name in names}

    def snapshot(self) -> JsonObject:
        """Return what every worker needs, as JSON; secrets are references. See `snapshot_document`."""
        own = snapshot_document(Snapshot(self._process.tree, self._session.tree, self._layers))
        return own if self._included is None else {**own, **self._included.snapshots(own)}

    def node_entry_documents(self) -> Mapping[NodePath, list[JsonObject]]:
        """Return the entries for nodes, as JSON; a worker needs those whose path is its node's or above it."""
        own = entry_documents(self._layers)
        return own if self._included is None else {**own, **self._included.entry_documents()}

    def snapshot_sources(self) -> JsonObject:
        """Return where everything in the snapshot was written, as JSON; see `source_documents`. For people only."""
        from oneml.habitats.settings.recorded_sources import source_documents  # noqa: PLC0415  # never on a worker

        own = source_documents(self._model, self._layers, self._session.tree)
        return own if self._included is None else {**own, **self._included.sources()}

    def revised(
        self, values: Mapping[str, object], *, source: str, parts: Collection[NodePath] = (ROOT,)
    ) -> "EffectiveSettings[S]":
        """Return these settings after a change to those of the process; what sessions and nodes set stays above it.

        Args:
            values: Reserved and own fields, side by side; models merge.
            source: Where the change comes from, for people.
            parts: Of which habitats, by include path. A change of the outermost one says for all how nodes run.

        Raises:
            SettingsError: Something in it is no setting, does not fit its type, or is a secret itself.
            SecretUnavailableError: A reference to a secret leads to nothing here.
        """
        from oneml.habitats.settings.revisions import revised_layers, revised_values  # noqa: PLC0415  # driver only

        included = None if self._included is None else self._included.revised(values, source, parts)
        if ROOT not in parts:
            return self.with_entries(self._layers.nodes, included)
        layers = revised_layers(self._model, self._layers, values, source)
        process, session = revised_values(self._model, self._process.tree, layers, self._secrets)
        return EffectiveSettings(
            model=self._model,
            layers=layers,
            secrets=self._secrets,
            process=process,
            session=session,
            on_worker=self._on_worker,
            included=included,
        )

    def changed_fields(self, other: "EffectiveSettings[S]") -> frozenset[str]:
        """Return the dotted names of values that are others in ``other``, in the session or in the process."""
        from oneml.habitats.settings.revisions import changed_names  # noqa: PLC0415  # driver only

        of_session = changed_names(self._model, self._session.tree, other.values())
        own = frozenset({*of_session, *changed_names(self._model, self._process.tree, other.process_values)})
        return own if self._included is None else own | self._included.changed_fields(other.at)

    def secrets_in_force(
        self, path: NodePath | None = None, author: Mapping[str, JsonValue] | None = None
    ) -> Mapping[str, SecretInForce]:
        """Return the secrets of the session and of the process, or those that a node has otherwise; see `told_apart`.

        Raises:
            OnemlError: As `node`.
        """
        part = self._part(path)
        if part is not self:
            return part.secrets_in_force(path, author)
        own = secrets_of(self._model, self._secrets, self._nodes.tree(path, author or {}))
        wider = secrets_of(self._model, self._secrets, self._process.tree if path is None else self._session.tree)
        return told_apart(own, wider, of_node=path is not None)

    def _applied(self, path: NodePath | None, author: Mapping[str, JsonValue]) -> Iterator[LayerValues]:
        yield from self._layers.process
        yield from self._layers.session
        if path is not None:
            yield from self._nodes.layers_at(path, author)

    def _read(self, fields: frozenset[str], path: NodePath | None, author: Mapping[str, JsonValue]) -> JsonObject:
        return read_values(self._model, self._nodes.tree(path, author), fields)

    def _reused(
        self, fields: frozenset[str], path: NodePath | None, author: Mapping[str, JsonValue], key: bytes | None
    ) -> ReuseValues:
        tree = self._nodes.tree(path, author)
        resolved = self._secrets.resolve(self._model, tree).tree if key is not None else tree
        return reuse_values(self._model, tree, resolved, fields, key)
