"""What other distributions add under an entry point group: found by name, made, and checked before it is used."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Unusable(Protocol):
    """Makes the error for a plugin that cannot be used."""

    def __call__(self, *, name: str, distribution: str, reason: str) -> Exception:
        """Return it."""
        ...


def made_plugin(group: str, name: str, *, why_not: Callable[[object, str], str], unusable: Unusable) -> object | None:
    """Return what the plugin of that name makes when it is called without arguments; None where there is none.

    Args:
        group: The group of entry points.
        name: The plugin's name there.
        why_not: Tells what is wrong with what was made, given the name; empty where nothing is.
        unusable: Makes the error that is raised; as the others do, it names the distribution.

    Raises:
        Exception: What ``unusable`` gives: several have that name, it cannot be loaded, or ``why_not`` objects.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415  # only where a plugin is named

    found = {entry.value: entry for entry in entry_points(group=group, name=name)}
    if not found:
        return None
    distribution = ", ".join(sorted({plugin_origin(entry) for entry in found.values()}))
    if len(found) > 1:
        raise unusable(name=name, distribution=distribution, reason="several have that name")
    try:
        made = cast("Callable[[], object]", next(iter(found.values())).load())()
    except Exception as error:
        reason = f"{type(error).__qualname__}: {error}"
        raise unusable(name=name, distribution=distribution, reason=reason) from error
    reason = why_not(made, name)
    if reason:
        raise unusable(name=name, distribution=distribution, reason=reason)
    return made


def plugin_origin(entry: "EntryPoint") -> str:
    """Return the distribution that adds an entry point, with its version; its target where that is not known."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
