"""The inputs that a pipeline takes from outside, held against what it declares."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast, get_origin, is_typeddict

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from oneml.habitats.errors import InvalidInputsError
from oneml.habitats.values.json_value import DEPTH_MAX
from oneml.habitats.values.lineage import SessionOutput
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.suggestions import known_names

_EXAMPLES: Mapping[object, str] = {
    str: "'\"some text\"'",
    int: "3",
    float: "0.5",
    bool: "true",
    list: "'[...]'",
    tuple: "'[...]'",
    Sequence: "'[...]'",
    dict: "'{...}'",
    Mapping: "'{...}'",
}


def check_inputs(
    habitat: str,
    plan: Plan,
    forms: Mapping[str, object],
    inputs: Mapping[str, object],
    *,
    found: Collection[str] = (),
) -> Mapping[str, object]:
    """Return the inputs as the declared types take them: a list for a tuple becomes one.

    Outputs of other sessions are held against their types where they are found.

    Args:
        habitat: Name of the habitat, for messages.
        plan: Knows which inputs there are.
        forms: Their annotations.
        inputs: What was given.
        found: Names of inputs that were found elsewhere, and need not be given.

    Raises:
        InvalidInputsError: One is unknown, missing or not of its type; lists all.
    """
    check_named(habitat, inputs)
    problems: list[str] = []
    checked: dict[str, object] = {}
    for name, value in inputs.items():
        if name not in plan.inputs:
            problems.append(f'There is no input "{name}". {known_names(name, plan.inputs)}')
            continue
        if isinstance(value, SessionOutput):
            checked[name] = value
            continue
        try:
            checked[name] = checked_value(value, forms.get(name, object))
        except (TypeError, ValueError) as error:
            problems.append(f'Input "{name}" takes {plan.inputs[name].form}: {error}')
    problems.extend(
        f'Input "{declared.name}" ({declared.form}) is missing. Give it with --input '
        f"{declared.name}={_example(forms.get(declared.name))}, --input {declared.name}=@FILE, or inputs={{...}}."
        for declared in plan.inputs.values()
        if declared.required and declared.name not in inputs and declared.name not in found
    )
    if problems:
        raise InvalidInputsError(habitat=habitat, problems=problems)
    return checked


def check_named(habitat: str, inputs: object) -> None:
    """Check that inputs are given by name, which authors without a type checker may not know.

    Raises:
        InvalidInputsError: They are not.
    """
    if not isinstance(inputs, Mapping):
        problem = f"They are given by name, as inputs={{...}}; not as {type(inputs).__qualname__}."
        raise InvalidInputsError(habitat=habitat, problems=[problem])
    names = cast("Mapping[object, object]", inputs)
    problems = [f"A name is text, and {name!r:.200} is none." for name in names if not isinstance(name, str)]
    if problems:
        raise InvalidInputsError(habitat=habitat, problems=problems)


def checked_value(value: object, form: object) -> object:
    """Return a value as a type takes it: a list for a tuple becomes one.

    Raises:
        TypeError: It is not of that type; the text is the end of a sentence.
        ValueError: As above.
    """
    try:
        adapter: TypeAdapter[object] = TypeAdapter(cast("Any", form))
    except PydanticUserError:  # it knows no schema, or not in this version of Python
        if isinstance(form, type) and not is_typeddict(form) and not isinstance(value, form):
            message = f"got {type(value).__qualname__}"
            raise TypeError(message) from None
        return value
    try:
        if _is_json(value):
            # What JSON can tell apart is told apart: no truth value for a number, no text for one.
            return adapter.validate_json(json.dumps(value), strict=True)
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{where}: {first['msg']}" if where else first["msg"]
        raise ValueError(message) from None


def _is_json(value: object, depth: int = 0) -> bool:
    """Tell whether a value is one of JSON, not nested beyond reason; a tuple is a list there."""
    kind = type(value)
    if depth > DEPTH_MAX:
        return False
    if kind is dict:
        members = cast("dict[object, object]", value)
        return all(type(name) is str and _is_json(member, depth + 1) for name, member in members.items())
    if kind is list or kind is tuple:
        return all(_is_json(item, depth + 1) for item in cast("Sequence[object]", value))
    return kind is str or kind is int or kind is float or kind is bool or value is None


def _example(form: object) -> str:
    """Return a value of the type as ``--input`` takes it, quoted for a shell; ``JSON`` where none is known."""
    kind = form if get_origin(form) is None else get_origin(form)
    return _EXAMPLES.get(kind, "JSON")
