"""Names of types as people write them, for messages."""


def type_name(kind: type) -> str:
    """Return ``kind`` with its module, which is left out for built-ins: ``int``, ``pandas.DataFrame``."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def type_name_of(value: object) -> str:
    """Return the name of the type of ``value``."""
    return type_name(type(value))


def form_name(form: object) -> str:
    """Return an annotation as people write it: ``pandas.DataFrame``, ``list[int]``."""
    return type_name(form) if isinstance(form, type) and not hasattr(form, "__origin__") else str(form)
