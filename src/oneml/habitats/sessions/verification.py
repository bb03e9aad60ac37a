"""Opens a session from its recipe, after holding this process against it: equal, or refused.

The code is compared before any of it is imported; settings come from the recipe, never from this environment; a node is
proven by its fingerprint before anything of it is built.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.errors import (
    DuplicateHabitatError,
    HabitatMissingError,
    LiveOverridesError,
    RecipeAlteredError,
    SettingsError,
    UnknownHabitatError,
)
from oneml.habitats.habitats.code_document import identity_from_json
from oneml.habitats.habitats.code_here import identity_here
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import HabitatEntry, own_target
from oneml.habitats.habitats.graph_description import describe_graph
from oneml.habitats.habitats.imported_code import HERE
from oneml.habitats.habitats.live_code import live_drifts
from oneml.habitats.habitats.loading import checked_container, imported_object
from oneml.habitats.habitats.overrides import override_from_json
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.habitats.settings_schema import settings_schema
from oneml.habitats.habitats.unread_files import UnreadFiles
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.fingerprints import Base, digest_of
from oneml.habitats.sessions.policy import policy_of
from oneml.habitats.sessions.recipe import Recipe, read_code, read_explanation
from oneml.habitats.sessions.verified import Compared, Findings, Verified, inner_object
from oneml.habitats.settings.differences import environment_differences
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.effective_secrets import rotated_secrets
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.process import files_here
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.include_paths import own_names, split_provider_key
from oneml.habitats.values.json_value import JsonObject
from oneml.habitats.values.node_path import ROOT, NodePath

if TYPE_CHECKING:
    from oneml.habitats.sessions.verified_parts import VerifiedParts


def open_verified(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    registry: HabitatRegistry,
    sources: ProcessSources,
    signing_key: bytes | None,
    node_entries: JsonObject,
) -> Verified:
    """Open the container of a session that another process may have created.

    Args:
        store: The artifact store.
        recipe: The recipe.
        registry: The habitats that are installed here.
        sources: Variables, for secrets and for what differs without effect.
        signing_key: The configured key; None where there is none.
        node_entries: Entries of the session's settings for nodes.

    Raises:
        RefusalError: The code, the packages, the name, a secret, the settings model or the graph of providers is not
            what the recipe says.
    """
    live = sorted(name for name, how in recipe.overrides.items() if how is None)
    if live:
        raise LiveOverridesError(session_id=recipe.session_id, providers=live)
    verified = Verified(store, recipe, policy_of(recipe), signing_key)
    findings = verified.findings
    checked = _code_checked(findings, store, recipe, registry)
    # What was imported before its file was hashed need not be what that file says.
    imported = (sys.modules.keys() & checked.expected.modules.keys()) - HERE.known()
    findings.judge(list(HERE.drifts(checked.found, checked.expected)))
    container = _container(findings, recipe, registry, checked)
    _check_imported(findings, checked, imported)
    model = container.settings_model()
    schema = settings_schema(model)
    findings.judge(_schema_drifts(store, recipe, ROOT, schema, subject=model.__name__))
    with_entries = partial(EffectiveSettings[PipelineSettings].from_snapshot, model, recipe.settings, sources.environ)
    if recipe.included:
        verified.included = _included(verified, store, recipe, registry, sources, signing_key, checked, imported)
        with_entries = partial(_with_included, with_entries, recipe.included, verified.included)
    verified.with_entries = with_entries
    settings = verified.settings = with_entries(node_entries)
    verified.check_secrets(settings, findings)
    findings.notices.extend(_without_effect(recipe, recipe.habitat, settings, sources))
    _open(verified, recipe, container)
    verified.check_again = _CheckedAgain(verified, store, recipe, registry, checked.found, imported)
    verified.base = Base(recipe.habitat, recipe.container, digest_of(schema), checked.expected.distributions)
    findings.compared.append(Compared("settings", f"{model.__name__}, values of the recipe"))
    return verified


def _container(
    findings: Findings, recipe: Recipe, registry: HabitatRegistry, checked: "_CodeChecked"
) -> type[PipelineComponents]:
    """Import the container class, and hold it against that of the recipe."""
    entry = checked.entry
    container = registry.load(entry.name) if checked.known else checked_container(entry, imported_object(entry))
    target = own_target(container)
    if target != checked.expected.container:
        findings.judge(
            [Drift("container", recipe.habitat, "class", checked.expected.container, target, found_source=entry.target)]
        )
    return container


def _check_imported(findings: Findings, checked: "_CodeChecked", imported: Collection[str]) -> None:
    """Hold what has been imported against its source, and let it count from then on."""
    findings.judge(live_drifts(inner_object(checked.document, "live"), checked.found.places, thorough=imported))
    HERE.note(checked.found, imported)


def _open(verified: Verified, recipe: Recipe, container: type[PipelineComponents]) -> None:
    """Open the container with what the recipe says is replaced, and describe its graph."""
    overrides = [
        override_from_json(container, name, how)
        for name, how in recipe.overrides.items()
        if how is not None and split_provider_key(name)[0] == ROOT
    ]
    components = container.open(session_id=recipe.session_id, settings=verified.settings, overrides=overrides)
    verified.components = components
    if verified.included is not None:
        components.take_parts(verified.included.containers)
    try:
        verified.graph = describe_graph(components.opened_blueprint, components.overrides)
    except BaseException:
        components.close()
        raise


def _included(  # what was found on the way to here
    verified: Verified,
    store: ArtifactStore,
    recipe: Recipe,
    registry: HabitatRegistry,
    sources: ProcessSources,
    signing_key: bytes | None,
    checked: "_CodeChecked",
    imported: Collection[str],
) -> "VerifiedParts":
    """Return what opens included habitats when nodes of them are met."""
    from oneml.habitats.sessions.verified_parts import VerifiedParts  # noqa: PLC0415  # few sessions include any

    findings = verified.findings

    def check_files(path: NodePath) -> None:
        verified.check_again(path)  # which is there once the session is open

    def without_effect(path: NodePath, settings: EffectiveSettings[PipelineSettings]) -> list[str]:
        told = _without_effect(recipe, recipe.included[path].habitat, settings, sources)
        return [line for line in told if line not in findings.notices]

    return VerifiedParts(
        recipe,
        registry=registry,
        environ=sources.environ,
        findings=findings,
        schema_drifts=partial(_schema_drifts, store, recipe),
        check_files=check_files,
        check_code=partial(_check_imported, findings, checked, imported),
        check_secrets=partial(_check_secrets, verified, recipe, signing_key),
        without_effect=without_effect,
    )


def _schema_drifts(
    store: ArtifactStore, recipe: Recipe, path: NodePath, schema: JsonObject, *, subject: str = ""
) -> list[Drift]:
    """Tell how a settings model differs from the recorded one; for the root, from that of the session itself."""
    digest = digest_of(schema)
    expected = recipe.settings_schema if path == ROOT else recipe.included[path].settings_schema
    if digest == expected:
        return []
    from oneml.habitats.habitats.settings_schema import schema_drifts  # noqa: PLC0415  # only to explain

    described = read_explanation(store, recipe, "graph")
    if path != ROOT:
        described = inner_object(inner_object(described, "included"), path)
    recorded = inner_object(described, "settings_schema")
    told = list(schema_drifts(recorded, schema)) if recorded else []
    if path != ROOT:
        told = [drift._replace(subject=f"{path}:{drift.subject}") for drift in told]
    return told or [Drift("setting", subject or path, "schema", expected, digest)]


def _check_secrets(
    verified: Verified,
    recipe: Recipe,
    signing_key: bytes | None,
    path: NodePath,
    settings: EffectiveSettings[PipelineSettings],
) -> None:
    """Hold the secrets of an included habitat against those of the recipe."""
    if signing_key is not None:
        recorded = own_names(recipe.secrets, path)
        rotated = rotated_secrets(settings, recorded, signing_key, recipe.session_id.encode())
        told = [drift._replace(subject=f"{path}:{drift.subject}") for drift in rotated]
        verified.judge_secrets(told, verified.findings)


def _with_included(
    own: "Callable[[JsonObject], EffectiveSettings[PipelineSettings]]",
    included: Collection[NodePath],
    parts: "VerifiedParts",
    entries: JsonObject,
) -> EffectiveSettings[PipelineSettings]:
    from oneml.habitats.settings.included import documents_of_part  # noqa: PLC0415  # few sessions include any

    settings = own(documents_of_part(entries, included, ROOT))
    return settings.with_entries(settings.layers.nodes, parts.settings(entries))


def _without_effect(
    recipe: Recipe, habitat: str, settings: EffectiveSettings[PipelineSettings], sources: ProcessSources
) -> Iterator[str]:
    """Tell what variables and files here would make of settings of a habitat that are the recipe's."""
    try:
        files = files_here(settings.model, habitat, sources)
    except SettingsError as error:
        yield f"without effect, but wrong: {error}"
        files = ()
    for one in environment_differences(settings, sources.environ, files=files):
        here = "is not set here" if one.here is None else f"gives {one.here!r} here"
        yield f"{one.name} {here}, without effect: session {recipe.session_id} runs with {one.setting} = {one.snapshot}"


