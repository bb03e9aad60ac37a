"""Live objects against their source: patches are found, and nothing else raises an alarm."""

import ast
import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from oneml.habitats.habitats.code_closure import reachable_code
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.live_code import live_drifts
from oneml.habitats.habitats.live_literals import literal_digest
from oneml.habitats.habitats.live_shape import live_shape
from oneml.habitats.habitats.source_files import ModuleFinder
from oneml.habitats.values.drift import Drift


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...


def identity(*roots: str) -> CodeIdentity:
    packages = {root.partition(".")[0] for root in roots}
    closure = reachable_code(roots, packages, ModuleFinder())
    return CodeIdentity(
        habitat="pipe",
        target="pipe:Box",
        container="pipe:Box",
        python="3.11",
        distribution=None,
        distributions={},
        first_party=tuple(sorted(packages)),
        modules=closure.modules,
        places=closure.files,
    )


def found(*roots: str, thorough: bool = False) -> Sequence[Drift]:
    known = identity(*roots)
    return live_drifts(live_shape(known), known.places, thorough=thorough)


SOURCE = """
import abc
import functools

RATE = 0.1
SHAPE = (1, ("a", b"b", None))

def plain(x):
    return x + RATE

async def waiting():
    return 1

class Model:
    width = 3

    def __init__(self):
        self.width = 4

    def __call__(self, x):
        return x

    def __hidden(self):
        return 1

    @property
    def size(self):
        return self.width

    @staticmethod
    def made():
        return Model()

    @classmethod
    def named(cls):
        return cls()

    class Inner:
        def deep(self):
            return 1

class Base(abc.ABC):
    @abc.abstractmethod
    def run(self): ...

class Child(Base):
    def run(self):
        return 1
"""


def elsewhere(*_: object) -> int:
    return 7


def patch_code(module: Any) -> None:
    module.plain.__code__ = elsewhere.__code__


def run_again(module: Any) -> None:
    exec("def plain(x):\n    return 7", vars(module))  # noqa: S102  # a patch


PATCHES: dict[str, tuple[Callable[[Any], object], str]] = {
    "function": (lambda module: setattr(module, "plain", elsewhere), "plain"),
    "wrapped function": (lambda module: setattr(module, "plain", functools.wraps(module.plain)(lambda x: x)), "plain"),
    "partial": (lambda module: setattr(module, "plain", functools.partial(module.plain)), "plain"),
    "function gone": (lambda module: delattr(module, "plain"), "plain"),
    "code": (patch_code, "plain"),
    "run again": (run_again, "plain"),
    "coroutine function": (lambda module: setattr(module, "waiting", elsewhere), "waiting"),
    "another function of the module": (lambda module: setattr(module, "waiting", module.plain), "waiting"),
    "method": (lambda module: setattr(module.Model, "__call__", elsewhere), "Model.__call__"),
    "private method": (lambda module: setattr(module.Model, "_Model__hidden", elsewhere), "Model.__hidden"),
    "property": (lambda module: setattr(module.Model, "size", property(elsewhere)), "Model.size"),
    "static method": (lambda module: setattr(module.Model, "made", staticmethod(elsewhere)), "Model.made"),
    "class method": (lambda module: setattr(module.Model, "named", classmethod(elsewhere)), "Model.named"),
    "nested class": (lambda module: setattr(module.Model.Inner, "deep", elsewhere), "Model.Inner.deep"),
    "method of an abstract class": (lambda module: setattr(module.Child, "run", elsewhere), "Child.run"),
    "class": (lambda module: setattr(module, "Child", type("Child", (), {})), "Child"),
    "class gone": (lambda module: delattr(module, "Child"), "Child"),
    "constant": (lambda module: setattr(module, "RATE", 0.2), "RATE"),
    "type of a constant": (lambda module: setattr(module, "SHAPE", (True, ("a", b"b", None))), "SHAPE"),
    "attribute of a class": (lambda module: setattr(module.Model, "width", 4), "Model.width"),
}


@pytest.mark.parametrize(("patch", "name"), PATCHES.values(), ids=PATCHES.keys())
def test_patch_is_found(site: Site, patch: Callable[[Any], object], name: str) -> None:
    site.write({"pipe.py": SOURCE})
    module = importlib.import_module("pipe")
    assert found("pipe") == []
    patch(module)
    assert [(drift.kind, drift.subject) for drift in found("pipe")] == [("live-code", f"pipe:{name}")]


def test_drift_says_what_lives_where(site: Site) -> None:
    site.write({"pipe.py": SOURCE})
    importlib.import_module("pipe").plain = elsewhere
    (drift,) = found("pipe")
    line = elsewhere.__code__.co_firstlineno
    assert str(drift) == (
        f"live-code pipe:plain, function: as its source says ({site.folder}/pipe.py) recorded, "
        f"function {__name__}:elsewhere ({__file__}:{line}) here. "
        "Patch it in first-party source, give an override, or do not patch it."
    )


