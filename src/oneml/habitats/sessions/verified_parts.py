"""The included habitats of a session that was opened from its recipe, each opened when a node of it is met."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry, own_target
from oneml.habitats.habitats.overrides import override_from_json
from oneml.habitats.habitats.parts import Parts
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.sessions.included_identity import IncludedIdentity
from oneml.habitats.sessions.included_records import included_container
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.verified import Findings
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.included import IncludedSettings, documents_of_part, part_snapshot
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import NodePath

_log = logging.getLogger(__name__)


class VerifiedParts:
    """Opens included habitats, after holding each against the recipe.

    Args:
        recipe: The recipe.
        registry: The habitats that are installed here.
        environ: Variables, for secrets.
        findings: Takes what is found.
        schema_drifts: Tells how a settings model differs from the recorded one, by include path.
        check_files: Holds files that changed since against the recipe, as far as they may be imported yet.
        check_code: Holds what was imported against its source.
        check_secrets: Holds the secrets of a habitat against those of the recipe, by include path.
        without_effect: Tells what differs here from the settings of a habitat without effect, by include path.

    Attributes:
        containers: The opened containers, for that of the session.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        registry: HabitatRegistry,
        environ: Mapping[str, str],
        findings: Findings,
        schema_drifts: Callable[[NodePath, JsonObject], list[Drift]],
        check_files: Callable[[NodePath], None],
        check_code: Callable[[], None],
        check_secrets: Callable[[NodePath, EffectiveSettings[PipelineSettings]], None],
        without_effect: Callable[[NodePath, EffectiveSettings[PipelineSettings]], Sequence[str]],
    ) -> None:
        self._recipe = recipe
        self._registry = registry
        self._environ = environ
        self._findings = findings
        self._schema_drifts = schema_drifts
        self._check_files = check_files
        self._check_code = check_code
        self._check_secrets = check_secrets
        self._without_effect = without_effect
        self._classes: dict[NodePath, tuple[type[PipelineComponents], HabitatEntry]] = {}
        self._identities: dict[NodePath, IncludedIdentity] = {}
        self._lock = threading.RLock()
        self.containers = Parts(recipe.included, self._open)

    def identity(self, path: NodePath) -> IncludedIdentity:
        """Return what the habitat that is included at ``path`` is known by here.

        Raises:
            RefusalError: It is not what the recipe says.
        """
        self.containers.at(path)
        return self._identities[path]

    def settings(self, entries: JsonObject) -> IncludedSettings:
        """Return the settings of included habitats, with what of some entries is about their nodes."""
        return IncludedSettings(self._recipe.included, lambda path: self._settings(path, entries))

    def _settings(self, path: NodePath, entries: JsonObject) -> EffectiveSettings[PipelineSettings]:
        container, _ = self._class(path)
        return EffectiveSettings[PipelineSettings].from_snapshot(
            container.settings_model(),
            part_snapshot(self._recipe.settings, path),
            self._environ,
            documents_of_part(entries, self._recipe.included, path),
        )

    def _class(self, path: NodePath) -> tuple[type[PipelineComponents], HabitatEntry]:
        """Return the container class, once it is known to be that of the recipe."""
        with self._lock:
            if path not in self._classes:
                # Not before all of it was judged: what is refused for one node is refused for the next.
                self._classes[path] = self._judged(path)
            return self._classes[path]

    def _judged(self, path: NodePath) -> tuple[type[PipelineComponents], HabitatEntry]:
        record, known_lines = self._recipe.included[path], len(self._findings.lines())
        self._check_files(path)
        container, entry = included_container(self._registry, record)
        target = own_target(container)
        if target != record.container:
            source = entry.target
            drift = Drift("container", record.habitat, f"included at {path}", record.container, target)
            self._findings.judge([drift._replace(found_source=source)])
        self._check_code()
        schema = IncludedIdentity.schema_of(container)
        self._findings.judge(self._schema_drifts(path, schema))
        for line in self._findings.lines()[known_lines:]:
            _log.warning("%s: %s", path, line)
        return container, entry

    def _open(self, path: NodePath) -> PipelineComponents:
        container, entry = self._class(path)
        settings = self._settings(path, {})
        self._check_secrets(path, settings)
        for line in self._without_effect(path, settings):
            self._findings.notices.append(f"{path}: {line}")
            _log.warning("%s: %s", path, line)
        overrides = [
            override_from_json(container, name, how)
            for include, name, how in ((*split_provider_key(key), how) for key, how in self._recipe.overrides.items())
            if include == path and how is not None
        ]
        components = container.open(session_id=self._recipe.session_id, settings=settings, overrides=overrides)
        self._identities[path] = IncludedIdentity(components, entry)
        return components
