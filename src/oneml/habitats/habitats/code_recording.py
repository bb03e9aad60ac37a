"""The identity of the code of a container that was loaded here: what a driver records."""

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from oneml.habitats.errors import InvalidFirstPartyError, InvalidPackageDataError
from oneml.habitats.habitats.code_closure import Closure, reachable_code
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.distributions import (
    Distribution,
    installed_distributions,
    normalised,
    packages_of,
    required_distributions,
)
from oneml.habitats.habitats.entry import HabitatEntry, is_importable, own_target
from oneml.habitats.habitats.package_data import check_patterns, data_files, hashed_data
from oneml.habitats.habitats.source_files import ModuleFinder, first_party_package, is_own

OWN_DISTRIBUTION = "oneml-habitats"

_INSTALLED_INTO = frozenset({"site-packages", "dist-packages"})

_PACKAGE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class IncludedContainer(NamedTuple):
    """A container that another one includes.

    Attributes:
        container: The class.
        habitat: The entry that it was found by, or that it has.
    """

    container: type
    habitat: HabitatEntry


def code_identity(
    container: type,
    *,
    habitat: HabitatEntry,
    roots: Collection[str] = (),
    first_party: Sequence[str] = (),
    included: Sequence[IncludedContainer] = (),
) -> CodeIdentity:
    """Return the identity of a container that was loaded here: what a driver records.

    First party are the package of the container, the packages of the habitat's distribution, and what the container
    declares: ``first_party = ("my_library",)``. Of these count the modules that imports can reach from the modules of
    the container, of the habitat's target, and from ``roots``. This package itself counts by its version.

    Args:
        container: The container class.
        habitat: The entry by which it was found.
        roots: More modules to begin from; those that are not first party are passed over.
        first_party: More packages.
        included: Containers that this one includes: what holds of it holds of them.

    Raises:
        InvalidFirstPartyError: A declared package is no name of a package, or its source files cannot be found.
        InvalidPackageDataError: A declared pattern is none, or there is nothing that it matches.
    """
    finder = ModuleFinder()
    installed = installed_distributions()
    every = (IncludedContainer(container, habitat), *included)
    begun = _begun(every, finder)
    distributions = sorted({each.habitat.distribution for each in every if each.habitat.distribution is not None})
    packages = begun.packages.union(_declared(container, first_party, finder))
    for distribution in distributions:
        offered = packages_of(installed[distribution]) if distribution in installed else ()
        packages |= {name for name in offered if finder.sources(name) is not None}
    packages = {name for name in packages if not is_own(name)}
    closure = reachable_code(begun.modules.union(roots), packages, finder)
    patterns = tuple(dict.fromkeys(pattern for each in every for pattern in _patterns(each.container, finder)))
    roots_required = [OWN_DISTRIBUTION, *distributions]
    required = required_distributions(roots_required, installed)
    foreign = _foreign(closure, finder, installed, required)
    if foreign.owners:
        required = required_distributions([*roots_required, *foreign.owners], installed)
    return CodeIdentity(
        habitat=habitat.name,
        target=habitat.target,
        container=own_target(container),
        python=f"{sys.version_info[0]}.{sys.version_info[1]}",
        distribution=habitat.distribution,
        distributions=required,
        first_party=tuple(sorted(packages)),
        modules=closure.modules,
        package_data=patterns,
        data=hashed_data(patterns, finder),
        absent=tuple(closure.absent),
        unproven=(*begun.problems, *closure.unread, *foreign.unproven),
        places=closure.files,
    )


class _Begun(NamedTuple):
    """Where the code of containers begins.

    Attributes:
        modules: Of the classes, and of what their habitats lead to.
        packages: First-party packages: theirs, and those that they declare.
        problems: Why code cannot be told of some of them.
    """

    modules: set[str]
    packages: set[str]
    problems: tuple[str, ...]