class _CodeChecked(NamedTuple):
    entry: HabitatEntry
    known: bool
    document: JsonObject
    expected: CodeIdentity
    found: CodeIdentity


def _code_checked(findings: Findings, store: ArtifactStore, recipe: Recipe, registry: HabitatRegistry) -> _CodeChecked:
    """Hold the code that is installed here against the recipe; none of it is imported."""
    document = read_code(store, recipe)
    expected = identity_from_json(document.get("identity"))
    if (expected.digest, expected.habitat) != (recipe.code, recipe.habitat):
        raise RecipeAlteredError(what=f"code of session {recipe.session_id}", reason="it is not what the header says")
    if expected.unproven:
        findings.judge_unproven(expected.unproven)
    entry, known = _entry(registry, expected)
    found = identity_here(expected, habitat=entry)
    before, now = ((one.digest, one.python, one.distributions, one.first_party) for one in (expected, found))
    if before != now:
        from oneml.habitats.habitats.code_difference import code_drifts  # noqa: PLC0415  # only to explain

        outline = read_explanation(store, recipe, "outline")
        compared = code_drifts(
            expected, found, outline=outline, packages=findings.policy.packages, python=findings.policy.python
        )
        findings.allowed.extend(compared.allowed)
        findings.judge(compared.refused)
    findings.compared += [
        Compared("python", found.python),
        Compared("distributions", f"{len(expected.distributions)} by version"),
        Compared("code", f"{len(expected.modules)} modules, {len(expected.data)} data files by content"),
    ]
    return _CodeChecked(entry, known, document, expected, found)