def test_value_of_a_patched_constant_is_not_shown(site: Site) -> None:
    site.write({"pipe.py": "TOKEN = 'hunter1'"})
    importlib.import_module("pipe").TOKEN = "hunter2"
    (drift,) = found("pipe")
    assert "hunter" not in str(drift)
    assert drift.found == "another str"


def test_module_replaced_by_something_else_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write({"pipe.py": SOURCE})
    monkeypatch.setitem(sys.modules, "pipe", elsewhere)
    elsewhere.__spec__ = ModuleFinder()._find("json")  # type: ignore[attr-defined]
    known = identity("pipe")
    places = {**known.places, "pipe": str(site.folder / "pipe.py")}
    shape = {"modules": {"pipe": {"functions": ["plain"], "constants": {}}}}
    assert [drift.field for drift in live_drifts(shape, places)] == ["module"]


def test_thorough_comparison_finds_code_that_only_claims_to_be_the_source(site: Site) -> None:
    site.write({"pipe.py": SOURCE})
    module = importlib.import_module("pipe")
    assert found("pipe", thorough=True) == []
    code = compile("def plain(x):\n    return x - RATE", module.__file__, "exec")
    exec(code, vars(module))  # noqa: S102  # a patch
    assert found("pipe") == []
    assert [drift.subject for drift in found("pipe", thorough=True)] == ["pipe:plain"]


def test_modules_that_are_not_imported_are_passed_over(site: Site) -> None:
    site.write({"pipe.py": SOURCE})
    assert live_shape(identity("pipe"))["modules"]
    assert found("pipe") == []
    assert "pipe" not in sys.modules


QUIET = {
    "dataclass": "from dataclasses import *\n@dataclass(frozen=True)\nclass A:\n x: int = 1\n"
    " def __eq__(self, o): ...\n def __init__(self): ...\n def f(self): ...\n",
    "dataclass with slots": "from dataclasses import dataclass\n@dataclass(slots=True, order=True)\nclass A:\n"
    " x: int = 1\n def __repr__(self): return super().__repr__()\n",
    "pydantic": "from pydantic import *\nclass A(BaseModel):\n x: int = 1\n _y: int = PrivateAttr(2)\n K = 1\n"
    " def model_post_init(self, context): ...\n def f(self): ...\n @field_validator('x')\n @classmethod\n"
    " def check(cls, v): return v\n @computed_field\n @property\n def z(self) -> int: return 1\n"
    " def __hash__(self): return 1\n".replace(" K = 1\n", ""),
    "NamedTuple": "from typing import NamedTuple\nclass A(NamedTuple):\n x: int = 1\n LIMIT = 3\n"
    " def __str__(self): return ''\n @property\n def y(self): return 1\n",
    "enum": "from enum import *\nclass A(Enum):\n X = 1\n def __new__(cls, v):\n  o = object.__new__(cls)\n"
    "  o._value_ = v\n  return o\n def f(self): ...\n @staticmethod\n def _generate_next_value_(*a): return 1\n"
    "class B(StrEnum):\n Y = 'a'\n @classmethod\n def _missing_(cls, v): ...\n",
    "Protocol": "from typing import *\n@runtime_checkable\nclass A(Protocol):\n x: int\n def __init__(self): ...\n"
    " def f(self): ...\nclass B(A, Protocol):\n def g(self): ...\n",
    "generic": "from typing import *\nT = TypeVar('T')\nclass A(Generic[T]):\n def f(self): ...\n"
    " def __class_getitem__(cls, k): return cls\n",
    "TypedDict": "from typing import TypedDict\nclass A(TypedDict):\n x: int\n",
    "decorated class": "def add(cls):\n cls.g = lambda self: 1\n cls.f = len\n return cls\n"
    "@add\nclass A:\n def f(self): ...\n def h(self): ...\n",
    "class replaced by its decorator": "def other(cls): return type('B', (), {})\n@other\n"
    "class A:\n def f(self): ...\n",
    "overload": "from typing import overload\n@overload\ndef f(x: int) -> int: ...\n@overload\n"
    "def f(x: str) -> str: ...\ndef f(x): return x\n",
    "conditional": "import sys\nif sys.platform == 'win32':\n def f(): return 1\nelse:\n def f(): return 2\n"
    "try:\n import no_such\nexcept ImportError:\n def g(): ...\n",
    "defined twice": "def f(): return 1\nf = staticmethod(f)\nX = 1\nX = 2\nY = 1\ndel Y\nfor Z in (1, 2): ...\n",
    "global": "X = 1\ndef f(): ...\ndef change():\n global X, f\n X = 2\n f = len\nchange()\n",
    "property with a setter": "class A:\n @property\n def x(self): return 1\n @x.setter\n def x(self, v): ...\n",
    "cache": "import functools\n@functools.cache\ndef f(): ...\n@functools.wraps(f)\ndef g(): ...\n"
    "class A:\n @functools.cached_property\n def p(self): ...\n @functools.lru_cache\n def q(self): ...\n",
    "generated": "def make(n):\n def f(self): return n\n return f\nclass A:\n f = make(1)\n g = lambda self: 2\n"
    "for n in ('x', 'y'):\n setattr(A, n, make(n))\n",
    "type checking": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n def f(): ...\n X = 1\nelse:\n X = 2\n",
    "star import": "def dumps(): ...\nX = 1\nfrom json import *\n",
    "late import": "def dumps(): ...\nfrom json import dumps\ntry: ...\nexcept ValueError as f: ...\n",
    "metaclass": "class Meta(type):\n def __new__(m, n, b, d):\n  return super().__new__(m, n, b, {**d, 'f': len})\n"
    "class A(metaclass=Meta):\n X = 1\n def f(self): ...\n",
    "init_subclass": "class A:\n def __init_subclass__(cls):\n  cls.__call__ = len\n  setattr(cls, 'f', len)\n"
    "class B(A):\n def f(self): ...\n def __call__(self): ...\n",
    "set_name": "class D:\n def __set_name__(self, owner, name): setattr(owner, name, 1)\nclass A:\n x = D()\n",
    "counter on a class": "class A:\n count = 0\n def add(self): type(self).count += 1\nA().add()\n",
    "patched by its own source": "import sys\ndef f(): ...\nX = 1\ndef g(): ...\nglobals()['f'] = g\n"
    "globals().update(X=2)\n",
    "setattr by name": "import sys\ndef f(): ...\ndef g(): ...\nX = 1\nme = sys.modules[__name__]\n"
    "setattr(me, 'f', g)\nme.X = 2\n",
    "match and walrus": "X = 1\nmatch 3:\n case X: ...\nY = 1\n(Y := 2)\ndef f(): ...\nmatch []:\n case [*f]: ...\n",
    "type parameters of names": "class A:\n __x = 1\n def __f(self): ...\n class _B:\n  def __g(self): ...\n",
    "constants": "A = 1\nB = -1.5\nC = 'x'\nD = (1, (2.0, None))\nE = ...\nF: int = 3\nG = 1e400\nH = [1]\nI = 2j\n",
}


