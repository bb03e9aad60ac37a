"""New pipeline packages: files from templates, with the names of the package in them."""

import keyword
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path, PurePosixPath
from string import Template
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", re.ASCII)
_NAME_MAX_CHARACTERS = 64
_CLASS_NAME = re.compile(r"\b[A-Z][a-z]\w*", re.ASCII)
_OF_TEMPLATE = frozenset({"MyPipeline", "MyPipelineSettings"})
_SUFFIX = ".tmpl"
_TESTS = "tests"
_HIDDEN = frozenset({"gitignore", "containerignore"})


class PackageNames(NamedTuple):
    """The names of a pipeline package.

    Attributes:
        distribution: Of the distribution, the habitat and the folder.
        package: That Python imports.
        container: Of the class.
    """

    distribution: str
    package: str
    container: str


def package_names(name: str) -> PackageNames:
    """Return the names that follow from the one that somebody gave.

    Raises:
        ValueError: It can name no package; says why, and what to write.
    """
    if _NAME.fullmatch(name) is None or len(name) > _NAME_MAX_CHARACTERS:
        message = (
            f'"{name}" can name no package. Begin with a letter, and write lower-case letters and digits with '
            f"single hyphens between them, at most {_NAME_MAX_CHARACTERS} characters: churn-training."
        )
        raise ValueError(message)
    words = re.split("[-_]", name)
    package = "_".join(words)
    if keyword.iskeyword(package) or package in sys.stdlib_module_names:
        message = f'"{package}" is a name of Python itself, which a package cannot have. Write {name}-pipeline.'
        raise ValueError(message)
    if package == _TESTS:
        message = f'"{package}" is the folder of the tests. Write {name}-pipeline.'
        raise ValueError(message)
    if words[0] == "oneml":
        instead = "-".join(words[1:]) or "my-pipeline"
        message = f"Variables that begin with ONEML_ are those of oneml itself. Write {instead}."
        raise ValueError(message)
    container = "".join(word.capitalize() for word in words)
    taken = _class_names()
    if container in taken or f"{container}Settings" in taken:
        container += "Pipeline"
    return PackageNames("-".join(words), package, container)


def package_files(names: PackageNames) -> Mapping[PurePosixPath, str]:
    """Return the files of a new package by their paths in its folder."""
    replaced = {
        "my_pipeline": names.package,
        "my-pipeline": names.distribution,
        "MyPipeline": names.container,
        "MY_PIPELINE": names.package.upper(),
    }
    pattern = re.compile("|".join(replaced))
    found: dict[PurePosixPath, str] = {}
    for path, template in _templates(_scaffold(), PurePosixPath()):
        text = template.read_text(encoding="utf-8")
        if path.name == "Containerfile":
            text = Template(text).substitute(python=f"{sys.version_info.major}.{sys.version_info.minor}")
        target = PurePosixPath(pattern.sub(lambda match: replaced[match[0]], str(path)))
        found[target] = pattern.sub(lambda match: replaced[match[0]], text)
    return dict(sorted(found.items()))


def write_package(names: PackageNames, folder: Path) -> Mapping[PurePosixPath, str]:
    """Write the files of a new package into ``folder``: all of them, or none.

    Raises:
        FileExistsError: There is something already.
        OSError: It cannot be written.
    """
    contents = package_files(names)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        root = Path(temporary) / folder.name
        for path, text in contents.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise FileExistsError(str(folder))
        root.rename(folder)
    return contents


def _class_names() -> frozenset[str]:
    """Return the names of classes that the templates use beside that of the container."""
    texts = (template.read_text(encoding="utf-8") for _, template in _templates(_scaffold(), PurePosixPath()))
    return frozenset(name for text in texts for name in _CLASS_NAME.findall(text)) - _OF_TEMPLATE


def _scaffold() -> "Traversable":
    return files("oneml.habitats.cli") / "scaffold"


def _templates(folder: "Traversable", path: PurePosixPath) -> "list[tuple[PurePosixPath, Traversable]]":
    found: list[tuple[PurePosixPath, Traversable]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _templates(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            found.append((path / (f".{name}" if name in _HIDDEN else name), entry))
    return found
