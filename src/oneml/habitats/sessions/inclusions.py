"""Opens the habitats that a pipeline includes, while it is defined: on the driver alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from oneml.habitats.errors import (
    DefinitionFailedError,
    InvalidComponentsError,
    InvalidInclusionError,
    InvalidOverrideError,
    OnemlError,
    OverrideInForceError,
    SettingsError,
)
from oneml.habitats.habitats.components import PipelineComponents, define_pipeline
from oneml.habitats.habitats.entry import HabitatEntry, own_target
from oneml.habitats.habitats.executables import PipelineExecutables
from oneml.habitats.habitats.overrides import Override, named_overrides
from oneml.habitats.habitats.parts import Parts
from oneml.habitats.habitats.raised import described_error
from oneml.habitats.ports.executables import IncludedHabitat
from oneml.habitats.sessions.checks import no_such_node
from oneml.habitats.sessions.means import Means
from oneml.habitats.settings.checks import layer_problems, raise_all
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.included import IncludedSettings, entries_of_part, layers_above, reserved_part
from oneml.habitats.settings.layers import Layer, LayerValues
from oneml.habitats.settings.models import PipelineSessionSettings, PipelineSettings, json_tree
from oneml.habitats.settings.resolve import GivenSettings, resolve_session
from oneml.habitats.settings.shapes import SettingName
from oneml.habitats.values.include_paths import part_of
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.session_id import SessionId

_REFUSED = (SettingsError, InvalidComponentsError, InvalidOverrideError, OverrideInForceError)


class _Opened(NamedTuple):
    """A habitat that is included.

    Attributes:
        container: Its class.
        settings: Its settings, without entries for nodes.
        uppers: The classes that include it, the outermost first, with where each stands.
    """

    container: type[PipelineComponents]
    settings: EffectiveSettings[PipelineSettings]
    uppers: tuple[tuple[NodePath, type[PipelineComponents]], ...]


class _Included(NamedTuple):
    """What the builder defines; see `IncludedHabitat`."""

    name: str
    executables: PipelineExecutables
    components: PipelineComponents
    path: NodePath

    def define(self, pipeline: Any) -> None:
        try:
            define_pipeline(self.components, pipeline)
        except OnemlError:
            raise
        except (Exception, SystemExit) as error:
            where = f"{self.name}, included at {self.path}"
            raise DefinitionFailedError(habitat=where, reason=described_error(error)) from error


class Inclusions:
    """The habitats that one session includes.

    Args:
        components: The opened container of the session.
        settings: The settings of the session, without entries for nodes.
        given: What is given for the session.
        overrides: Everything that the session replaces.
        session_id: The session.
        means: What the process prepares it with.

    Attributes:
        parts: The opened containers of what is included.
        entries: The included habitats, by path.
        refused: Why habitats could not be opened for their namespaces; the rest is defined without them.
    """

    def __init__(
        self,
        *,
        components: PipelineComponents,
        settings: EffectiveSettings[PipelineSettings],
        given: GivenSettings,
        overrides: Sequence[Override],
        session_id: SessionId,
        means: Means,
    ) -> None:
        container = type(components)
        self._given = given
        self._overrides = overrides
        self._session_id = session_id
        self._means = means
        self.parts = Parts()
        self._opened = {ROOT: _Opened(container, settings, ((ROOT, container),))}
        self.entries: dict[NodePath, HabitatEntry] = {}
        self.refused: list[OnemlError] = []
        self._components = components

    def include(
        self, outer: NodePath, path: NodePath, habitat: object, settings: object, place: Place
    ) -> IncludedHabitat | None:
        """Open a habitat for a namespace; None where it is refused.

        Raises:
            InvalidInclusionError: It is no habitat, or includes itself.
            OnemlError: It cannot be loaded.
        """
        container, entry = self._found(path, habitat)
        uppers = (*self._opened[outer].uppers, (path, container))
        if any(upper is container for _, upper in uppers[:-1]):
            chain = " -> ".join(f"{upper.__name__} ({where})" for where, upper in uppers)
            raise InvalidInclusionError(path=path, reason=f"it would include itself: {chain}. Take one of these out.")
        try:
            effective = self._settings(outer, path, container, entry, self._author_layer(path, settings, place))
            components = self._open(container, path, effective)
        except _REFUSED as error:
            self.refused.append(error)
            return None
        self._opened[path] = _Opened(container, effective, uppers)
        self.entries[path] = entry
        self.parts.add(path, components)
        self._components.take_parts(self.parts)
        return _Included(own_target(container), PipelineExecutables(components, self, path), components, path)

    def raise_refused(self) -> None:
        """Raise why habitats could not be opened: what is wrong with the settings of all of them, else the first.

        Raises:
            UsageError: Some could not.
        """
        raise_all([error for error in self.refused if isinstance(error, SettingsError)])
        for error in self.refused:
            raise error

    def finished(self, plan: Plan | None = None) -> EffectiveSettings[PipelineSettings]:
        """Return the settings of the session with all entries for nodes, and with those of included habitats.

        Args:
            plan: The plan, where there is one: an entry for a path that is not in it is told as such.

        Raises:
            SettingsError: Entries do not fit the model that they are about; lists all.
            InvalidOverrideError: Overrides are about providers that no container of the session has.
        """
        self._check_overrides()
        entries: dict[NodePath, tuple[LayerValues, ...]] = {}
        errors: list[SettingsError] = []
        for path, opened in self._opened.items():
            own, wrong = self._given.entries(opened.settings.model, self._concerns(path))
            entries.update(own)
            errors += [_without_node(plan, named, error) for named, error in wrong]
        raise_all(errors)
        included = {
            path: opened.settings.with_entries(entries_of_part(entries, self._parts_paths(), path))
            for path, opened in self._opened.items()
            if path != ROOT
        }
        outermost = entries_of_part(entries, self._parts_paths(), ROOT)
        outer = self._opened[ROOT].settings
        return outer.with_entries(outermost, IncludedSettings.of(included) if included else None)

    def _parts_paths(self) -> frozenset[NodePath]:
        return frozenset(self.entries)

    def _concerns(self, part: NodePath) -> Callable[[NodePath], bool]:
        return lambda path: part_of(self.entries, path) == part

    def _found(self, path: NodePath, habitat: object) -> tuple[type[PipelineComponents], HabitatEntry]:
        if isinstance(habitat, str):
            return self._means.registry.load(habitat), self._means.registry.entry(habitat)
        if isinstance(habitat, type) and issubclass(habitat, PipelineComponents):
            return habitat, self._means.registry.entry_of(habitat)
        shown = f"the class {habitat.__qualname__}" if isinstance(habitat, type) else f"{habitat!r:.80}"
        reason = f"{shown} is no habitat. Give a class derived from PipelineComponents, or the name of a habitat."
        raise InvalidInclusionError(path=path, reason=reason)

    def _author_layer(self, path: NodePath, settings: object, place: Place) -> LayerValues | None:
        if settings is None:
            return None
        where = str(place)
        if isinstance(settings, PipelineSessionSettings):
            values, has_nodes = settings.entries(), bool(settings.nodes)
        elif isinstance(settings, Mapping):
            values = json_tree(cast("Mapping[str, object]", settings), source=where)
            has_nodes = "nodes" in values
        else:
            reason = f"settings= is {type(settings).__qualname__}. Give a mapping, or PipelineSessionSettings."
            raise InvalidInclusionError(path=path, reason=reason)
        if has_nodes:
            reason = "settings for nodes are given by their own pipeline, or for the session. Leave nodes out."
            raise InvalidInclusionError(path=path, reason=reason)

        def here(_: SettingName) -> str:
            return where

        return LayerValues(layer=Layer.INCLUDE, values=values, locate=here)

    def _settings(
        self,
        outer: NodePath,
        path: NodePath,
        container: type[PipelineComponents],
        entry: HabitatEntry,
        author: LayerValues | None,
    ) -> EffectiveSettings[PipelineSettings]:
        model = container.settings_model()
        own, wrong = self._given.entries(model, lambda other: other == path)
        raise_all([error for _, error in wrong])
        if author is not None:
            raise_all(list(layer_problems(model, author)))
        above = layers_above(author, self._opened[outer].settings.layers.session, own.get(path, ()))
        resolved = resolve_session(
            model, habitat=entry.name, given=self._given, sources=self._means.sources, above=above
        )
        for layer in self._opened[outer].settings.layers.process:
            handed = reserved_part(layer).values
            if handed and layer.layer is Layer.REVISION:
                resolved = resolved.revised(handed, source=layer.source_of((next(iter(handed)),)))
        return self._means.revise(entry.name, resolved)

    def _open(
        self, container: type[PipelineComponents], path: NodePath, settings: EffectiveSettings[PipelineSettings]
    ) -> PipelineComponents:
        concerned = container.concerned_overrides(self._overrides)
        where = f"{container.__name__}, included at {path},"
        try:
            return container.open(session_id=self._session_id, settings=settings, overrides=concerned)
        except InvalidComponentsError as error:
            raise InvalidComponentsError(container=where, problems=error.problems) from error
        except InvalidOverrideError as error:
            raise InvalidOverrideError(container=where, reasons=error.reasons) from error

    def _check_overrides(self) -> None:
        left = self._overrides
        for opened in self._opened.values():
            known = {id(override) for override in opened.container.concerned_overrides(left)}
            left = [override for override in left if id(override) not in known]
        if not left:
            return
        container = self._opened[ROOT].container
        included = sorted({opened.container.__name__ for opened in self._opened.values()} - {container.__name__})
        named_overrides(container, container.blueprint().graph, left, others=included)


def _without_node(plan: Plan | None, named: NodePath, error: SettingsError) -> SettingsError:
    """Return what is wrong with an entry: before all that its path leads nowhere, so that its model is not known."""
    if plan is None or named in plan.nodes or any(path.startswith(f"{named}/") for path in plan.nodes):
        return error
    return SettingsError(problems=(no_such_node(plan, named, error.problems[0].source),))
