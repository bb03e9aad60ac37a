"""Outputs of other sessions as inputs of a pipeline: found when a session is created, and recorded by their content."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from oneml.habitats.data.client import DataClient
from oneml.habitats.data.parts import Parts, is_whole
from oneml.habitats.data.scratch import node_scratch
from oneml.habitats.data.streams import StreamReader
from oneml.habitats.errors import InvalidInputsError, OnemlError, StoreError
from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.values.lineage import SessionOutput
from oneml.habitats.values.outcome import PortRecord

if TYPE_CHECKING:
    from oneml.habitats.sessions.session import PipelineSession

CHECKED_MAX_BYTES = 64 << 20
"""Larger outputs are held against the type of the input only where a node reads them."""


class _NotUsableError(Exception):
    """Why an output cannot be given to an input; never leaves this module."""


class FoundOutput(NamedTuple):
    """An output of another session.

    Attributes:
        source: Which, with the whole id of the session, and the port.
        record: Where it lies.
    """

    source: SessionOutput
    record: PortRecord


def find_outputs(
    habitat: str,
    sources: Mapping[str, SessionOutput],
    *,
    forms: Mapping[str, object],
    store: ArtifactStore,
    data: DataClient,
    load_session: "Callable[[str], PipelineSession]",
) -> Mapping[str, FoundOutput]:
    """Return the outputs that were named for inputs, by name of the input.

    Args:
        habitat: Name of the habitat, for messages.
        sources: What was named.
        forms: The annotations of the inputs.
        store: Where the outputs lie.
        data: Decodes them, to hold them against the annotations.
        load_session: Gives a session by its id, or the start of it.

    Raises:
        InvalidInputsError: A session or an output is not there, is not finished, or not of the type; lists all.
        StoreError: The store failed.
    """
    found: dict[str, FoundOutput] = {}
    problems: list[str] = []
    for name, source in sources.items():
        try:
            found[name] = _found(source, load_session(source.session_id), store)
            _check_form(found[name], forms.get(name, object), data)
        except StoreError:
            raise
        except (OnemlError, _NotUsableError) as error:
            problems.append(f'Input "{name}" is {source}: {error}')
    if problems:
        raise InvalidInputsError(habitat=habitat, problems=problems)
    return found


def _found(source: SessionOutput, session: "PipelineSession", store: ArtifactStore) -> FoundOutput:
    try:
        ports = session.ports(source.node)
    except OnemlError as error:
        remedy = f"Run it first: oneml sessions run {session.session_id}."
        message = f"{error} {remedy}" if error.exit_code == 1 else str(error)
        raise _NotUsableError(message) from error
    if not ports:
        message = f"{source.node} keeps its outputs in memory, or has none."
        raise _NotUsableError(message)
    known = ", ".join(sorted(ports))
    if source.port is None and len(ports) > 1:
        message = f"{source.node} has several outputs. Name one: {source.node}.{min(ports)}. Known: {known}."
        raise _NotUsableError(message)
    port = next(iter(ports)) if source.port is None else source.port
    if port not in ports:
        message = f'Node "{source.node}" has no output "{port}". Known: {known}.'
        raise _NotUsableError(message)
    record = ports[port]
    if not is_whole(store, record):
        message = "the artifact is missing in the store. Put it back, or run that node again in a new session."
        raise _NotUsableError(message)
    return FoundOutput(SessionOutput(session.session_id, source.node, port), record)


def _check_form(found: FoundOutput, form: object, data: DataClient) -> None:
    if found.record.size > CHECKED_MAX_BYTES:
        return
    with node_scratch():
        value = data.load(found.record, form, what=f"{found.source.node}.{found.source.port}")
        if isinstance(value, StreamReader):
            for _ in value:
                pass
        elif isinstance(value, Parts):
            parts = cast("Parts[object]", value)
            if sum(record.size for record in (parts.records or {}).values()) <= CHECKED_MAX_BYTES:
                for name in parts:
                    _ = parts[name]
