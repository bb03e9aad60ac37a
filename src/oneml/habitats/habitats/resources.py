"""Opens what a resource provider gives, and sees to it that it is closed with its scope."""

import inspect
from functools import partial
from typing import Any

from oneml.habitats.errors import UnbuildableError
from oneml.habitats.habitats.scopes import Scope


def enter_resource(scope: Scope, made: Any, name: str) -> Any:
    """Return the resource that ``made`` is or manages; a context manager is left when ``scope`` ends.

    Raises:
        UnbuildableError: It is asynchronous.
        ClosedScopeError: The scope has ended meanwhile; the resource has been closed.
    """
    kind: type = made.__class__
    if hasattr(kind, "__enter__") and hasattr(kind, "__exit__"):
        resource = made.__enter__()
        scope.finalizers().push(partial(made.__exit__, None, None, None))
        return resource
    if inspect.iscoroutine(made):
        made.close()
    elif not (inspect.isawaitable(made) or hasattr(kind, "__aenter__")):
        return made
    raise UnbuildableError(
        provider=name,
        reason="it is an asynchronous resource, and scopes open and close outside of any event loop. "
        "Use a generator function or a context manager.",
    )
