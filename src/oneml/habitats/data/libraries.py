"""Libraries that serializers serve: never imported to look at a value, and asked for by name when they are missing."""

import sys
from importlib import import_module
from typing import Any

from oneml.habitats.errors import MissingLibraryError


def is_exactly(value: object, module: str, name: str) -> bool:
    """Tell whether ``value`` is a ``module.name`` and of no subclass, without importing the module."""
    return type(value) is getattr(sys.modules.get(module), name, None)


def is_a(value: object, module: str, name: str) -> bool:
    """Tell whether ``value`` is a ``module.name``, without importing the module."""
    kind: object = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def library(module: str, *, extra: str) -> Any:
    """Import a module of a library that not everybody has.

    Args:
        module: Its dotted name.
        extra: What to install with this package to have it.

    Raises:
        MissingLibraryError: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        wanted = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != wanted:
            raise
        raise MissingLibraryError(library=wanted, extra=extra) from error
