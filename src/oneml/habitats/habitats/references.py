"""Code that may not be installed here: imported where it is built, and held against its contract there."""

import inspect
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, get_origin

from typing_extensions import Format, get_annotations, get_protocol_members, is_protocol

from oneml.habitats.errors import ReferenceMismatchError, UninstalledReferenceError
from oneml.habitats.habitats.scopes import Scope
from oneml.habitats.values.suggestions import known_names


class ReferenceTarget:
    """The class that a reference names, imported and checked at its first use.

    Args:
        name: What the provider is called.
        contract: What its objects must be.
        target: ``package.module:Name``.
        arguments: Names of the arguments that its constructor is given.
    """

    def __init__(self, name: str, contract: object, target: str, arguments: Collection[str]) -> None:
        self._name = name
        self._contract = contract
        self._target = target
        self._arguments = arguments
        self._found: Any = None

    def in_scope(self, scope: Scope) -> Any:
        """Return the class.

        Raises:
            UninstalledReferenceError: Its package is not installed here.
            ReferenceMismatchError: It is not there, or does not fit contract or arguments; gives every reason.
        """
        if self._found is None:
            self._found = self._checked(self._imported(scope))
        return self._found

    def mismatch(self) -> Sequence[str]:
        """Return why it cannot be built, as far as that is known without importing anything."""
        module = sys.modules.get(self._target.partition(":")[0])
        if module is None:
            return ()
        try:
            self._checked(module)
        except ReferenceMismatchError as error:
            return error.reasons
        except Exception:  # noqa: BLE001  # a module may import on request, and fail; that is told where it is built
            return ()
        return ()

    def _imported(self, scope: Scope) -> ModuleType:
        module_name = self._target.partition(":")[0]
        try:
            return import_module(module_name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if module_name != missing and not module_name.startswith(f"{missing}."):
                raise
            image = None if scope.node_settings is None else scope.node_settings.image
            raise UninstalledReferenceError(provider=self._name, target=self._target, image=image) from error

    def _checked(self, module: ModuleType) -> Any:
        found: Any = module
        for part in self._target.partition(":")[2].split("."):
            try:
                found = getattr(found, part)
            except AttributeError as error:
                known = known_names(part, filter(_is_public, dir(found)))
                raise ReferenceMismatchError(
                    provider=self._name, target=self._target, reasons=[f'there is no "{part}". {known}']
                ) from error
        reasons = [*_constructor_reasons(found, self._arguments), *contract_reasons(found, self._contract)]
        if reasons:
            raise ReferenceMismatchError(provider=self._name, target=self._target, reasons=reasons)
        return found


def _is_public(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")


def _constructor_reasons(found: Any, arguments: Collection[str]) -> Iterator[str]:
    if not callable(found):
        yield "that is neither a class nor a function."
        return
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return  # Written in C: only calling it would tell.
    try:
        signature.bind(**dict.fromkeys(arguments))
    except TypeError as error:
        takes = ", ".join(str(parameter) for parameter in signature.parameters.values()) or "nothing"
        yield f"its constructor does not fit the arguments: {error}. It takes {takes}."


def contract_reasons(found: object, contract: object) -> Iterator[str]:
    """Give what keeps the objects of a class from being what their contract says, as far as that can be seen.

    A function, or a contract that is no class, passes: only what it returns would tell.
    """
    wanted = get_origin(contract) or contract
    if not isinstance(found, type) or not isinstance(wanted, type):
        return
    if not is_protocol(wanted):
        if not issubclass(found, wanted):
            yield f"it is no subclass of {wanted.__qualname__}."
        return
    for member in sorted(get_protocol_members(wanted)):
        given = _declared(found, member)
        asked = _declared(wanted, member)
        if given is _NOTHING and member not in _annotated(found):
            yield f"it has no {member}, which {wanted.__qualname__} asks for."
        elif inspect.isfunction(asked):
            yield from _method_reasons(member, given, asked, wanted)


_NOTHING: Any = object()


def _declared(form: type, member: str) -> Any:
    """Return what a class declares, not what its own class does: every class can be called."""
    return next((vars(parent)[member] for parent in form.__mro__ if member in vars(parent)), _NOTHING)


def _annotated(found: type) -> frozenset[str]:
    return frozenset(name for parent in found.__mro__ for name in get_annotations(parent, format=Format.STRING))


def _method_reasons(member: str, given: Any, asked: Any, contract: type) -> Iterator[str]:
    method: object = getattr(given, "__func__", given)
    if not callable(method):
        yield f"its {member} cannot be called."
        return
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):
        return  # Written in C: only calling it would tell.
    wanted = list(inspect.signature(asked).parameters.values())[1:]
    own = parameters if isinstance(given, staticmethod) else parameters[1:]
    names = {parameter.name for parameter in own if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY}
    for missing in _missing(own, wanted, names):
        yield f'its {member}() takes no "{missing}", which {contract.__qualname__} gives.'
    given_names = {parameter.name for parameter in wanted}
    for parameter in own:
        required = parameter.default is inspect.Parameter.empty and parameter.kind not in _VARIABLE
        if required and parameter.name not in given_names:
            yield f'its {member}() needs "{parameter.name}", which {contract.__qualname__} does not give.'


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _missing(
    own: Sequence[inspect.Parameter], wanted: Sequence[inspect.Parameter], names: Collection[str]
) -> Iterator[str]:
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in own):
        return
    yield from (
        parameter.name for parameter in wanted if parameter.kind not in _VARIABLE and parameter.name not in names
    )
