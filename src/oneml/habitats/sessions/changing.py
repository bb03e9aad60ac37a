"""Settings of this process that change while sessions are open: in these, and in those that are created later."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from weakref import WeakSet

from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.session_id import SessionId

if TYPE_CHECKING:
    from oneml.habitats.sessions.proof import Revision
    from oneml.habitats.sessions.session import PipelineSession
    from oneml.habitats.settings.effective import EffectiveSettings


class SettingsChanges:
    """What was changed in this process, by habitat; bodies in threads may create sessions meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, list[tuple[Mapping[str, object], str]]] = {}
        self._sessions: WeakSet[PipelineSession] = WeakSet()

    def follow(self, session: "PipelineSession") -> None:
        """Have later changes reach a session, as long as it is open."""
        with self._lock:
            self._sessions.add(session)

    def make(
        self, habitat: str, model: type[PipelineSettings], values: Mapping[str, object], *, source: str
    ) -> "Mapping[SessionId, Revision]":
        """Change settings; see `PipelineServiceClient.change_settings`.

        Args:
            habitat: Name of the habitat.
            model: The model of its settings.
            values: Settings by name.
            source: Where the change comes from, for people.

        Raises:
            SettingsError: A value is wrong; nothing changes then.
            FixedSettingError: A setting is fixed when a session is created.
            InvalidPipelineError: An engine cannot do what a node would ask of it; nothing changes then.
            StoreError: The store failed; sessions that were changed before stay changed.
        """
        from oneml.habitats.sessions.revising import check_changeable  # noqa: PLC0415  # not on a worker

        check_changeable(model, values)
        with self._lock:
            known = list(self._sessions)
        sessions = [one for one in known if one.parts_of(habitat) and one.is_open]
        for one in sessions:
            one.check_revision(values, source=source, habitat=habitat)
        self._changes.setdefault(habitat, []).append((dict(values), source))
        taken = {one.session_id: one.revise(values, source=source, habitat=habitat) for one in sessions}
        return {session_id: revision for session_id, revision in taken.items() if revision.nodes}

    def applied(
        self, habitat: str, settings: "EffectiveSettings[PipelineSettings]"
    ) -> "EffectiveSettings[PipelineSettings]":
        """Return settings of a habitat with all that was changed."""
        for values, source in self._changes.get(habitat, ()):
            settings = settings.revised(values, source=source)
        return settings
