"""Output ports of a body, from the annotation of its result."""

from collections.abc import Collection, Coroutine, Mapping
from types import NoneType
from typing import Annotated, Any, NamedTuple, NotRequired, Required, TypeGuard, TypeVar, cast, get_args, get_origin

from typing_extensions import ReadOnly, is_typeddict

from oneml.habitats.errors import InvalidNodePathError
from oneml.habitats.graph.forms import substituted
from oneml.habitats.graph.hints import Unresolved, resolved_hints
from oneml.habitats.graph.streams import stream_form
from oneml.habitats.values.node_path import check_segment
from oneml.habitats.values.plan import SINGLE_PORT

_QUALIFIERS = (Required, NotRequired, ReadOnly)


class ResultPorts(NamedTuple):
    """What a result is made of.

    Attributes:
        outputs: The form of each output port, in the order of the fields.
        whole: The NamedTuple or TypedDict class whose fields the ports are, else None.
        reasons: Why there cannot be such a result, as sentences; empty where there can.
    """

    outputs: Mapping[str, object]
    whole: type | None = None
    reasons: tuple[str, ...] = ()


def result_ports(annotation: object) -> ResultPorts:
    """Return the ports of a body whose ``return`` annotation is ``annotation``."""
    form = annotation
    if get_origin(form) is Coroutine:
        form = get_args(form)[2]
    stream = stream_form(form)
    if stream is not None:
        return ResultPorts({SINGLE_PORT: stream})
    bare = get_args(form)[0] if get_origin(form) is Annotated else form
    if bare is None or bare is NoneType:
        return ResultPorts({})
    origin: object = get_origin(bare) or bare
    if not is_named_tuple(origin) and not is_typed_dict(origin):
        return ResultPorts({SINGLE_PORT: form})
    return _field_ports(origin, get_args(bare))


def is_named_tuple(form: object) -> TypeGuard[type[tuple[object, ...]]]:
    """Tell whether ``form`` is a NamedTuple class with fields."""
    return isinstance(form, type) and tuple in form.__mro__ and bool(getattr(form, "_fields", ()))


def is_typed_dict(form: object) -> TypeGuard[type[Mapping[str, object]]]:
    """Tell whether ``form`` is a TypedDict class."""
    return is_typeddict(form)


def field_forms(whole: type, arguments: tuple[object, ...] = ()) -> Mapping[str, object]:
    """Return the form of each field of a NamedTuple or TypedDict class, in its order.

    Args:
        whole: The class.
        arguments: What stands for its type variables, where it is generic and subscripted.

    Raises:
        Unresolved: An annotation names what does not exist at run time.
    """
    hints = resolved_hints(whole)
    names = cast("tuple[str, ...]", getattr(whole, "_fields", None) or tuple(hints))
    variables = cast("tuple[TypeVar, ...]", getattr(whole, "__parameters__", ()))
    meaning = dict(zip(variables, arguments, strict=False))
    forms = {name: substituted(_unqualified(hints.get(name, Any)), meaning) for name in names}
    return {name: stream_form(form) or form for name, form in forms.items()}


def _field_ports(whole: type, arguments: tuple[object, ...]) -> ResultPorts:
    try:
        forms = field_forms(whole, arguments)
    except Unresolved as error:
        reasons = [
            f'The annotation of field "{name}" of {whole.__qualname__} cannot be resolved ({reason}). '
            "Import it at run time, not only for type checkers."
            for name, reason in error.reasons.items()
        ]
        return ResultPorts({}, whole, tuple(reasons))
    reasons = [_name_reason(name, whole) for name in forms if not _is_name(name)]
    reasons += [
        f'Field "{name}" of {whole.__qualname__} may be absent, but a port always has a value: '
        "make it required, with None where there is nothing."
        for name in _optional_keys(whole)
    ]
    return ResultPorts(forms, whole, tuple(reasons))


def _is_name(name: str) -> bool:
    try:
        check_segment(name)
    except InvalidNodePathError:
        return False
    return True


def _name_reason(name: str, whole: type) -> str:
    return f'Field "{name}" of {whole.__qualname__} cannot be a port: use 1 to 64 of A-Z a-z 0-9 _ -, not "-" first.'


def _optional_keys(whole: type) -> list[str]:
    # The set of the class is wrong where annotations are strings, so what they say goes first.
    optional = cast("Collection[str]", getattr(whole, "__optional_keys__", ()))
    origins = {name: get_origin(hint) for name, hint in resolved_hints(whole).items()}
    return [
        name
        for name, origin in origins.items()
        if is_typed_dict(whole) and (origin is NotRequired or (name in optional and origin is not Required))
    ]


def _unqualified(form: object) -> object:
    while get_origin(form) in _QUALIFIERS:
        form = get_args(form)[0]
    return form
