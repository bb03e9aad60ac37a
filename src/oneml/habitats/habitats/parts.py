"""The opened containers of the habitats that a session includes, beside that of the session itself."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from oneml.habitats.habitats.finalizers import call_all
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.values.include_paths import provider_key
from oneml.habitats.values.made_by_path import MadeByPath
from oneml.habitats.values.node_path import NodePath

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings


class Parts:
    """Opened containers by include path, each opened when it is first asked for.

    Args:
        paths: The include paths.
        open_part: Opens the container that stands at one; not needed where all are added.
    """

    def __init__(
        self, paths: Collection[NodePath] = (), open_part: "Callable[[NodePath], PipelineComponents] | None" = None
    ) -> None:
        self._opened = MadeByPath(paths, self._open)
        self._open_part = open_part
        self._is_closed = False

    @property
    def paths(self) -> Collection[NodePath]:
        """The include paths."""
        return self._opened.paths

    def add(self, path: NodePath, components: "PipelineComponents") -> None:
        """Take an opened container; where all are closed, it is closed at once, and nothing builds."""
        with self._opened.lock:
            self._opened.put(path, components)
            closes = self._is_closed
        if closes:
            components.close()

    def at(self, path: NodePath) -> "PipelineComponents":
        """Return the container that stands at an include path; one that is opened after the end is closed at once."""
        return self._opened.at(path)

    def opened(self) -> Sequence["PipelineComponents"]:
        """Return those that are open, in the order of their opening."""
        return list(self._opened.made().values())

    def overrides(self) -> Iterator[Override]:
        """Give what stands for providers in those that are open, each by the key of its provider."""
        for path, components in self._opened.made().items():
            for override in components.overrides:
                yield dataclasses.replace(override, name=provider_key(path, override.name))

    def close(self, outer: Callable[[], None]) -> None:
        """Close all of them, the last first, and then the outer container, whatever the others do.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        with self._opened.lock:
            self._is_closed = True
        closing = (components.close for components in reversed(self.opened()))
        call_all([*closing, outer], "Finalizers of several containers of a session failed")

    def _open(self, path: NodePath) -> "PipelineComponents":
        components = cast("Callable[[NodePath], PipelineComponents]", self._open_part)(path)
        if self._is_closed:
            components.close()
        return components


def reopened_parts(older: "PipelineComponents", settings: "EffectiveSettings[PipelineSettings]") -> Parts:
    """Return the included habitats of a container, opened once more with other settings.

    Args:
        older: The container.
        settings: The settings of the session.
    """
    parts = Parts()
    for path in older.opened_parts.paths:
        part = older.opened_part(path)
        opened = type(part).open(session_id=part.session_id, settings=settings.at(path), overrides=part.overrides)
        parts.add(path, opened)
    return parts
