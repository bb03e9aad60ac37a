"""All first-party code that imports can reach from some modules, found by reading, without importing any."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.habitats.code_imports import Imported, ModuleImports
from oneml.habitats.habitats.code_parsing import parsed_code
from oneml.habitats.habitats.module_code import EVERYTHING, ModuleCode
from oneml.habitats.habitats.source_files import ModuleFile, ModuleFinder, is_own, sha256_of


class Closure(NamedTuple):
    """What can be reached.

    Attributes:
        modules: The code of each module, by import name.
        files: Where each of them lies.
        absent: Names that are imported, but have no file: those of namespace packages, or of what modules define.
        unread: Why files cannot be read.
        foreign: Topmost names that are imported and are not first party, by the module that imports them.
    """

    modules: Mapping[str, ModuleCode]
    files: Mapping[str, str]
    absent: Sequence[str]
    unread: Sequence[str]
    foreign: Mapping[str, str]


def reachable_code(roots: Collection[str], packages: Collection[str], finder: ModuleFinder) -> Closure:
    """Follow imports from ``roots`` through the modules of ``packages``.

    Imports count wherever they stand: in functions, under conditions, for type checkers only. A module that finds code
    in ways that do not show which reaches all of ``packages``.

    Args:
        roots: Names of modules; those outside of ``packages`` are passed over.
        packages: First-party packages and lone modules.
        finder: Finds their files.
    """
    return _Walk(packages, finder).from_roots(roots)


class _Walk:
    def __init__(self, packages: Collection[str], finder: ModuleFinder) -> None:
        self._finder = finder
        self._packages = frozenset(packages)
        self._above = frozenset(upper for package in packages for upper in _uppers(package))
        self._modules: dict[str, ModuleCode] = {}
        self._files: dict[str, str] = {}
        self._absent: set[str] = set()
        self._unread: list[str] = []
        self._foreign: dict[str, str] = {}
        self._is_everything_asked = False

    def from_roots(self, roots: Collection[str]) -> Closure:
        todo = [name for root in roots for name in (*_uppers(root), root) if self._counts(name)]
        while todo:
            name = todo.pop()
            if name in self._modules or name in self._absent:
                continue
            found = self._finder.module(name)
            if found is None:
                self._absent.add(name)
                continue
            code = self._read(found)
            todo.extend(each for each in code.imports if each != EVERYTHING)
            if EVERYTHING in code.imports and not self._is_everything_asked:
                self._is_everything_asked = True
                todo.extend(self._everything())
        modules = {name: self._modules[name] for name in sorted(self._modules)}
        return Closure(modules, self._files, sorted(self._absent), self._unread, self._foreign)

    def _read(self, found: ModuleFile) -> ModuleCode:
        self._files[found.name] = found.file
        try:
            raw, source = sha256_of(found.file)
        except OSError as error:
            self._unread.append(f"the source files of {found.name} cannot be read: {error}")
            raw, source = "", b""
        if found.file.endswith(".py"):
            parsed = parsed_code(raw, source)
            tree, imports = parsed.tree, self._targets(found, parsed.imports)
        else:
            tree, imports = f"raw:{raw}", frozenset({EVERYTHING})
        names = imports.union(name for name in _uppers(found.name) if self._counts(name)) - {found.name}
        code = ModuleCode(found.name, found.path, raw, tree, tuple(sorted(names)))
        self._modules[found.name] = code
        return code

    def _counts(self, name: str) -> bool:
        """Tell whether a module is first party, or the package around one that is."""
        if is_own(name):
            return False
        return name in self._above or any(upper in self._packages for upper in (name, *_uppers(name)))

    def _targets(self, found: ModuleFile, imports: ModuleImports) -> frozenset[str]:
        names = {name for each in imports.imported for name in self._imported(found, each)}
        names.update(module for text in imports.texts for module in self._named(text))
        counting = {each for name in names for each in (*_uppers(name), name) if self._counts(each)}
        return frozenset(counting | ({EVERYTHING} if imports.dynamic else set()))

    def _imported(self, importer: ModuleFile, imported: Imported) -> Iterator[str]:
        base = _absolute(importer, imported)
        if base is None:
            return
        if not self._counts(base):
            if not is_own(base):
                self._foreign.setdefault(base.partition(".")[0], importer.name)
            return
        yield base
        spec = self._finder.spec(base)
        if spec is None or spec.submodule_search_locations is None:
            return
        for name in imported.names:
            if name == "*":
                yield from (each for each in self._finder.modules_of(base) if each.rpartition(".")[0] == base)
            else:
                yield f"{base}.{name}"

    def _named(self, text: str) -> Iterator[str]:
        """Give the module that a text like an import path names, if it is one of these; and what may become one."""
        name = text.partition(":")[0]
        if not self._counts(name):
            return
        parent = name.rpartition(".")[0]
        above = self._finder.spec(parent) if parent else None
        if above is not None and above.submodule_search_locations is not None:
            yield name
        uppers = (name, *reversed(_uppers(name)))
        yield from (each for each in uppers if self._finder.module(each) is not None)

    def _everything(self) -> Iterator[str]:
        for package in self._packages:
            try:
                yield from self._finder.modules_of(package)
            except OSError as error:
                self._unread.append(f"the source files of {package} cannot be read: {error}")


def _absolute(importer: ModuleFile, imported: Imported) -> str | None:
    if not imported.level:
        return imported.module
    parts = importer.name.split(".")
    kept = len(parts) - imported.level + (1 if importer.is_package else 0)
    base = ".".join(parts[:kept]) if kept > 0 else ""
    return ".".join(part for part in (base, imported.module) if part) if base else None


def _uppers(name: str) -> Sequence[str]:
    parts = name.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]
