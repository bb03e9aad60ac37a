"""The providers that stock dependency-injector lacks: one per process or node, code that is not here, typed choices."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar, cast

from dependency_injector import providers
from typing_extensions import TypeForm, TypeIs

from oneml.habitats.errors import NotOpenedError, ReferenceMismatchError

if TYPE_CHECKING:
    from oneml.habitats.ports.executables import ProviderOf

T = TypeVar("T")
AnyProvider: TypeAlias = providers.Provider[Any]


def is_provider(value: object) -> TypeIs[AnyProvider]:
    """Tell whether ``value`` is a provider."""
    return isinstance(value, providers.Provider)


_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def is_target(text: str) -> bool:
    """Tell whether ``text`` is written as the target of a `Reference` is."""
    return _TARGET.fullmatch(text) is not None


class ProcessSingleton(providers.Singleton[T]):
    """Gives one object per process, shared by every session whose process settings it reads alike.

    A session that replaces something that the object is built from has one of its own.
    """

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject="A ProcessSingleton")


class ProcessResource(providers.Resource[T]):
    """Gives one resource per process; closed when the interpreter ends."""

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject="A ProcessResource")


class NodeSingleton(providers.Singleton[T]):
    """Gives one object per node attempt."""

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject="A NodeSingleton")


class NodeResource(providers.Resource[T]):
    """Gives one resource per node attempt; closed when the node ends."""

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject="A NodeResource")


class Choice(providers.Selector[T]):
    """Gives what one of several providers gives: a stock Selector, for type checkers.

    ``Choice(settings.session.finder, csv=..., sqlite=...)``. To them a setting is its value, which the stock Selector
    does not take, and what that gives is not known.

    Args:
        selector: A setting, or a provider or function, that says which.
        options: The providers, by what selects them.
    """

    def __init__(self, selector: object = None, /, **options: "ProviderOf[T]") -> None:
        super().__init__(cast("Any", selector), **cast("dict[str, AnyProvider]", options))  # pyright: ignore[reportUnknownMemberType]  # DI stub


class NodeSeed(providers.Provider[int]):
    """Gives a number to seed random generators with, 0 <= n < 2**32, that differs between the nodes of a session.

    ``NodeSeed(settings.node.seed)``: the first four bytes, the highest first, of the SHA-256 of the canonical JSON
    ``[seed, node path]``. So it is the same at each attempt, on every worker, whatever runs beside the node, and in
    each session that has the same seed.

    Args:
        seed: The seed of the settings, or a provider of one; an integer.

    Raises:
        OutsideNodeError: When it is built where no node is open.
    """

    def __init__(self, seed: int | providers.Provider[int], /) -> None:
        super().__init__()
        self._seed = seed

    def __deepcopy__(self, memo: dict[Any, Any] | None) -> "NodeSeed":
        """Copy the provider of the seed, as a container does that is nested in another one."""
        memo = {} if memo is None else memo
        known: NodeSeed | None = memo.get(id(self))
        if known is not None:
            return known
        copied = NodeSeed(0)
        memo[id(self)] = copied
        copied._seed = providers.deepcopy(self._seed, memo)
        self._copy_overridings(copied, memo)  # pyright: ignore[reportUnknownMemberType]  # DI stub
        return copied

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject="A NodeSeed")

    @property
    def seed(self) -> object:
        """The seed, or what provides it."""
        return self._seed

    @property
    def related(self) -> Iterator[AnyProvider]:
        """Providers that this one refers to."""
        if is_provider(self._seed):
            yield self._seed
        yield from super().related  # pyright: ignore[reportUnknownMemberType]  # DI stub


class Reference(providers.Provider[T]):
    """Gives a new object of a class that is imported only where it is built.

    Args:
        contract: What the object is to whoever uses it, most often a Protocol: gives ports and types.
        target: ``package.module:Name`` of the class, or of a function that returns the object.
        arguments: Keyword arguments of the constructor; providers among them are built, as everywhere.

    Raises:
        ReferenceMismatchError: ``target`` is not written that way.
    """

    def __init__(self, contract: TypeForm[T], target: str, /, **arguments: object) -> None:
        super().__init__()
        if not is_target(target):
            raise ReferenceMismatchError(
                provider="Reference", target=repr(target)[:200], reasons=['a target is written "package.module:Name".']
            )
        self._contract = contract
        self._target = target
        self._arguments = arguments

    def __deepcopy__(self, memo: dict[Any, Any] | None) -> "Reference[T]":
        """Copy the providers among the arguments, as a container does that is nested in another one."""
        memo = {} if memo is None else memo
        known: Reference[T] | None = memo.get(id(self))
        if known is not None:
            return known
        copied: Reference[T] = Reference(self._contract, self._target)
        memo[id(self)] = copied
        copied._arguments = providers.deepcopy(self._arguments, memo)
        self._copy_overridings(copied, memo)  # pyright: ignore[reportUnknownMemberType]  # DI stub
        return copied

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject=f"A reference to {self._target}")

    @property
    def contract(self) -> TypeForm[T]:
        """What the object is to whoever uses it."""
        return self._contract

    @property
    def target(self) -> str:
        """``package.module:Name`` of the class."""
        return self._target

    @property
    def arguments(self) -> Mapping[str, object]:
        """Keyword arguments of the constructor."""
        return self._arguments

    @property
    def related(self) -> Iterator[AnyProvider]:
        """Providers that this one refers to."""
        for argument in self._arguments.values():
            if isinstance(argument, providers.Provider):
                yield argument
        yield from super().related  # pyright: ignore[reportUnknownMemberType]  # DI stub