class _CheckedAgain:
    """Looks before each node whether the code is still what was compared, as far as this process may read it yet."""

    def __init__(
        self,
        verified: Verified,
        store: ArtifactStore,
        recipe: Recipe,
        registry: HabitatRegistry,
        found: CodeIdentity,
        unknown: Collection[str],
    ) -> None:
        self._verified = verified
        self._where = (store, recipe, registry)
        self._found = found
        self._unknown = unknown
        self._unread = UnreadFiles(found)

    def __call__(self, node: NodePath) -> None:
        imported = self._unread.imported()
        if not self._unread.have_changed():
            if imported:
                HERE.note(self._found, self._unknown)
            return
        findings = self._verified.findings_of(node)
        checked = _code_checked(findings, *self._where)
        # A file may be again what it was, and what was imported meanwhile be not.
        live = inner_object(checked.document, "live")
        findings.judge(live_drifts(live, checked.found.places, thorough=imported))
        self._unknown = {*self._unknown, *imported}
        self._found, self._unread = checked.found, UnreadFiles(checked.found)


def _entry(registry: HabitatRegistry, expected: CodeIdentity) -> tuple[HabitatEntry, bool]:
    """Return the habitat of that name here, and whether the registry gives its container under the name.

    One that the driver registered in code is found by its target; of several, that of the recipe's distribution is it.
    """
    name, distribution = expected.habitat, expected.distribution
    try:
        return registry.entry(name), True
    except (UnknownHabitatError, DuplicateHabitatError) as error:
        offers = registry.offers(name)
        for offer in offers:
            if (offer.target, offer.distribution) == (expected.target, distribution):
                return offer, False
        if distribution is None:
            return HabitatEntry(name, expected.target), False
        version, origins = expected.version or "", [offer.origin for offer in offers]
        raise HabitatMissingError(habitat=name, distribution=distribution, version=version, others=origins) from error
