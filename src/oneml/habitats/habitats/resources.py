"""Opens what a resource provider gives, and sees to it that it is closed with its scope."""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import CodeType
from typing import Any, cast

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
        scope.finalizers().push(_leave, made)
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


def _leave(manager: Any) -> None:
    manager.__exit__(None, None, None)


def generator_function(provides: object) -> Callable[..., Generator[Any]] | None:
    """Return the generator function that a resource was made of, by the library or by ``contextmanager``.

    Running it without the context manager around it costs half as much.
    """
    code: object = getattr(provides, "__code__", None)
    inner: object = getattr(provides, "__wrapped__", None)
    return cast("Callable[..., Generator[Any]]", inner) if code is _MANAGER_CODE and callable(inner) else None


def enter_generator(scope: Scope, generator: Generator[Any], name: str) -> Any:
    """Return what a generator yields first; it goes on, to its end, when ``scope`` ends.

    Raises:
        UnbuildableError: It yields nothing.
        ClosedScopeError: The scope has ended meanwhile; the generator has gone on.
    """
    for resource in generator:
        scope.finalizers().push(_go_on, generator)
        return resource
    raise UnbuildableError(provider=name, reason="its generator function yields nothing. Let it yield the resource.")


def _go_on(generator: Generator[Any]) -> None:
    for _ in generator:
        generator.close()
        message = "the generator function of a resource yields more than once"
        raise RuntimeError(message)


def _code_of_managers() -> CodeType:
    @contextmanager
    def any_manager() -> Generator[None]:
        yield

    code: CodeType = cast("Any", any_manager).__code__
    return code


_MANAGER_CODE = _code_of_managers()
