"""The opened containers of the habitats that a session includes, beside that of the session itself."""

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from oneml.habitats.habitats.overrides import Override
from oneml.habitats.values.include_paths import provider_key
from oneml.habitats.values.node_path import NodePath

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings


class Parts:
    """Opened containers by include path, each opened when it is first asked for.

    Args:
        paths: The include paths.
        open_part: Opens the container that stands at one.
    """

    def __init__(
        self, paths: Collection[NodePath] = (), open_part: "Callable[[NodePath], PipelineComponents] | None" = None
    ) -> None:
        self._paths = dict.fromkeys(paths)
        self._open_part = open_part
        self._opened: dict[NodePath, PipelineComponents] = {}
        self._lock = threading.RLock()
        self._is_closed = False

    def add(self, path: NodePath, components: "PipelineComponents") -> None:
        """Take an opened container; where all are closed, it is closed at once, and nothing builds."""
        with self._lock:
            self._paths[path] = None
            self._opened[path] = components
            closes = self._is_closed
        if closes:
            components.close()

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def __iter__(self) -> Iterator[NodePath]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def at(self, path: NodePath) -> "PipelineComponents":
        """Return the container that stands at an include path."""
        found = self._opened.get(path)
        if found is None:
            with self._lock:
                found = self._opened.get(path)
                if found is None:
                    open_part = cast("Callable[[NodePath], PipelineComponents]", self._open_part)
                    found = open_part(path)
                    self.add(path, found)
        return found

    def opened(self) -> Sequence["PipelineComponents"]:
        """Return those that are open, in the order of their opening."""
        return list(self._opened.values())

    def overrides(self) -> Iterator[Override]:
        """Give what stands for providers in those that are open, each by the key of its provider."""
        for path, components in self._opened.items():
            for override in components.overrides:
                yield dataclasses.replace(override, name=provider_key(path, override.name))

    def close(self, outer: Callable[[], None]) -> None:
        """Close all of them, the last first, and then the outer container, whatever the others do.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        errors: list[BaseException] = []
        with self._lock:
            self._is_closed = True
            closing = [*reversed(self._opened.values())]
        for close in [*(components.close for components in closing), outer]:
            try:
                close()
            except BaseException as error:  # noqa: BLE001  # the others must close; all are raised together
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            message = "Finalizers of several containers of a session failed"
            raise BaseExceptionGroup(message, errors)


def reopened_parts(older: "PipelineComponents", settings: "EffectiveSettings[PipelineSettings]") -> Parts:
    """Return the included habitats of a container, opened once more with other settings.

    Args:
        older: The container.
        settings: The settings of the session.
    """
    parts = Parts()
    for path in older.opened_parts:
        part = older.opened_part(path)
        opened = type(part).open(session_id=part.session_id, settings=settings.at(path), overrides=part.overrides)
        parts.add(path, opened)
    return parts
