"""The normal form of syntax trees: equal on every Python, blind to looks, and to nothing else."""

import ast
import hashlib
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.habitats import syntax_tree
from oneml.habitats.habitats.code_parsing import parsed_code
from oneml.habitats.habitats.syntax_tree import header_digest, parsed_source, tree_digest

CORPUS = Path(__file__).parent / "corpus" / "every_kind.txt"
GOLDEN = "342eb40e4a95adc70017ff993e63c7e3ed7309149028a9c96dd92464e25ae9ad"


def digest(source: str | bytes) -> str:
    tree = parsed_source(source)
    assert tree is not None, source
    return tree_digest(tree)


def test_golden_digest_of_every_kind_of_statement_and_expression() -> None:
    assert digest(CORPUS.read_bytes()) == GOLDEN


def test_corpus_holds_every_kind_of_node_that_python_3_11_knows() -> None:
    present = {type(node) for node in ast.walk(ast.parse(CORPUS.read_bytes()))}
    newer = {"TypeAlias", "TryStar", "TemplateStr", "Interpolation", "TypeVar", "ParamSpec", "TypeVarTuple"}
    bases = (ast.stmt, ast.expr, ast.pattern, ast.operator, ast.cmpop, ast.unaryop, ast.boolop, ast.excepthandler)
    kinds = {kind for base in bases for kind in base.__subclasses__()}
    assert {kind.__name__ for kind in kinds - present} <= newer


@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13", "python3.14"])
def test_other_pythons_give_the_golden_digest(python: str) -> None:
    kept_aside = sorted(Path.home().glob(f".pyenv/versions/*/bin/{python}"))  # what is on PATH only looks for these
    found = kept_aside[0] if kept_aside else shutil.which(python)
    if found is None:
        pytest.skip(f"{python} is not on this machine")
    script = (
        "import sys, importlib.util as u\n"
        "spec = u.spec_from_file_location('syntax_tree', sys.argv[1])\n"
        "module = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.tree_digest(module.parsed_source(open(sys.argv[2], 'rb').read())))"
    )
    command = [str(found), "-B", "-I", "-c", script, str(syntax_tree.__file__), str(CORPUS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (GOLDEN, "")


BASE = '''
"""About the module."""
import os
from json import loads
RATE = 0.1
NAMES = ("a", "b")
def train(data, rate=1, *, steps=10) -> int:
    """About the function."""
    total = data + rate
    for step in range(steps):
        if step > 3 and data:
            total += step * 2
    return total
@staticmethod
def other(): return os
class Model(Base):
    """About the class."""
    width: int = 3
    """About the attribute."""
    def __call__(self, x):
        return {"x": x, "text": f"{x:>3}"}
'''

HARMLESS = {
    "comment": ("RATE = 0.1", "RATE = 0.1  # more  # type: float"),
    "comment line": ("import os", "# why\nimport os"),
    "blank lines": ("class Model", "\n\n\nclass Model"),
    "module docstring changed": ("About the module.", "On the module."),
    "module docstring gone": ('"""About the module."""\n', ""),
    "function docstring gone": ('    """About the function."""\n', ""),
    "class docstring changed": ("About the class.", ""),
    "attribute docstring gone": ('    """About the attribute."""\n', ""),
    "quote style": ('"text"', "'text'"),
    "raw text": ('"text"', 'r"text"'),
    "text in pieces": ('"text"', '"te" "xt"'),
    "escaped text": ('"text"', r'"\x74ext"'),
    "parentheses": ("return total", "return (total)"),
    "parentheses of a test": ("step > 3 and data", "((step > 3) and data)"),
    "trailing comma": ('("a", "b")', '("a", "b",)'),
    "trailing comma of parameters": ("steps=10)", "steps=10,)"),
    "line break": ("data + rate", "(data +\n        rate)"),
    "one line less": ("if step > 3 and data:\n            total", "if step > 3 and data: total"),
    "indentation": ("    total = data + rate", "    total  =  data+rate"),
    "semicolon": ("import os\n", "import os;"),
    "number in another base": ("steps=10", "steps=0xA"),
    "digits apart": ("steps=10", "steps=1_0"),
    "format specification": (">3}", ">3}" + '" "'),
    "carriage returns": ("\n", "\r\n"),
}

HARMFUL = {
    "constant": ("RATE = 0.1", "RATE = 0.2"),
    "type of a constant": ("rate=1", "rate=1.0"),
    "truth for one": ("rate=1", "rate=True"),
    "text to bytes": ('"text"', 'b"text"'),
    "name of a constant": ("RATE", "RATIO"),
    "order of items": ('("a", "b")', '("b", "a")'),
    "tuple to list": ('("a", "b")', '["a", "b"]'),
    "comma makes a tuple": ("return total", "return total,"),
    "default": ("steps=10", "steps=11"),
    "default gone": ("rate=1", "rate"),
    "parameter kind": ("*, steps", "steps"),
    "parameter name": ("data, rate", "date, rate"),
    "annotation": ("-> int", "-> float"),
    "operator": ("data + rate", "data - rate"),
    "comparison": ("step > 3", "step >= 3"),
    "boolean operator": ("> 3 and", "> 3 or"),
    "augmented assignment": ("total += step", "total -= step"),
    "call": ("range(steps)", "list(steps)"),
    "statement gone": ("            total += step * 2", "            pass"),
    "statement moved": ("    return total", "        return total"),
    "statement twice": ("    return total", "    total += 1\n    return total"),
    "decorator gone": ("@staticmethod\n", ""),
    "decorator changed": ("@staticmethod", "@classmethod"),
    "base class": ("(Base)", "(Other)"),
    "base class gone": ("(Base)", ""),
    "attribute": ("width: int = 3", "width: int = 4"),
    "attribute without a value": ("width: int = 3", "width: int"),
    "method name": ("__call__", "__init__"),
    "async": ("def train", "async def train"),
    "import": ("import os", "import os.path as os"),
    "imported name": ("import loads", "import dumps as loads"),
    "relative import": ("from json", "from .json"),
    "key": ('"x": x', '"y": x'),
    "format": (":>3}", ":<3}"),
    "conversion": ("{x:>3}", "{x!r:>3}"),
    "f-string to text": ('f"{x:>3}"', '"{x:>3}"'),
}


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS.keys())
def test_looks_do_not_count(edit: tuple[str, str]) -> None:
    assert edit[0] in BASE
    assert digest(BASE.replace(*edit).encode()) == digest(BASE)


@pytest.mark.parametrize("edit", HARMFUL.values(), ids=HARMFUL.keys())
def test_every_other_edit_counts(edit: tuple[str, str]) -> None:
    assert edit[0] in BASE
    assert digest(BASE.replace(*edit)) != digest(BASE)


def test_all_harmful_edits_differ_from_each_other() -> None:
    found = [digest(BASE.replace(*edit)) for edit in HARMFUL.values()]
    assert len(set(found)) == len(found)


def mutate(tree: ast.Module, choose: random.Random) -> None:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Constant | ast.BinOp | ast.arg)]
    node = choose.choice(nodes)
    if isinstance(node, ast.Name):
        node.id += "_"
    elif isinstance(node, ast.arg):
        node.arg += "_"
    elif isinstance(node, ast.Constant):
        node.value = repr(node.value)
    else:
        node.op = ast.MatMult() if not isinstance(node.op, ast.MatMult) else ast.Add()


