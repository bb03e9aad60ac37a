"""Which objects of first-party modules must be live what their source says, as far as the source alone can tell.

Left out is whatever source itself may change: names bound twice or under a condition, what a decorator, a metaclass or
an assignment to an attribute may replace. No false alarm comes before finding every patch.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oneml.habitats.habitats.by_content import ByContent
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.code_parsing import parsed_file
from oneml.habitats.habitats.live_literals import literal_digest
from oneml.habitats.habitats.source_files import sha256_of
from oneml.habitats.habitats.source_patches import Patches, patches_of
from oneml.habitats.habitats.source_scopes import bindings_of, declared_global, star_import_line
from oneml.habitats.values.json_value import JsonObject, JsonValue

_KEEPS_FUNCTION = frozenset({"staticmethod", "classmethod", "property", "abstractmethod", "override", "final"})
_KEEPS_CLASS = frozenset({"dataclass", "total_ordering", "final", "runtime_checkable"})


class ModuleShape(NamedTuple):
    """What must be live as in one file.

    Attributes:
        functions: Qualified names of functions and methods.
        constants: Digests of literals, by qualified name.
        patches: What the file itself changes elsewhere.
    """

    functions: Sequence[str]
    constants: Sequence[tuple[str, str]]
    patches: Patches


def live_shape(identity: CodeIdentity) -> JsonObject:
    """Return what `live_drifts` holds live modules against.

    Args:
        identity: As it was recorded in this process; modules that lie here no more as recorded are left out.
    """
    shapes: dict[str, ModuleShape] = {}
    for name, code in identity.modules.items():
        if name in identity.places and not code.tree.startswith("raw:"):
            raw, source = sha256_of(identity.places[name])
            if raw == code.raw:
                shapes[name] = _shapes.of(raw, source)
    stored = frozenset(name for shape in shapes.values() for name in shape.patches.names)
    any_name = any(shape.patches.any_name for shape in shapes.values())
    modules: dict[str, JsonValue] = {}
    for name, shape in shapes.items():
        constants = {} if any_name else {each: digest for each, digest in shape.constants if _last(each) not in stored}
        functions = [each for each in shape.functions if stored.isdisjoint(each.split("."))]
        if functions or constants:
            modules[name] = {"functions": functions, "constants": constants}
    return {"modules": modules, "patched_by_source": any_name}


def _shape(raw: str, source: bytes) -> ModuleShape:
    tree = parsed_file(raw, source)
    if tree is None:
        return ModuleShape((), (), Patches(frozenset(), any_name=False))
    patches = patches_of(tree)
    functions: list[str] = []
    constants: list[tuple[str, str]] = []
    anywhere = declared_global(tree)
    for qualname, found in _scope(tree, ""):
        if qualname.partition(".")[0] in anywhere:
            continue
        if isinstance(found, str):
            constants.append((qualname, found))
        else:
            functions.append(qualname)
    return ModuleShape(tuple(functions), tuple(constants), patches)


def _scope(scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str | None]]:
    """Give qualified names with the digest of a literal, or with None for a function."""
    bound = bindings_of(scope)
    star = star_import_line(scope)
    for node in scope.body:
        if node.lineno < star:
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if bound[node.name] == 1 and _only(node.decorator_list, _KEEPS_FUNCTION):
                yield f"{prefix}{node.name}", None
        elif isinstance(node, ast.ClassDef):
            if bound[node.name] == 1 and _only(node.decorator_list, _KEEPS_CLASS):
                yield from _scope(node, f"{prefix}{node.name}.")
        elif isinstance(scope, ast.Module) or (isinstance(node, ast.Assign) and not scope.decorator_list):
            # What is annotated in a class may be a field, which is something else in the class than in its body.
            name, digest = _literal(node)
            if digest is not None and bound[name] == 1 and not name.startswith("__"):
                yield f"{prefix}{name}", digest


def _only(decorators: Sequence[ast.expr], known: frozenset[str]) -> bool:
    return all(_decorator_name(decorator) in known for decorator in decorators)


def _decorator_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _literal(node: ast.stmt) -> tuple[str, str | None]:
    """Return the name and the digest of a literal that cannot be changed in place."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    else:
        return "", None
    if not isinstance(target, ast.Name):
        return "", None
    try:
        return target.id, literal_digest(ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return "", None


def _last(qualname: str) -> str:
    return qualname.rpartition(".")[2]


_shapes = ByContent(_shape, source_bytes_max=20_000_000)
