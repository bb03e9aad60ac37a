"""A decorator."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def traced(body: Callable[P, T]) -> Callable[P, T]:
    """Call the body."""

    @wraps(body)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return body(*args, **kwargs)

    return call