@pytest.mark.parametrize("source", QUIET.values(), ids=QUIET.keys())
def test_ordinary_code_raises_no_alarm(site: Site, source: str) -> None:
    site.write({"pipe.py": source})
    importlib.import_module("pipe")
    assert found("pipe") == []
    assert found("pipe", thorough=True) == []


def test_patch_in_other_first_party_source_is_code(site: Site) -> None:
    site.write(
        {
            "pipe/__init__.py": "",
            "pipe/one.py": "def f(): ...\ndef g(): ...\nX = 1",
            "pipe/two.py": "import pipe.one\ndef other(): ...\npipe.one.f = other\npipe.one.X += 1",
        }
    )
    importlib.import_module("pipe.two")
    assert found("pipe.two") == []
    importlib.import_module("pipe.one").g = elsewhere
    assert [drift.subject for drift in found("pipe.two")] == ["pipe.one:g"]


def test_reloaded_module_raises_no_alarm(site: Site) -> None:
    site.write({"pipe.py": SOURCE})
    importlib.reload(importlib.import_module("pipe"))
    assert found("pipe", thorough=True) == []


def test_module_reached_through_a_link_raises_no_alarm(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write({"pipe.py": SOURCE})
    known = identity("pipe")
    (tmp_path / "link").symlink_to(site.folder, target_is_directory=True)
    monkeypatch.syspath_prepend(str(tmp_path / "link"))
    importlib.import_module("pipe")
    assert live_drifts(live_shape(known), known.places) == []


@pytest.mark.parametrize(
    "package", ["diamond", "digits_training", "hello_world_demo", "oneml.habitats.habitats", "oneml.habitats.values"]
)
def test_real_packages_raise_no_alarm(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneml.habitats.habitats.code_closure.is_own", lambda _: False)
    names = ModuleFinder().modules_of(package) or [
        f"{package}.{file.stem}"
        for file in Path(str(importlib.import_module(package).__file__)).parent.glob("[a-z]*.py")
    ]
    for name in names:
        importlib.import_module(name)
    closure = reachable_code(names, [package], ModuleFinder())
    known = CodeIdentity(
        habitat="x",
        target="x:y",
        container="x:y",
        python="3.11",
        distribution=None,
        distributions={},
        first_party=(package,),
        modules=closure.modules,
        places=closure.files,
    )
    shape = live_shape(known)
    assert shape["modules"]
    patched_here = {"oneml.habitats.habitats.code_closure:is_own"}
    drifts = live_drifts(shape, known.places, thorough=True)
    assert [drift for drift in drifts if drift.subject not in patched_here] == []


def test_literals_are_told_apart_by_type_and_kept_from_what_can_change() -> None:
    literals = ["1", "1.0", "True", "'1'", "b'1'", "1j", "None", "...", "()", "(1,)", "((1,),)", "('1',)", "-1"]
    digests = [literal_digest(ast.literal_eval(text)) for text in literals]
    assert len(set(digests)) == len(literals)
    assert [literal_digest(value) for value in ([1], {1}, {}, (1, [2]), elsewhere)] == [None] * 5
