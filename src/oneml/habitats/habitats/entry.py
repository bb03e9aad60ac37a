"""A habitat as far as it is known without importing it, and whether another process could."""

import sys
from typing import NamedTuple


class HabitatEntry(NamedTuple):
    """A habitat, as far as it is known without importing it.

    Attributes:
        name: Its name.
        target: ``module:attr`` of the container, or of the callable that gives it.
        distribution: Normalised name of the distribution that offers it; None where code registered it.
        version: Of that distribution.
        importable: Whether another process can import ``target``; else the container exists in this process only.
        problem: Why it cannot be used; None where nothing is known against it.
    """

    name: str
    target: str
    distribution: str | None = None
    version: str | None = None
    importable: bool = True
    problem: str | None = None

    @property
    def origin(self) -> str:
        """Who offers it, for a person: ``hello-world-demo 1.0``."""
        return "registered in code" if self.distribution is None else f"{self.distribution} {self.version}"


def own_target(live: object) -> str:
    """Return ``module:QualifiedName`` of a class or function, as it says itself."""
    qualname = getattr(live, "__qualname__", type(live).__qualname__)
    return f"{getattr(live, '__module__', '?')}:{qualname}"


def is_importable(live: object) -> bool:
    """Tell whether another process finds this very object under its own ``module:QualifiedName``."""
    module_name, _, qualname = own_target(live).partition(":")
    module = sys.modules.get(module_name)
    if module is None or module_name == "__main__" or module.__spec__ is None:
        return False
    found: object = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found is live