def without_looks(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            values = getattr(node, field, None)
            if isinstance(values, list):
                setattr(node, field, [each for each in values if not syntax_tree.is_bare_string(each)])
        if isinstance(node, ast.Constant):
            node.kind = None
    return ast.dump(tree)


@given(st.randoms(use_true_random=False))
def test_digests_differ_exactly_where_trees_do(choose: random.Random) -> None:
    source = CORPUS.read_text(encoding="utf-8")
    tree, before = ast.parse(source), ast.parse(source)
    mutate(tree, choose)
    differs = tree_digest(tree) != GOLDEN
    assert differs == (without_looks(tree) != without_looks(before))


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4), st.lists(st.text(max_size=3), min_size=1, max_size=4))
def test_texts_never_run_into_each_other(one: list[str], other: list[str]) -> None:
    trees = [ast.Expr(ast.Tuple([ast.Constant(text) for text in texts], ast.Load())) for texts in (one, other)]
    assert (tree_digest(trees[0]) == tree_digest(trees[1])) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{None: x}", "{**x}"),
        ("def f(*, x=None): ...", "def f(*, x): ..."),
        ("lambda *, x=None, y: x", "lambda *, x, y=None: x"),
    ],
)
def test_what_is_not_there_is_no_none(one: str, other: str) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize("pieces", [["a", "", "b"], ["ab"], ["a", "b", ""]])
def test_pieces_of_an_f_string_are_joined_however_a_python_cuts_them(pieces: list[str]) -> None:
    field = ast.FormattedValue(ast.Name("x", ast.Load()), -1, ast.JoinedStr([ast.Constant("")]))
    values: list[ast.expr] = [*(ast.Constant(piece) for piece in pieces), field]
    tree = ast.Module([ast.Assign([ast.Name("y", ast.Store())], ast.JoinedStr(values))], [])
    assert tree_digest(tree) == digest('y = f"ab{x}"')


def test_headers_leave_out_what_is_inside() -> None:
    one, other, third = (ast.parse(text).body[0] for text in ("if a:\n b", "if a:\n c\nelse: d", "if b:\n b"))
    assert header_digest(one) == header_digest(other) != header_digest(third)


@pytest.mark.parametrize(
    "source",
    [
        b"def broken(:",
        b"\x00",
        b"x = '\xff'",
        b"# coding: no-such-encoding\n",
        b"x = " + b"(" * 5000 + b")" * 5000,
        b"x = " + b"-" * 50_000 + b"1",
    ],
    ids=["syntax", "null", "not utf-8", "encoding", "parentheses", "signs"],
)
def test_what_cannot_be_parsed_counts_by_its_bytes(source: bytes) -> None:
    raw = hashlib.sha256(source).hexdigest()
    parsed = parsed_code(raw, source)
    assert parsed.tree == f"raw:{raw}"
    assert parsed.imports.dynamic


def test_long_chains_never_raise_and_are_told_apart() -> None:
    sources = [b"x = " + b" + ".join([b"a"] * 5000) + end for end in (b"", b"+ b")]
    found = {parsed_code(hashlib.sha256(source).hexdigest(), source).tree for source in sources}
    assert len(found) == 2


def test_deep_trees_are_walked_without_recursion() -> None:
    tree: ast.expr = ast.Name("a", ast.Load())
    for _ in range(5 * sys.getrecursionlimit()):
        tree = ast.UnaryOp(ast.Not(), tree)
    assert len(tree_digest(tree)) == 64


def test_file_in_another_encoding_is_read_as_python_reads_it() -> None:
    latin = "# coding: latin-1\nx = 'é'".encode("latin-1")
    assert digest(latin) == digest("x = 'é'".encode()) == digest(b"\xef\xbb\xbfx = '\xc3\xa9'")


def test_odd_escapes_are_no_warning() -> None:
    assert digest(b"x = '\\d'") == digest(b"x = '\\\\d'")
