"""From the entry of a habitat to its container: the import, the call of a factory, and the check of what came out."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from oneml.habitats.errors import BrokenHabitatError, NotAHabitatError
from oneml.habitats.habitats.entry import HabitatEntry, own_target
from oneml.habitats.habitats.raised import described_error
from oneml.habitats.values.suggestions import known_names

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents


def imported_object(entry: HabitatEntry) -> object:
    """Return what the entry's target leads to.

    Raises:
        BrokenHabitatError: The module cannot be imported, or has nothing of that name; the cause is chained.
    """
    module_name, _, path = entry.target.partition(":")
    try:
        found: object = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        reason = f"importing {module_name} raised {described_error(error)}"
        raise broken_habitat(entry, reason, _import_remedy(entry, module_name, error)) from error
    where = f"module {module_name}"
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            known = known_names(part, [name for name in dir(found) if not name.startswith("_")])
            raise broken_habitat(entry, f'{where} has no "{part}"', known) from error
        where = f'"{part}" of {where}'
    return found


def _import_remedy(entry: HabitatEntry, module_name: str, error: BaseException) -> str:
    owner = entry.distribution or "the package that holds it"
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is None:
        return f"Correct {owner}, or install a version of it that works here."
    if module_name == missing or module_name.startswith(f"{missing}."):
        return f"Install {owner} (again), or correct the name of the module."
    return f"Install what provides {missing}, and let {owner} require it."


def checked_container(entry: HabitatEntry, found: object) -> "type[PipelineComponents]":
    """Return the container that ``found`` is, or gives when it is called.

    Raises:
        BrokenHabitatError: Calling it failed; the cause is chained.
        NotAHabitatError: It is no container and gives none.
    """
    from oneml.habitats.habitats.components import PipelineComponents  # noqa: PLC0415  # loads dependency_injector

    made = _called(entry, found) if callable(found) and not isinstance(found, type) else found
    if isinstance(made, type) and issubclass(made, PipelineComponents):
        return made
    what = f"the class {own_target(cast('object', made))}" if isinstance(made, type) else _article(type(made).__name__)
    gave = "is" if made is found else "returned"
    raise NotAHabitatError(name=entry.name, target=entry.target, found=f"{gave} {what}")


def _called(entry: HabitatEntry, factory: Callable[[], object]) -> object:
    try:
        return factory()
    except Exception as error:
        reason = f"calling it raised {described_error(error)}"
        remedy = "The factory of a habitat takes no parameters and must not fail."
        raise broken_habitat(entry, reason, remedy) from error


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def broken_habitat(entry: HabitatEntry, reason: str, remedy: str) -> BrokenHabitatError:
    """Return the error that says why ``entry`` cannot be used, and what helps."""
    return BrokenHabitatError(name=entry.name, target=entry.target, origin=entry.origin, reason=reason, remedy=remedy)
