"""Writes a session down: its plan, and what it is known by."""

from collections.abc import Mapping, Sequence

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.sessions.attempts import AttemptLog
from oneml.habitats.sessions.origins import Origins
from oneml.habitats.sessions.plan_shards import plan_shards
from oneml.habitats.sessions.preparation import Prepared
from oneml.habitats.sessions.recipe import Recipe, write_recipe
from oneml.habitats.settings.effective_secrets import secret_digests
from oneml.habitats.values.lineage import Parent
from oneml.habitats.values.plan import PlannedNode
from oneml.habitats.values.session_id import SessionId

UNPROVEN_MAX = 32
"""Reasons that stand in the header, which a worker reads whole; those of its node are in the shard of it."""


def write_session(
    store: ArtifactStore,
    prepared: Prepared,
    *,
    session_id: SessionId,
    origins: Origins,
    created_at: str,
    signing_key: bytes | None,
    parent: Parent | None,
) -> Recipe:
    """Write the recipe of a session, and before it what it takes over, and return it.

    Args:
        store: Where to.
        prepared: What the session is made of.
        session_id: Its id.
        origins: What it gets from outside.
        created_at: RFC 3339, UTC.
        signing_key: What it is signed by; None for no signature.
        parent: The session and node that create it; None where nothing runs.

    Raises:
        SessionExistsError: There is a session of that id.
        RecipeTooLargeError: Its settings are larger than a worker reads.
        StoreError: The store failed; there is no session then.
    """
    taken = origins.taken_over
    if taken is not None:
        commits = [(path, commit._replace(ended_at=created_at)) for path, commit in taken.commits.items()]
        AttemptLog(store, session_id).commit_all(commits)
    identity = prepared.identity()
    fingerprints: dict[str, str | None] = dict.fromkeys(prepared.plan.nodes)
    shards = _shards(prepared, session_id, signing_key, fingerprints)
    recipe = _recipe(
        prepared,
        session_id=session_id,
        origins=origins,
        created_at=created_at,
        signing_key=signing_key,
        parent=parent or (None if taken is None else taken.parent),
        fingerprints=list(fingerprints.values()),
    )
    return write_recipe(
        store,
        recipe,
        documents=identity.documents(),
        shards=shards,
        explanations=identity.explanations(),
        key=signing_key,
    )


def _shards(
    prepared: Prepared, session_id: SessionId, signing_key: bytes | None, fingerprints: dict[str, str | None]
) -> Sequence[bytes]:
    """Return the shards of the plan, and fill in the fingerprints of its nodes."""
    identity, settings, plan = prepared.identity(), prepared.settings, prepared.plan
    has_own = bool(settings.node_paths() or plan.node_settings)

    def fingerprint_of(node: PlannedNode, core: bytes) -> str | None:
        author = plan.node_settings.get(node.path, {})
        found = fingerprints[node.path] = identity.fingerprints.of_node(node, settings, author, core)
        return found

    def secrets_of(node: PlannedNode) -> Mapping[str, str]:
        if signing_key is None or not has_own:
            return {}
        author = plan.node_settings.get(node.path, {})
        return secret_digests(settings, signing_key, session_id.encode(), node.path, author)

    return plan_shards(
        plan,
        fingerprint_of=fingerprint_of,
        provider_of=identity.provider,
        secrets_of=secrets_of,
        entries={str(path): entries for path, entries in settings.node_entry_documents().items()},
    )


def _recipe(
    prepared: Prepared,
    *,
    session_id: SessionId,
    origins: Origins,
    created_at: str,
    signing_key: bytes | None,
    parent: Parent | None,
    fingerprints: Sequence[str | None],
) -> Recipe:
    identity, settings = prepared.identity(), prepared.settings
    code = identity.code
    return Recipe(
        session_id=session_id,
        habitat=prepared.entry.name,
        created_at=created_at,
        target=code.target,
        container=code.container,
        distribution=code.distribution,
        version=code.version,
        python=code.python,
        first_party=code.first_party,
        fingerprint=identity.whole(fingerprints),
        code=code.digest,
        graph=identity.graph_digest,
        settings_schema=identity.base.settings_schema,
        included={path: part.record() for path, part in identity.parts.items()},
        unproven=_told(identity.unproven),
        settings=settings.snapshot(),
        secrets={} if signing_key is None else secret_digests(settings, signing_key, session_id.encode()),
        overrides={override.name: override.describe() for override in prepared.overrides},
        inputs=origins.inputs,
        node_count=len(prepared.plan.nodes),
        parent=parent,
        selection=None if prepared.narrowed is None else prepared.narrowed.selection,
        input_sources=origins.sources,
    )


def _told(unproven: Sequence[str]) -> tuple[str, ...]:
    more = len(unproven) - UNPROVEN_MAX
    return (*unproven[:UNPROVEN_MAX], f"{more} more reasons") if more > 0 else tuple(unproven)
