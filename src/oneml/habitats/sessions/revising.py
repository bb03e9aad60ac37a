"""Makes revisions of the settings of a session, on its driver."""

from collections.abc import Mapping, Sequence

from oneml.habitats.errors import FixedSettingError, SigningKeyMissingError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.fingerprints import Fingerprints
from oneml.habitats.sessions.plan_shards import read_nodes
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.sessions.revisions import write_revision
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import Plan

FIXED_NAMES = frozenset({"allow_pickle", "engine", "on_failure", "store", "verification", "workers"})
"""Settings by which a session is driven and proven: what was opened with them stays open."""


def check_changeable(model: type[PipelineSettings], values: Mapping[str, object]) -> None:
    """Let pass settings that may change while a session lives.

    Raises:
        FixedSettingError: One may not.
    """
    for name in sorted(values.keys() & FIXED_NAMES):
        raise FixedSettingError(model=model.__name__, name=name, fixed=FIXED_NAMES)


def revised_recipe(
    store: ArtifactStore,
    recipe: Recipe,
    *,
    plan: Plan,
    before: EffectiveSettings[PipelineSettings],
    settings: EffectiveSettings[PipelineSettings],
    fingerprints: Fingerprints,
    created_at: str,
    key: bytes | None,
) -> tuple[Recipe, Sequence[NodePath]]:
    """Write the next revision of a recipe.

    Args:
        store: The artifact store.
        recipe: The recipe at the newest revision.
        plan: Its plan.
        before: The settings until now.
        settings: The settings from now on.
        fingerprints: Computes what nodes are.
        created_at: RFC 3339, UTC.
        key: What documents are signed by.

    Returns:
        The recipe at the new revision, and the nodes that are no longer what they were at the revision before.

    Raises:
        SigningKeyMissingError: The recipe is signed, and there is no key to sign the revision by.
        RecipeTooLargeError: The settings are larger than a worker reads.
        StoreError: The store failed; there is no such revision then.
    """
    if recipe.signed and key is None:
        raise SigningKeyMissingError(session_id=recipe.session_id)
    recorded = {record.node.path: record.fingerprint for record in read_nodes(store, recipe)}
    others: dict[NodePath, str | None] = {}
    changed: list[NodePath] = []
    for path, node in plan.nodes.items():
        author = plan.node_settings.get(path, {})
        fingerprint = fingerprints.of_node(node, settings, author)
        if fingerprint != recorded[path]:
            others[path] = fingerprint
        if fingerprint != fingerprints.of_node(node, before, author):
            changed.append(path)
    secrets: Mapping[str, str] = {}
    if key is not None:
        secrets = settings.secret_digests(key, recipe.session_id.encode())
    revised = write_revision(
        store,
        recipe,
        created_at=created_at,
        settings=settings.snapshot(),
        secrets=secrets,
        fingerprints=others.items(),
        key=key,
    )
    return revised, changed
