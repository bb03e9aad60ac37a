"""Habitats by name: from entry points of installed distributions, and from code. Listing them imports none."""

import re
from collections.abc import Callable, Iterator, Sequence
from threading import RLock
from typing import TYPE_CHECKING, TypeAlias

from oneml.habitats.errors import DuplicateHabitatError, InvalidHabitatNameError, NotAHabitatError, UnknownHabitatError
from oneml.habitats.habitats.distributions import EntryPoint, all_distributions, entry_points
from oneml.habitats.habitats.entry import HabitatEntry, is_importable, own_target
from oneml.habitats.habitats.loading import broken_habitat, checked_container, imported_object

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents

Factory: TypeAlias = "type[PipelineComponents] | Callable[[], type[PipelineComponents]]"

GROUP = "oneml.habitats"
"""The entry-point group in which distributions offer habitats."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class HabitatRegistry:
    """Name to container factory.

    Installed distributions are looked at once, when the first habitat is asked for.

    Args:
        search_path: Folders in which to look for distributions; ``sys.path`` where absent.
    """

    def __init__(self, *, search_path: Sequence[str] | None = None) -> None:
        self._search_path = search_path
        self._installed: Sequence[HabitatEntry] | None = None
        self._registered: dict[str, HabitatEntry] = {}
        self._live: dict[str, Factory] = {}
        self._loaded: dict[str, type[PipelineComponents]] = {}
        self._loading = RLock()

    def register(self, name: str, target: "str | Factory") -> None:
        """Register a habitat in code.

        Args:
            name: 1 to 64 of ``a-z 0-9 . _ -``, starting with a letter or a digit.
            target: ``module:attr``; or a container or factory itself, which leaves this process only if it is found
                again under its own ``module:QualifiedName``.

        Raises:
            InvalidHabitatNameError: The name is not of the grammar.
            NotAHabitatError: The text is not ``module:attr``.
            DuplicateHabitatError: Something else was registered under that name.
        """
        if _NAME.fullmatch(name) is None:
            raise InvalidHabitatNameError(name=name)
        live = None if isinstance(target, str) else target
        text = target if isinstance(target, str) else own_target(target)
        if live is None and _TARGET.fullmatch(text) is None:
            raise NotAHabitatError(name=name, target=repr(text), found='is not of the form "module:attr"')
        entry = HabitatEntry(name, text, importable=live is None or is_importable(live))
        known = self._registered.get(name)
        if known is not None and (known != entry or not (entry.importable or self._live[name] is live)):
            raise DuplicateHabitatError(name=name, offers=[_offer(known), _offer(entry)])
        self._registered[name] = entry
        if live is not None:
            self._live[name] = live

    def entries(self) -> Sequence[HabitatEntry]:
        """Return every habitat, sorted by name, each name once; nothing is imported."""
        return [_merged(offers) for _, offers in sorted(self._offers().items())]

    def offers(self, name: str) -> Sequence[HabitatEntry]:
        """Return all that is offered under a name, which should be one; nothing is imported."""
        return self._offers().get(name, ())

    def entry(self, name: str) -> HabitatEntry:
        """Return the habitat of that name; nothing is imported.

        Raises:
            InvalidHabitatNameError: It is no text; a class, perhaps.
            UnknownHabitatError: There is none.
            DuplicateHabitatError: There are several.
            BrokenHabitatError: Its entry point cannot be read.
        """
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # authors without a checker
            raise InvalidHabitatNameError(name=repr(name))
        offers = self._offers()
        if name not in offers:
            raise UnknownHabitatError(name=name, known=list(offers))
        if len(offers[name]) > 1:
            raise DuplicateHabitatError(name=name, offers=[_offer(entry) for entry in offers[name]])
        found = offers[name][0]
        if found.problem is not None:
            raise broken_habitat(found, found.problem, f"Repair or reinstall {found.distribution}.")
        return found

    def entry_of(self, container: "type[PipelineComponents]") -> HabitatEntry:
        """Return the habitat whose target a container class is; one of no name but its own where none is."""
        target = own_target(container)
        for offers in self._offers().values():
            if len(offers) == 1 and offers[0].target == target and offers[0].problem is None:
                return offers[0]
        return HabitatEntry(target, target, importable=is_importable(container))

    def load(self, name: str) -> "type[PipelineComponents]":
        """Import the container of that name; where the name leads to a factory, call it. Both happen once.

        Raises:
            UnknownHabitatError: There is none.
            DuplicateHabitatError: There are several.
            BrokenHabitatError: It cannot be imported, or the factory failed; the cause is chained.
            NotAHabitatError: What was found is no container.
        """
        with self._loading:
            loaded = self._loaded.get(name)
            if loaded is None:
                entry = self.entry(name)
                live = self._live.get(name)
                loaded = checked_container(entry, imported_object(entry) if live is None else live)
                self._loaded[name] = loaded
            return loaded

    def _offers(self) -> dict[str, list[HabitatEntry]]:
        if self._installed is None:
            self._installed = list(_installed_entries(self._search_path))
        offers: dict[str, list[HabitatEntry]] = {}
        for entry in (*self._registered.values(), *self._installed):
            known = offers.setdefault(entry.name, [])
            if entry.target not in {other.target for other in known}:
                known.append(entry)
        return offers


def _installed_entries(search_path: Sequence[str] | None) -> Iterator[HabitatEntry]:
    for distribution in all_distributions(search_path):
        name, version, folder = distribution
        try:
            points = entry_points(distribution, GROUP)
        except (OSError, UnicodeDecodeError) as error:
            yield HabitatEntry(name, folder, name, version, problem=f"its entry points cannot be read: {error}")
            continue
        for point in points:
            yield HabitatEntry(point.name, point.target, name, version, problem=_problem(point))


def _problem(point: EntryPoint) -> str | None:
    if _NAME.fullmatch(point.name) is None:
        return str(InvalidHabitatNameError(name=point.name)).removesuffix(".")
    if _TARGET.fullmatch(point.target) is None:
        return f'its entry point is {point.target!r}, which is not of the form "module:attr"'
    return None


def _merged(offers: Sequence[HabitatEntry]) -> HabitatEntry:
    if len(offers) == 1:
        return offers[0]
    problem = f"several habitats have this name: {', '.join(map(_offer, offers))}"
    return offers[0]._replace(importable=False, problem=problem)


def _offer(entry: HabitatEntry) -> str:
    return f"{entry.target} ({entry.origin})"
