"""A body's result to output ports, and ports back to a result."""

from collections.abc import Mapping
from typing import TypeGuard, cast, get_args, get_origin, is_typeddict

from oneml.habitats.errors import WrongResultError
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.plan import SINGLE_PORT


def is_named_tuple(form: object) -> TypeGuard[type[tuple[object, ...]]]:
    """Tell whether ``form`` is a NamedTuple class."""
    return isinstance(form, type) and issubclass(form, tuple) and hasattr(cast("object", form), "_fields")


def has_fields(form: object) -> bool:
    """Tell whether results of ``form`` are several ports: NamedTuple and TypedDict classes are."""
    return is_named_tuple(form) or is_typeddict(form)


def split_result(path: NodePath, value: object, *, outputs: tuple[str, ...], several: bool) -> Mapping[str, object]:
    """Return the value of each output port.

    Args:
        path: The node, for messages.
        value: What the body returned.
        outputs: The ports that the plan knows.
        several: Whether the ports are the fields of the result, and not the one value.

    Raises:
        WrongResultError: The result is not what the annotation of the body promised.
    """
    if not several:
        if outputs:
            return {SINGLE_PORT: value}
        if value is not None:
            raise WrongResultError(node=path, promised="None", got=type(value).__qualname__)
        return {}
    kind = type(value).__qualname__
    if is_named_tuple(type(value)):
        names = cast("tuple[str, ...]", getattr(value, "_fields"))  # noqa: B009  # no class of ours declares it
        found = dict(zip(names, cast("tuple[object, ...]", value), strict=True))
    elif isinstance(value, Mapping):
        found = {**cast("Mapping[str, object]", value)}
    else:
        raise WrongResultError(node=path, promised=f"fields {', '.join(outputs)}", got=kind)
    if set(found) != set(outputs):
        got = f"{kind} with fields {', '.join(sorted(found)) or '(none)'}"
        raise WrongResultError(node=path, promised=f"fields {', '.join(outputs)}", got=got)
    return found


def assemble_result(form: object, fields: Mapping[str, object]) -> object:
    """Put the fields of a NamedTuple or TypedDict together again."""
    if is_named_tuple(form):
        return form(**fields)
    return dict(fields)


def field_forms(form: object) -> Mapping[str, object]:
    """Return the annotation of each field of a NamedTuple or TypedDict class."""
    from typing import get_type_hints  # noqa: PLC0415

    return get_type_hints(form, include_extras=True)


def element_form(form: object) -> object:
    """Return the annotation of the items of a sequence annotation; ``object`` where it says nothing of them."""
    arguments = get_args(form)
    return arguments[0] if arguments and get_origin(form) is not None else object


def is_tuple_form(form: object) -> bool:
    """Tell whether a gathered input wants a tuple; every other sequence annotation takes a list."""
    return form is tuple or get_origin(form) is tuple
