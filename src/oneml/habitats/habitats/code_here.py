"""The identity of the code in this environment, held against a recorded one before any of it is imported."""

import sys
from collections.abc import Iterator

from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.distributions import installed_distributions
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.module_code import EVERYTHING, ModuleCode
from oneml.habitats.habitats.source_files import ModuleFile, ModuleFinder, sha256_of


def identity_here(expected: CodeIdentity, *, habitat: HabitatEntry) -> CodeIdentity:
    """Return the identity of the code in this environment that ``expected`` is about: what a worker compares.

    Looks only at the modules, files and distributions that ``expected`` names, and imports nothing. A file is parsed
    only where its bytes differ.

    Args:
        expected: What the driver recorded.
        habitat: The entry of the same name in this environment.
    """
    finder = ModuleFinder()
    installed = installed_distributions()
    found = {file.name: file for name in expected.modules if (file := finder.module(name)) is not None}
    if any(EVERYTHING in code.imports for code in expected.modules.values()):
        found.update(_more(expected, finder))
    found.update({name: file for name in expected.absent if (file := finder.module(name)) is not None})
    modules = {name: code for name in sorted(found) if (code := _code(found[name], expected)) is not None}
    if expected.package_data:
        from oneml.habitats.habitats.package_data import hashed_data  # noqa: PLC0415  # rarely there

        data = hashed_data(expected.package_data, finder)
    else:
        data = expected.data
    return CodeIdentity(
        habitat=habitat.name,
        target=habitat.target,
        container=expected.container,
        python=f"{sys.version_info[0]}.{sys.version_info[1]}",
        distribution=habitat.distribution,
        distributions={name: installed[name].version for name in expected.distributions if name in installed},
        first_party=tuple(name for name in expected.first_party if finder.spec(name) is not None),
        modules=modules,
        package_data=expected.package_data,
        data=data,
        absent=tuple(name for name in expected.absent if name not in modules),
        unproven=expected.unproven,
        places={name: found[name].file for name in modules},
    )


def _more(expected: CodeIdentity, finder: ModuleFinder) -> Iterator[tuple[str, ModuleFile]]:
    for package in expected.first_party:
        for name in finder.modules_of(package):
            file = None if name in expected.modules else finder.module(name)
            if file is not None:
                yield name, file


def _code(found: ModuleFile, expected: CodeIdentity) -> ModuleCode | None:
    """Return the code of a module; None where its file went meanwhile."""
    recorded = expected.modules.get(found.name)
    try:
        raw, source = sha256_of(found.file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if recorded is None:
        return ModuleCode(found.name, found.path, raw, f"raw:{raw}", ())
    tree = recorded.tree
    if raw != recorded.raw:
        tree = _tree(found, raw, source)
    return ModuleCode(found.name, found.path, raw, tree, recorded.imports)


def _tree(found: ModuleFile, raw: str, source: bytes) -> str:
    from oneml.habitats.habitats.code_parsing import parsed_code  # noqa: PLC0415  # only where a file differs

    return parsed_code(raw, source).tree if found.file.endswith(".py") else f"raw:{raw}"
