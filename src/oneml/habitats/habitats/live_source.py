"""The code objects that the source of a module compiles to, to hold live functions against."""

from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


def compiled_functions(module: ModuleType, place: str) -> Mapping[str, CodeType | None]:
    """Return the code of functions by qualified name; None for a name that is defined twice.

    Empty where the module was loaded in any way but Python's own: test runners and the like rewrite what they load.

    Args:
        module: The module.
        place: Its file.
    """
    if type(getattr(module, "__loader__", None)) is not SourceFileLoader:
        return {}
    try:
        top = compile(Path(place).read_bytes(), place, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, CodeType | None] = {}
    todo = [top]
    while todo:
        for inner in todo.pop().co_consts:
            if isinstance(inner, CodeType):
                found[inner.co_qualname] = None if inner.co_qualname in found else inner
                todo.append(inner)
    return found


def is_same_code(one: CodeType, other: CodeType) -> bool:
    """Tell whether two code objects do the same, wherever they stand."""
    todo = [(one, other)]
    while todo:
        left, right = todo.pop()
        if _parts(left) != _parts(right) or len(left.co_consts) != len(right.co_consts):
            return False
        for constant, live in zip(left.co_consts, right.co_consts, strict=True):
            if isinstance(constant, CodeType) and isinstance(live, CodeType):
                todo.append((constant, live))
            elif type(constant) is not type(live) or (constant != live and repr(constant) != repr(live)):
                return False
    return True


def _parts(code: CodeType) -> tuple[object, ...]:
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags
