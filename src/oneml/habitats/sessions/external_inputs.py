"""The inputs that a pipeline takes from outside, held against what it declares."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from oneml.habitats.errors import InvalidInputsError
from oneml.habitats.values.plan import Plan
from oneml.habitats.values.suggestions import known_names


def check_inputs(
    habitat: str, plan: Plan, forms: Mapping[str, object], inputs: Mapping[str, object]
) -> Mapping[str, object]:
    """Return the inputs as the declared types take them: a list for a tuple becomes one.

    Args:
        habitat: Name of the habitat, for messages.
        plan: Knows which inputs there are.
        forms: Their annotations.
        inputs: What was given.

    Raises:
        InvalidInputsError: One is unknown, missing or not of its type; lists all.
    """
    problems: list[str] = []
    checked: dict[str, object] = {}
    for name, value in inputs.items():
        if name not in plan.inputs:
            problems.append(f'There is no input "{name}". {known_names(name, plan.inputs)}')
            continue
        try:
            checked[name] = _checked(value, forms.get(name, object))
        except (TypeError, ValueError) as error:
            problems.append(f'Input "{name}" takes {plan.inputs[name].form}: {error}')
    problems.extend(
        f'Input "{declared.name}" ({declared.form}) is missing. Give it with --input {declared.name}=JSON, '
        f"--input {declared.name}=@FILE, or inputs={{...}}."
        for declared in plan.inputs.values()
        if declared.required and declared.name not in inputs
    )
    if problems:
        raise InvalidInputsError(habitat=habitat, problems=problems)
    return checked


def _checked(value: object, form: object) -> object:
    try:
        adapter: TypeAdapter[object] = TypeAdapter(cast("Any", form))
    except PydanticSchemaGenerationError:
        if isinstance(form, type) and not isinstance(value, form):
            message = f"got {type(value).__qualname__}"
            raise TypeError(message) from None
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{where}: {first['msg']}" if where else first["msg"]
        raise ValueError(message) from None