def _begun(containers: Sequence[IncludedContainer], finder: ModuleFinder) -> _Begun:
    modules: set[str] = set()
    packages: set[str] = set()
    problems: dict[str, None] = {}
    for each in dict.fromkeys(containers):
        packages.update(_declared(each.container, (), finder))
        problem = _problem(each.container, each.habitat, finder)
        if problem is None:
            own = {each.container.__module__, each.habitat.target.partition(":")[0]}
            modules |= own
            packages |= {first_party_package(module, finder) for module in own}
        else:
            problems[problem] = None
    return _Begun(modules, packages, tuple(problems))


class _Foreign(NamedTuple):
    """Whose code the imports lead to that are not first party.

    Attributes:
        owners: Distributions that nothing requires, although they are imported.
        unproven: Of imports that lead to code which neither a version nor a hash stands for.
    """

    owners: Sequence[str]
    unproven: Sequence[str]


def _foreign(
    closure: Closure, finder: ModuleFinder, installed: Mapping[str, Distribution], required: Collection[str]
) -> _Foreign:
    places = {name: place for name in closure.foreign if (place := _foreign_place(name, closure, finder)) is not None}
    todo = [name for name in sorted(places) if normalised(name) not in required]
    if not todo:
        return _Foreign((), ())
    offered: dict[str, set[str]] = {}
    for each in installed.values():
        for package in packages_of(each):
            offered.setdefault(package.partition(".")[0], set()).add(each.name)
    unknown = [offered[name] for name in todo if name in offered and offered[name].isdisjoint(required)]
    unproven = [
        f"{closure.foreign[name]} imports {name} ({places[name]}), which belongs to no installed distribution, so "
        f'that nothing tells of a change. Declare it in the container: first_party = ("{name}",), or install it'
        for name in todo
        if name not in offered and _INSTALLED_INTO.isdisjoint(places[name].parts)
    ]
    return _Foreign(sorted(set[str]().union(*unknown)), unproven)


def _foreign_place(name: str, closure: Closure, finder: ModuleFinder) -> Path | None:
    """Return where an import leads to; None for the standard library, what is absent, and what is hashed already."""
    sources = None if name in sys.stdlib_module_names else finder.sources(name)
    if sources is None:
        return None
    place = sources.file or sources.folders[0]
    hashed = closure.files.values()
    return None if str(place) in hashed or str(place / "__init__.py") in hashed else place


def _declared(container: type, more: Sequence[str], finder: ModuleFinder) -> Sequence[str]:
    own: object = getattr(container, "first_party", ())
    if not isinstance(own, tuple | list):
        raise InvalidFirstPartyError(container=own_target(container), package=repr(own), rule="is no tuple of names")
    names = [*cast("Sequence[object]", own), *more]
    for name in names:
        if not isinstance(name, str) or _PACKAGE.fullmatch(name) is None:
            raise InvalidFirstPartyError(container=own_target(container), package=repr(name), rule="is no import name")
        if finder.sources(name) is None:
            raise InvalidFirstPartyError(
                container=own_target(container), package=name, rule="has no source files that can be found here"
            )
    return cast("Sequence[str]", names)


def _patterns(container: type, finder: ModuleFinder) -> tuple[str, ...]:
    name = own_target(container)
    patterns = check_patterns(name, getattr(container, "package_data", ()))
    for pattern in patterns:
        files = data_files(pattern, finder)
        if files is None:
            raise InvalidPackageDataError(container=name, pattern=pattern, rule="names no package that is found here")
        if not files:
            raise InvalidPackageDataError(container=name, pattern=pattern, rule="matches no file")
    return patterns


def _problem(container: type, habitat: HabitatEntry, finder: ModuleFinder) -> str | None:
    name = own_target(container)
    module = container.__module__
    if module == "__main__":
        return f"{name} is defined in a script or an interactive session"
    if not habitat.importable:
        inside = "inside a function" if "<locals>" in name else "where no import finds it"
        return f"{name} is defined {inside}"
    if "<locals>" not in name and not is_importable(container):
        return f"an import of {name} gives something else"
    if finder.sources(module) is None:
        return f"the source files of {module} cannot be found"
    return None
