"""The settings of nodes on a worker, which reads entries of the session as it meets nodes and never has them all."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.json_value import JsonObject

KEPT_MAX = 64
"""Of how many sets of entries the settings are kept; nodes to which the same entries apply share one."""


class EntrySettings:
    """Gives settings that know the entries for a node, and keeps those that were last asked for.

    Args:
        base: The settings of the session, without entries for nodes.
        with_entries: Gives the same with entries.
    """

    def __init__(
        self,
        base: EffectiveSettings[PipelineSettings],
        with_entries: Callable[[JsonObject], EffectiveSettings[PipelineSettings]],
    ) -> None:
        self._base = base
        self._with_entries = with_entries
        self._lock = Lock()
        self._kept: OrderedDict[frozenset[str], EffectiveSettings[PipelineSettings]] = OrderedDict()
        self._dropped_secrets: frozenset[str] = frozenset()

    def at(self, entries: JsonObject) -> EffectiveSettings[PipelineSettings]:
        """Return the settings with the entries that apply to a node.

        Raises:
            RefusalError: They do not fit the model, or a secret cannot be had.
        """
        if not entries:
            return self._base
        key = frozenset(entries)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = self._kept[key] = self._with_entries(entries)
                if len(self._kept) > KEPT_MAX:
                    _, dropped = self._kept.popitem(last=False)
                    self._dropped_secrets |= dropped.secret_texts()
            else:
                self._kept.move_to_end(key)
            return found

    def secret_texts(self) -> frozenset[str]:
        """Return every secret that was resolved so far."""
        with self._lock:
            kept = list(self._kept.values())
        return self._base.secret_texts().union(self._dropped_secrets, *(one.secret_texts() for one in kept))
