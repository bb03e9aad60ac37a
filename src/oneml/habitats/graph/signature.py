"""Ports of a body, from its annotations. Workers use it too, so it imports nothing heavy."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from types import MethodType, NoneType
from typing import Any, NamedTuple, cast, get_args
from weakref import WeakKeyDictionary

from oneml.habitats.errors import InvalidBodyError
from oneml.habitats.graph.hints import Unresolved, resolved_hints
from oneml.habitats.graph.result_ports import ResultPorts, result_ports
from oneml.habitats.graph.streams import is_read_once, is_stream, stream_form, stream_of
from oneml.habitats.values.plan import SINGLE_PORT

_REFUSED: Mapping[object, str] = {
    Parameter.VAR_POSITIONAL: "takes *{0}",
    Parameter.VAR_KEYWORD: "takes **{0}",
    Parameter.POSITIONAL_ONLY: 'takes "{0}" by position only',
}


class InputPort(NamedTuple):
    """An input of a body.

    Attributes:
        form: The type that it takes, as annotated; ``Any`` where it is not.
        required: Whether it has no default.
        keyword_only: Whether it cannot be given by position.
    """

    form: object
    required: bool
    keyword_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodySignature:
    """The ports of a body.

    Attributes:
        inputs: Its inputs by name, in the order of its parameters.
        outputs: The form of each output port, in the order of the fields; empty for a body that returns None.
        whole: The NamedTuple or TypedDict class whose fields are the ports, else None.
        result: The form of the whole result.
        reference: ``module:QualifiedName`` of ``whole``, else None.
        ports: The names of the output ports, sorted.
        required: The inputs without a default.
        positional: The inputs that may be given by position, in order.
        read_once: The inputs that want an iterator, which reads items as it is asked for them.
        streams: The output ports whose items are yielded.
    """

    inputs: Mapping[str, InputPort]
    outputs: Mapping[str, object]
    whole: type | None = None
    result: object = field(init=False)
    reference: str | None = field(init=False)
    ports: tuple[str, ...] = field(init=False)
    required: frozenset[str] = field(init=False)
    positional: tuple[str, ...] = field(init=False)
    read_once: frozenset[str] = field(init=False)
    streams: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Derive what is asked for at every node from what is given once."""
        put = functools.partial(object.__setattr__, self)
        put("result", self.outputs.get(SINGLE_PORT, NoneType) if self.whole is None else self.whole)
        put("reference", None if self.whole is None else type_reference(self.whole))
        put("ports", tuple(sorted(self.outputs)))
        put("required", frozenset(name for name, port in self.inputs.items() if port.required))
        put("positional", tuple(name for name, port in self.inputs.items() if not port.keyword_only))
        put("read_once", frozenset(name for name, port in self.inputs.items() if is_read_once(port.form)))
        put("streams", frozenset(port for port, form in self.outputs.items() if is_stream(form)))


_known: WeakKeyDictionary[Callable[..., object], dict[bool, BodySignature]] = WeakKeyDictionary()


def body_signature(call: Callable[..., object], *, bound: bool) -> BodySignature:
    """Return the ports of a body; worked out once for each function.

    Args:
        call: A function, method or other callable with annotations.
        bound: Whether ``call`` already lacks ``self``.

    Raises:
        InvalidBodyError: It takes ``*args``, ``**kwargs`` or positional-only parameters, has no signature, or has
            annotations that name what does not exist at run time. Every reason is given.
    """
    function, has_self = _function_of(call, bound=bound)
    try:
        kept = _known.setdefault(function, {})
    except TypeError:  # not hashable, or without weak references
        return _read(function, has_self=has_self)
    found = kept.get(has_self)
    if found is None:
        found = kept[has_self] = _read(function, has_self=has_self)
    return found


def type_reference(form: type) -> str:
    """Return ``module:QualifiedName`` of a class."""
    return f"{form.__module__}:{form.__qualname__}"


def _function_of(call: Callable[..., object], *, bound: bool) -> tuple[Callable[..., object], bool]:
    """Return what carries the annotations, and whether its first parameter is ``self``."""
    method: object = call if isinstance(call, MethodType) else getattr(call, "__call__", None)  # noqa: B004  # an object with a __call__ of its own
    if isinstance(method, MethodType):
        return method.__func__, True
    return call, not bound


def _read(function: Callable[..., object], *, has_self: bool) -> BodySignature:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise InvalidBodyError(body=_name_of(function), reasons=(f"It has no signature: {error}.",)) from error
    reasons: list[str] = []
    hints = _hints(function, reasons)
    inputs = _inputs(list(signature.parameters.values())[has_self:], hints, reasons)
    if has_self and not signature.parameters:
        reasons.append("It has no parameter for self.")
    result = _result(function, hints)
    reasons += result.reasons
    if reasons:
        raise InvalidBodyError(body=_name_of(function), reasons=reasons)
    return BodySignature(inputs=inputs, outputs=result.outputs, whole=result.whole)


def _hints(function: Callable[..., object], reasons: list[str]) -> Mapping[str, object]:
    while isinstance(function, functools.partial):
        function = cast("Callable[..., object]", function.func)
    try:
        return resolved_hints(function)
    except Unresolved as error:
        reasons += [
            f'The annotation of "{name}" cannot be resolved ({reason}). '
            "Import it at run time, not only for type checkers."
            for name, reason in error.reasons.items()
        ]
        return {}


_WIRING = "dependency_injector.wiring"


def _inputs(parameters: list[Parameter], hints: Mapping[str, object], reasons: list[str]) -> Mapping[str, InputPort]:
    inputs: dict[str, InputPort] = {}
    for parameter in parameters:
        refused = _REFUSED.get(parameter.kind)
        if refused is not None:
            text = refused.format(parameter.name)
            reasons.append(f"It {text}: a body names each of its inputs (a decorator keeps names by functools.wraps).")
            continue
        if type(parameter.default).__module__ == _WIRING:
            name = parameter.name
            reasons.append(
                f'Its default for "{name}" is {parameter.default!r}, and nothing is wired here: the body would get it. '
                f'Let the provider give it: providers.Factory(Body, {name}=...), or make "{name}" an input.'
            )
            continue
        form = hints.get(parameter.name, Any)
        keyword_only = parameter.kind is Parameter.KEYWORD_ONLY
        inputs[parameter.name] = InputPort(form, parameter.default is Parameter.empty, keyword_only)
    return inputs


def _result(function: Callable[..., object], hints: Mapping[str, object]) -> ResultPorts:
    inner = inspect.unwrap(function)
    form = hints.get("return", Any)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        return ResultPorts({SINGLE_PORT: stream_form(form) or stream_of(next(iter(get_args(form)), Any))})
    return result_ports(form)


def _name_of(function: Callable[..., object]) -> str:
    name: object = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else repr(function)[:80]
