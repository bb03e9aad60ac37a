"""Classes, functions and modules by the path that an import finds them under, in any process."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_MAIN = "__main__"
_MOVED = {"pathlib._local": "pathlib"}
"""Modules of the standard library that hold, on some minors, what is imported from another one on all of them."""


class NotCanonicalError(Exception):
    """A value has no canonical form: another process could not tell that it has the same one.

    It is caught where values are described, and never leaves this package.

    Attributes:
        what: The value, told by its type or name and never by what it holds: ``a live Lock``.
        advice: What to do about it, as sentences.
    """

    def __init__(self, *, what: str, advice: str) -> None:
        self.what = what
        self.advice = advice
        super().__init__(f"{what}. {advice}")


def declared_path(form: Any) -> str:
    """Return ``module:QualifiedName`` as a class or function says itself, whether or not an import finds it there."""
    module: str = form.__module__
    return f"{_MOVED.get(module, module)}:{form.__qualname__}"


def import_path(form: Any) -> str:
    """Return ``module:QualifiedName`` of a class or function.

    Raises:
        NotCanonicalError: No import gives that very object.
    """
    name: object = getattr(form, "__qualname__", None)
    module = _module_of(form)
    noun = "class" if isinstance(form, type) else "function"
    if not isinstance(name, str) or not isinstance(module, str):
        raise NotCanonicalError(what=f"a live {type(form).__qualname__}", advice=f"Give a {noun} that can be imported.")
    if name.endswith("<lambda>"):
        raise NotCanonicalError(what="a lambda", advice="Write it as a function at the top of a module.")
    if module == _MAIN:
        raise NotCanonicalError(
            what=f"the {noun} {name} of __main__", advice="Move it to a module that can be imported."
        )
    if "<locals>" in name:
        raise NotCanonicalError(what=f"the {noun} {name}", advice="Define it at the top of a module.")
    module = _MOVED.get(module, module)
    if _found_at(module, name) is not form:
        raise NotCanonicalError(
            what=f"the {noun} {module}:{name}, which importing that name does not give",
            advice="Give what the module has under that name.",
        )
    return f"{module}:{name}"


def module_path(module: ModuleType) -> str:
    """Return the name of a module.

    Raises:
        NotCanonicalError: No import gives that very module.
    """
    name = module.__name__
    if name == _MAIN or sys.modules.get(name) is not module:
        raise NotCanonicalError(what=f"the module {name}", advice="Give a module that can be imported.")
    return name


def _module_of(form: Any) -> object:
    module: object = getattr(form, "__module__", None)
    if module is None:  # methods of built-in classes know their class alone
        return getattr(getattr(form, "__objclass__", None), "__module__", None)
    return module


def _found_at(module: str, name: str) -> object:
    found: Any = sys.modules.get(module)
    try:
        if found is None:
            found = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:  # noqa: BLE001  # importing and looking up run code of authors, which may raise anything
        return None
    return found
