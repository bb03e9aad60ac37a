"""Sessions that the bodies of nodes create, each under an id that the node and the content decide.

A body that is run again must not compute all of its sessions again. So their ids count up from the id of the parent,
the node and the name: the first of them that is the same session, by fingerprint and inputs, is taken up, and the first
that is free becomes a new one. What cannot be proven the same, or has got other settings since, is never taken up.
"""

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING

from oneml.habitats.errors import SessionExistsError
from oneml.habitats.sessions import keys
from oneml.habitats.sessions.context import Executing, note_session
from oneml.habitats.sessions.recipe import HEADER_MAX_BYTES
from oneml.habitats.sessions.revisions import newest_revision
from oneml.habitats.values.session_id import SessionId, derived_session_id

if TYPE_CHECKING:
    from oneml.habitats.habitats.overrides import Override
    from oneml.habitats.sessions.client import PipelineServiceClient
    from oneml.habitats.sessions.preview import SessionPreview
    from oneml.habitats.sessions.recipe import Recipe
    from oneml.habitats.sessions.session import PipelineSession
    from oneml.habitats.settings.models import PipelineSessionSettings


def nested_session(
    service: "PipelineServiceClient",
    executing: Executing,
    habitat: str,
    *overrides: "Override",
    name: str,
    settings: "PipelineSessionSettings | Mapping[str, object] | None",
    inputs: Mapping[str, object] | None,
) -> "PipelineSession":
    """Return a session for the node that executes; see `PipelineSessionContext.nested_session`."""
    wanted: SessionPreview | None = None
    for number in count():
        session_id = derived_session_id(executing.session_id, executing.node or "", habitat, name, str(number))
        found = _existing(service, session_id)
        if found is None:
            try:
                return service.create_session(
                    habitat, *overrides, settings=settings, inputs=inputs, session_id=session_id
                )
            except SessionExistsError:
                found = service.load_session(session_id)  # another attempt was faster
        if wanted is None:
            wanted = service.preview(habitat, *overrides, settings=settings, inputs=inputs or {})
        if _is_same(found.recipe, wanted) and not newest_revision(service.store, session_id):
            note_session(session_id)
            return found
    raise AssertionError  # counting does not end


def _existing(service: "PipelineServiceClient", session_id: SessionId) -> "PipelineSession | None":
    # An id that nobody uses yet is not looked for among the starts of all others.
    if service.store.read(keys.recipe_key(session_id), limit_bytes=HEADER_MAX_BYTES) is None:
        return None
    return service.load_session(session_id)


def _is_same(recipe: "Recipe", wanted: "SessionPreview") -> bool:
    fingerprint = wanted.fingerprint.digest
    if wanted.origins is None or fingerprint is None or fingerprint != recipe.fingerprint:
        return False
    contents = [{name: one[:4] for name, one in records.items()} for records in (recipe.inputs, wanted.origins.inputs)]
    return contents[0] == contents[1]
