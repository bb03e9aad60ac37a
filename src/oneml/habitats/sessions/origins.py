"""What a session gets from outside: the inputs of its pipeline, and the outputs that it takes over from its parent."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from oneml.habitats.data.client import DataClient
from oneml.habitats.errors import InvalidDocumentError, InvalidSelectionError, RefusalError, UnknownSessionError
from oneml.habitats.ports.artifact_store import ArtifactStore, BlobStore
from oneml.habitats.sessions.external_inputs import check_inputs
from oneml.habitats.sessions.preparation import Prepared
from oneml.habitats.sessions.session_outputs import find_outputs
from oneml.habitats.sessions.taking_over import Candidate, TakenOver, TakingOver
from oneml.habitats.values.lineage import SessionOutput
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.session_id import SessionId

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

_log = logging.getLogger(__name__)


class Origins(NamedTuple):
    """What a session gets from outside.

    Attributes:
        inputs: Where the inputs of the pipeline lie, by name.
        sources: Those of them that are outputs of other sessions.
        taken_over: What it takes over from its parent; None where it needs nothing.
    """

    inputs: Mapping[str, PortRecord]
    sources: Mapping[str, SessionOutput]
    taken_over: TakenOver | None


def find_origins(
    store: ArtifactStore,
    prepared: Prepared,
    *,
    blobs: BlobStore,
    inputs: Mapping[str, object],
    parent: str | None,
    load_session: "Callable[[str], PipelineSession]",
    newest: Callable[[], Iterator[SessionId]],
    signing_key: bytes | None,
) -> Origins:
    """Check the inputs, store them, and find a parent where one is needed.

    Args:
        store: The artifact store.
        prepared: What the session is made of.
        blobs: Where inputs go.
        inputs: The inputs of the pipeline by name.
        parent: The id of the parent, or the start of it; None for the newest session that has what is needed.
        load_session: Gives a session by its id, or the start of it.
        newest: Gives the ids of sessions of the habitat, newest first.
        signing_key: The key by which recipes are checked.

    Raises:
        InvalidInputsError: An input is unknown, missing or not of its type.
        UsageError: There is no parent that has computed what is needed, or none is needed.
        ParentRefusedError: What the parent has computed is not what would be computed here.
        StoreError: The store failed.
    """
    habitat, plan, forms, part = prepared.entry.name, prepared.plan, prepared.input_forms, prepared.narrowed
    needs_parent = part is not None and bool(part.feeding)
    values = check_inputs(habitat, plan, forms, inputs, found=plan.inputs if needs_parent else ())
    if parent is not None and not needs_parent:
        reason = "it needs no outputs of another session, so that a parent (--parent) would give it nothing"
        raise InvalidSelectionError(
            selection="The whole pipeline" if part is None else str(part.selection), reason=reason
        )
    data = DataClient(blobs, allow_pickle=prepared.settings.session.allow_pickle)
    named = {name: value for name, value in values.items() if isinstance(value, SessionOutput)}
    found = find_outputs(habitat, named, forms=forms, store=store, data=data, load_session=load_session)
    records = {
        name: found[name].record if name in found else data.publish_input(name, value) for name, value in values.items()
    }
    sources = {name: one.source for name, one in found.items()}
    if part is None or not needs_parent:
        return Origins(records, sources, None)
    taking = TakingOver(store, prepared, part, given=records, signing_key=signing_key)
    if parent is None:
        taken = taking.from_newest(_candidates(newest(), load_session))
    else:
        taken = taking.from_parent(_candidate(load_session(parent)))
    check_inputs(habitat, plan, forms, inputs, found=taken.inputs)
    inherited = {name: source for name, source in taken.sources.items() if name not in records}
    return Origins({**taken.inputs, **records}, {**inherited, **sources}, taken)


def _candidates(ids: Iterator[SessionId], load_session: "Callable[[str], PipelineSession]") -> Iterator[Candidate]:
    """Give the sessions that can be read."""
    for session_id in ids:
        try:
            session = load_session(session_id)
        except (InvalidDocumentError, RefusalError, UnknownSessionError) as error:
            _log.warning("Session %s is passed over: %s", session_id, error)
            continue
        yield _candidate(session)


def _candidate(session: "PipelineSession") -> Candidate:
    return Candidate(recipe=session.recipe, recorded=session.recorded)
