"""Which code a habitat is: its container, its first-party files by hash, and the distributions beside them.

Everything is found by name and read from files: a worker tells whether it has the driver's code before it imports any
of it.
"""

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from oneml.habitats.errors import InvalidFirstPartyError, NotRebuildableError
from oneml.habitats.habitats.distributions import installed_distributions, packages_of, required_distributions
from oneml.habitats.habitats.entry import HabitatEntry, is_importable, own_target
from oneml.habitats.habitats.source_files import OWN_PACKAGE, find_sources, first_party_package, hashed_files
from oneml.habitats.values.json_value import JsonObject, canonical_json

OWN_DISTRIBUTION = "oneml-habitats"

_PACKAGE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeIdentity:
    """The code of a habitat, so that two processes can compare.

    Attributes:
        habitat: Its name.
        target: ``module:attr`` that the name leads to.
        container: ``module:QualifiedName`` of the container class.
        python: Minor version of the interpreter: ``3.11``.
        distribution: Normalised name of the distribution that offers the habitat; None where code registered it.
        distributions: Versions, by normalised name, of that distribution and of all that it requires.
        first_party: Import packages whose files count.
        files: SHA-256 of the raw bytes of their ``.py`` files, by POSIX path.
        problem: Why no other process can rebuild the container; None where nothing is in the way.
        places: Where the first-party packages lie on this machine; no part of the identity.
        digest: SHA-256 of the canonical JSON of all of it, but for ``places``.
    """

    habitat: str
    target: str
    container: str
    python: str
    distribution: str | None
    distributions: Mapping[str, str]
    first_party: tuple[str, ...]
    files: Mapping[str, str]
    problem: str | None = None
    places: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest."""
        object.__setattr__(self, "digest", hashlib.sha256(canonical_json(self.content())).hexdigest())

    def content(self) -> JsonObject:
        """Return all that the digest covers."""
        return {
            "habitat": self.habitat,
            "target": self.target,
            "container": self.container,
            "python": self.python,
            "distribution": self.distribution,
            "distributions": self.distributions,
            "first_party": list(self.first_party),
            "files": self.files,
            "problem": self.problem,
        }

    @property
    def version(self) -> str | None:
        """Version of the distribution that offers the habitat."""
        return None if self.distribution is None else self.distributions.get(self.distribution)

    def check_rebuildable(self) -> None:
        """Let pass what another process can rebuild.

        Raises:
            NotRebuildableError: The container exists in this process only, or its sources cannot be found.
        """
        if self.problem is not None:
            raise NotRebuildableError(habitat=self.habitat, problem=self.problem)


def code_identity(container: type, *, habitat: HabitatEntry, first_party: Sequence[str] = ()) -> CodeIdentity:
    """Return the identity of a container that was loaded here: what a driver records.

    First party are the package of the container, the packages of the habitat's distribution, and what the container
    declares: ``first_party = ("my_library",)``. This package itself counts by its version.

    Args:
        container: The container class.
        habitat: The entry by which it was found.
        first_party: More packages.

    Raises:
        InvalidFirstPartyError: A declared package is no name of a package, or its source files cannot be found.
    """
    installed = installed_distributions()
    declared = _declared(container, first_party)
    problem = _problem(container, habitat)
    packages: set[str] = set(declared)
    if problem is None:
        modules = (container.__module__, habitat.target.partition(":")[0])
        packages.update(first_party_package(module) for module in modules)
    if habitat.distribution is not None and habitat.distribution in installed:
        packages.update(name for name in packages_of(installed[habitat.distribution]) if find_sources(name) is not None)
    packages -= {name for name in packages if name == OWN_PACKAGE or name.startswith(f"{OWN_PACKAGE}.")}
    files, places, unread = _files(sorted(packages))
    roots = [OWN_DISTRIBUTION, *([habitat.distribution] if habitat.distribution else [])]
    return CodeIdentity(
        habitat=habitat.name,
        target=habitat.target,
        container=own_target(container),
        python=_python(),
        distribution=habitat.distribution,
        distributions=required_distributions(roots, installed),
        first_party=tuple(sorted(packages)),
        files=files,
        problem=problem or unread,
        places=places,
    )


def identity_here(expected: CodeIdentity, *, habitat: HabitatEntry) -> CodeIdentity:
    """Return the identity of the code in this environment that ``expected`` is about: what a worker compares.

    Looks only at the packages and distributions that ``expected`` names, and imports nothing.

    Args:
        expected: What the driver recorded.
        habitat: The entry of the same name in this environment.
    """
    installed = installed_distributions()
    files, places, _ = _files(expected.first_party)
    return CodeIdentity(
        habitat=habitat.name,
        target=habitat.target,
        container=expected.container,
        python=_python(),
        distribution=habitat.distribution,
        distributions={name: installed[name].version for name in expected.distributions if name in installed},
        first_party=tuple(name for name in expected.first_party if name in places),
        files=files,
        problem=expected.problem,
        places=places,
    )


def _python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _declared(container: type, more: Sequence[str]) -> Sequence[str]:
    own: object = getattr(container, "first_party", ())
    if not isinstance(own, tuple | list):
        raise InvalidFirstPartyError(container=own_target(container), package=repr(own), rule="is no tuple of names")
    names = [*cast("Sequence[object]", own), *more]
    for name in names:
        if not isinstance(name, str) or _PACKAGE.fullmatch(name) is None:
            raise InvalidFirstPartyError(container=own_target(container), package=repr(name), rule="is no import name")
        if find_sources(name) is None:
            raise InvalidFirstPartyError(
                container=own_target(container), package=name, rule="has no source files that can be found here"
            )
    return cast("Sequence[str]", names)


def _problem(container: type, habitat: HabitatEntry) -> str | None:
    name = own_target(container)
    module = container.__module__
    if module == "__main__":
        return f"{name} is defined in a script or an interactive session"
    if not habitat.importable:
        inside = "inside a function" if "<locals>" in name else "where no import finds it"
        return f"{name} is defined {inside}"
    if "<locals>" not in name and not is_importable(container):
        return f"an import of {name} gives something else"
    if find_sources(first_party_package(module)) is None:
        return f"the source files of {module} cannot be found"
    return None


def _files(packages: Sequence[str]) -> tuple[dict[str, str], dict[str, str], str | None]:
    files: dict[str, str] = {}
    places: dict[str, str] = {}
    problem: str | None = None
    for name in packages:
        sources = find_sources(name)
        if sources is None:
            continue
        try:
            files.update(hashed_files(sources))
        except OSError as error:
            problem = f"the source files of {name} cannot be read: {error}"
        else:
            places[name] = str(sources.file or sources.folders[0])
    return files, places, problem
