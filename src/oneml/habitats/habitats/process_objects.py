"""Objects that live as long as the process: one for each provider, and for the process settings that it reads."""

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from oneml.habitats.habitats.finalizers import separate_process
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.scopes import Builder, Scope
from oneml.habitats.habitats.single_build import MISSING, build_once

_lock = threading.RLock()


class _Objects:
    """What one provider has given in this process."""

    def __init__(self) -> None:
        self.own: dict[tuple[int, object], Any] = {}
        self.claims: dict[tuple[int, object], int] = {}


_objects: WeakKeyDictionary[AnyProvider, _Objects] = WeakKeyDictionary()


def process_object(provider: AnyProvider, settings_key: object, build: Builder, scope: Scope, name: str) -> Any:
    """Return the object that ``provider`` gives in this process, built by the first who asks.

    Args:
        provider: The declared provider.
        settings_key: What it reads of the settings of the process; None where it reads none.
        build: Builds it.
        scope: A scope that knows no session.
        name: What it is called in messages.
    """
    with _lock:
        objects = _objects.get(provider)
        if objects is None:
            objects = _objects[provider] = _Objects()
    key = (os.getpid(), settings_key)
    value = objects.own.get(key, MISSING)
    return build_once(objects, key, build, scope, name) if value is MISSING else value


@contextmanager
def separate_process_objects() -> Generator[None]:
    """Let the process have no objects at first, and for good only those that it has without the block.

    What is made inside ends with the block, the last first; threads see what is made by others, as everywhere.

    Raises:
        BaseExceptionGroup: What finalizers raised; all of them ran.
    """
    global _objects  # noqa: PLW0603  # there is one process
    with _lock:
        outer, _objects = _objects, WeakKeyDictionary[AnyProvider, _Objects]()
    try:
        with separate_process():
            yield
    finally:
        with _lock:
            _objects = outer
