"""Whether what a session puts in the place of a provider is of the type that the provider gives, as far as one sees."""

import ast
import contextlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dependency_injector import providers
from typing_extensions import Format, get_annotations, get_protocol_members, is_protocol

from oneml.habitats.habitats.entry import is_importable, own_target
from oneml.habitats.habitats.providers import AnyProvider, Reference, is_provider, is_target
from oneml.habitats.habitats.references import contract_reasons


def misfit(
    container: type, name: str, target: AnyProvider, provider: AnyProvider | None, given: Sequence[object]
) -> str | None:
    """Say why a replacement cannot stand for a provider; None where it can, or nobody could tell.

    Args:
        container: The class.
        name: Dotted name of the provider.
        target: The provider.
        provider: The provider that would stand for it, if one would.
        given: The object that would stand for it, if one would.
    """
    if isinstance(target, providers.Container | providers.DependenciesContainer | providers.Self):
        return f"is a {type(target).__name__}, which cannot be replaced. Replace a provider inside it."
    if provider is target:
        return "would stand for itself."
    wanted = _annotated_form(container, name)
    function = function_given_by(target) if wanted is None else None
    if wanted is None:
        wanted = given_form(target)
    for value in given:
        reason = _misfit_of_value(wanted, value, name) if function is None else _misfit_of_function(function, value)
        if reason is not None:
            return reason
    offered = given_form(provider) if provider is not None and function is None else None
    if isinstance(offered, type) and not _accepts_type(wanted, offered):
        return f"gives {_shown(wanted)}, and is replaced by a provider of {offered.__qualname__}. {_ways_out(name)}"
    return None


def function_given_by(provider: AnyProvider) -> Callable[..., object] | None:
    """Return the function that a provider gives as it is; None where it gives something else."""
    value: object = provider.provides if isinstance(provider, providers.Object) else None
    return value if isinstance(value, FunctionType | MethodType | BuiltinFunctionType) else None


def given_form(provider: AnyProvider) -> Any:
    """Return the type of what a provider gives; None where it does not say."""
    if isinstance(provider, Reference):
        return None if provider.contract is object else provider.contract
    if isinstance(provider, providers.Dependency):
        return None if provider.instance_of is object else provider.instance_of
    if isinstance(provider, providers.Object):
        value: object = provider.provides
        return None if value is None or isinstance(provider, providers.Configuration) else type(value)
    for kind, form in _FORMS.items():
        if isinstance(provider, kind):
            return form
    provides: object = getattr(provider, "provides", None)
    return provides if isinstance(provides, type) else _returned(provides)


def factory_provider(target: AnyProvider, factory: Callable[[], object]) -> AnyProvider:
    """Return a provider of what ``factory`` gives: one that workers can rebuild, where they can import it."""
    path = own_target(factory)
    if not is_importable(factory) or not is_target(path):
        return providers.Factory(factory)
    form: object = factory if isinstance(factory, type) else _returned(factory)
    if not isinstance(form, type):
        form = given_form(target)
    return Reference(form if isinstance(form, type) else object, path)


def factory_misfit(target: AnyProvider, factory: object) -> str | None:
    """Say why ``factory`` cannot give what stands for a provider; None where it can, or nobody could tell."""
    if not callable(factory) or is_provider(factory):
        return f"factory= takes a class or a function, not {factory!r:.200}."
    name: str = getattr(factory, "__qualname__", type(factory).__qualname__)
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        given = '"module:Name", name=...'
        return f"factory= is called without arguments: {name}: {error}. Give provider=Reference(Contract, {given})."
    except ValueError:  # written in C, without a signature
        return None
    resource, known = isinstance(target, providers.BaseResource), isinstance(given_form(target), type)
    if inspect.isgeneratorfunction(factory) and (resource or known):
        return f"factory= returns the object, and {name} is a generator. Give provider=providers.Resource({name})."
    if inspect.iscoroutinefunction(factory) and known:
        return f"factory= returns the object, and {name} would return a coroutine of it."
    return None


_FORMS: Mapping[type, type | None] = {
    providers.List: list,
    providers.Dict: dict,
    providers.BaseResource: None,
    providers.Coroutine: None,
    providers.Delegate: None,
}


def _misfit_of_value(wanted: Any, value: object, name: str) -> str | None:
    if _accepts_value(wanted, value):
        return None
    if isinstance(value, type):
        kind = value.__qualname__
        return f"gives {_shown(wanted)}, and is replaced by the class {kind}. Give an object of it, or factory={kind}."
    shown = "None" if value is None else _article(type(value).__qualname__)
    return f"gives {_shown(wanted)}, and is replaced by {shown}. {_ways_out(name)}"


def _ways_out(name: str) -> str:
    return f"Give one, or annotate in the class what it may be: {name}: providers.Provider[...]."


def _misfit_of_function(function: Callable[..., object], value: object) -> str | None:
    """Say why a value cannot be called in the place of a function, neither by name nor by position."""
    if not callable(value):
        return f"gives the function {function.__qualname__}, and is replaced by {_article(type(value).__qualname__)}."
    try:
        names, taken = list(inspect.signature(function).parameters), inspect.signature(value)
    except (TypeError, ValueError):  # written in C, without a signature
        return None
    try:
        taken.bind(**dict.fromkeys(names))
    except TypeError as error:
        with contextlib.suppress(TypeError):
            taken.bind(*names)
            return None
        called = f"{function.__qualname__}({', '.join(names)})"
        return f"gives the function {called}, and is replaced by what cannot be called so: {error}."
    return None


def _returned(function: Any) -> Any:
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        return None
    if inspect.isgeneratorfunction(inspect.unwrap(function)) and not inspect.isgeneratorfunction(function):
        return None  # a decorator has made something else of it, such as a context manager
    try:
        return get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001  # an annotation is code of the author's, it may raise anything
        return None


def _annotated_form(container: type, name: str) -> Any:
    """Return ``T`` where the class annotates the attribute as a provider of ``T``; ``Any`` where that is not known.

    At run time ``Provider[T]`` is ``Provider``, so ``T`` is known only where the annotation is still text.
    """
    for owner in container.__mro__:
        annotation = get_annotations(owner, format=Format.STRING).get(name)
        if annotation is not None:
            return _parameter(annotation, owner)
    return None


def _parameter(annotation: str, owner: type) -> Any:
    try:
        parsed = ast.parse(annotation, mode="eval").body
        if not isinstance(parsed, ast.Subscript):
            return Any
        alone = type("_Alone", (), {"__annotations__": {"form": ast.unparse(parsed.slice)}})
        return get_type_hints(alone, vars(sys.modules[owner.__module__]))["form"]
    except Exception:  # noqa: BLE001  # an annotation is code of the author's, it may raise anything
        return Any


def _accepts_value(wanted: Any, value: object) -> bool:
    origin = get_origin(wanted) or wanted
    if origin is Union or origin is UnionType:
        return any(_accepts_value(member, value) for member in get_args(wanted))
    if not isinstance(origin, type):
        return True
    if is_protocol(origin):
        return all(hasattr(value, member) for member in get_protocol_members(origin))
    return isinstance(value, origin) or (origin is float and type(value) is int)


def _accepts_type(wanted: Any, offered: type) -> bool:
    origin = get_origin(wanted) or wanted
    if origin is Union or origin is UnionType:
        return any(_accepts_type(member, offered) for member in get_args(wanted))
    if not isinstance(origin, type):
        return True
    if is_protocol(offered) and not is_protocol(origin):
        return False
    return not list(contract_reasons(offered, origin))


def _shown(form: Any) -> str:
    return form.__qualname__ if isinstance(form, type) else str(form)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
