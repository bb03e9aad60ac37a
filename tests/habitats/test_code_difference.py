"""What a difference of code says: which definition, both texts, both places; and what a tolerance lets pass."""

import hashlib
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytest

from oneml.habitats.habitats.code_difference import code_drifts, is_compatible
from oneml.habitats.habitats.code_here import identity_here
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.code_outline import OutlineRow, outline_of, rows_of
from oneml.habitats.habitats.code_recording import code_identity
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.values.json_value import JsonObject, canonical_json


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...


ENTRY = HabitatEntry("pipe", "pipe:Box")

SOURCE = '''"""A pipeline."""
import functools
RATE = 0.1
def twice(function):
    @functools.wraps(function)
    def inner(*args):
        return function(function(*args))
    return inner
class Base:
    width: int = 3
    def run(self):
        """Say why."""
        if self.width > 2:
            return 1
        return 2
class Box(Base):
    @twice
    def __call__(self, x, y=1):
        return x + y
'''


def recorded(site: Site, source: str = SOURCE) -> tuple[CodeIdentity, JsonObject]:
    site.write({"pipe.py": source})
    identity = code_identity(importlib.import_module("pipe").Box, habitat=ENTRY)
    outline: JsonObject = json.loads(canonical_json(outline_of(identity, str)))
    return identity, outline


def outlined(source: bytes) -> Sequence[OutlineRow]:
    return rows_of(hashlib.sha256(source).hexdigest(), source)


EDITS = {
    "body": ("return x + y", "return x - y", "pipe:Box.__call__", "body", 19),
    "body of a base class": ("return 2", "return 3", "pipe:Base.run", "body", 15),
    "condition": ("self.width > 2", "self.width > 1", "pipe:Base.run", "body", 13),
    "inside a decorator": ("function(function(*args))", "function(*args)", "pipe:twice.<locals>.inner", "body", 7),
    "constant": ("RATE = 0.1", "RATE = 0.2", "pipe:RATE", "constant", 3),
    "attribute": ("width: int = 3", "width: int = 4", "pipe:Base.width", "attribute", 10),
    "default": ("y=1", "y=2", "pipe:Box.__call__", "default", 18),
    "signature": ("x, y=1", "z, y=1", "pipe:Box.__call__", "signature", 18),
    "decorator": ("@twice", "@functools.cache", "pipe:Box.__call__", "decorator", 17),
    "base class": ("Box(Base)", "Box(Base, object)", "pipe:Box", "base class", 16),
    "import": ("import functools", "import functools as functools, json", "pipe", "statement", 2),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_changed_definition_is_named_with_both_texts_and_places(
    site: Site, edit: tuple[str, str, str, str, int]
) -> None:
    before, now, subject, field, line = edit
    expected, outline = recorded(site)
    site.write({"pipe.py": "# one line more\n" + SOURCE.replace(before, now)})
    (drift,) = code_drifts(expected, identity_here(expected, habitat=ENTRY), outline=outline).refused
    assert (drift.kind, drift.subject, drift.field) == ("code", subject, field)
    assert drift.expected is not None
    assert drift.expected.replace(before, now) == drift.found
    assert (drift.expected_source, drift.found_source) == (f"pipe.py:{line}", f"{site.folder}/pipe.py:{line + 1}")


def test_definitions_that_appeared_or_went_are_named(site: Site) -> None:
    expected, outline = recorded(site)
    site.write({"pipe.py": SOURCE.replace("RATE = 0.1\n", "") + "def new(): ...\n"})
    refused = code_drifts(expected, identity_here(expected, habitat=ENTRY), outline=outline).refused
    told = [(drift.subject, drift.field, drift.expected, drift.found) for drift in refused]
    assert told == [
        ("pipe:RATE", "constant", "RATE = 0.1", None),
        ("pipe:new", "signature", None, "def new():"),
        ("pipe:new", "body", None, "..."),
    ]


@pytest.mark.parametrize("outline", [{}, {"modules": []}, {"modules": {"pipe": [["x", 1]]}}, None])
def test_without_an_outline_the_file_is_named(site: Site, outline: JsonObject | None) -> None:
    expected, _ = recorded(site)
    site.write({"pipe.py": SOURCE + "X = 1"})
    (drift,) = code_drifts(expected, identity_here(expected, habitat=ENTRY), outline=outline).refused
    assert (drift.subject, drift.field, drift.expected_source) == ("pipe", "source", "pipe.py")


def test_most_telling_difference_comes_first_and_tolerances_move_the_last_ones(site: Site) -> None:
    expected, _ = recorded(site)
    site.write({"pipe.py": SOURCE + "X = 1"})
    here = identity_here(expected, habitat=ENTRY._replace(target="pipe:Other"))
    changes = {"python": "3.99", "distributions": {"lib": "1.2", "gone": "1", "old": "2"}, "data": {"pipe/a": "0" * 64}}
    found = changed_copy(here, **changes)
    expected = changed_copy(expected, distributions={"lib": "1.1", "gone": "2", "old": "2"})
    strict = code_drifts(expected, found)
    assert [drift.kind for drift in strict.refused] == ["habitat", "code", "data", *["distribution"] * 2, "python"]
    assert strict.allowed == []
    lax = code_drifts(expected, found, packages="compatible", python="compatible")
    assert [drift.subject for drift in lax.refused] == ["pipe", "pipe", "pipe/a", "gone"]
    assert [drift.subject for drift in lax.allowed] == ["lib", "interpreter"]


def changed_copy(identity: CodeIdentity, **changes: object) -> CodeIdentity:
    names = ("habitat", "target", "container", "python", "distribution", "distributions", "first_party", "modules")
    return CodeIdentity(**{**{name: getattr(identity, name) for name in names}, **changes})


@pytest.mark.parametrize(
    ("recorded_version", "here", "fits"),
    [
        ("1.2", "1.2", True),
        ("1.2", "1.3", True),
        ("1.2", "1.2.0", True),
        ("1.2", "1.1.9", False),
        ("1.2", "2.0", False),
        ("0.2.1", "0.2.2", True),
        ("0.2.1", "0.3.0", False),
        ("1.2", "1.2rc1", False),
        ("1.2rc1", "1.2", True),
        ("1.2a1", "1.2.dev3", False),
        ("1.2.dev3", "1.2a1", True),
        ("1.2", "1.2.post1", True),
        ("1.2.post2", "1.2.post1", False),
        ("1.2", "1.2+local.1", True),
        ("1.2", "1!1.2", False),
        ("1.10", "1.9", False),
        ("v1.2", "1.2", True),
        ("strange", "strange", True),
        ("strange", "stranger", False),
        ("1.2", None, False),
        (None, "1.2", False),
    ],
)
def test_compatible_versions(recorded_version: str | None, here: str | None, fits: bool) -> None:
    assert is_compatible(recorded_version, here) is fits


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("password = 'canary'", "password = '***'"),
        ("API_KEY: str = 'canary'", "API_KEY: str = '***'"),
        ("x = SecretStr('canary')", "x = SecretStr('***')"),
        ("x = pydantic.SecretBytes(b'canary')", "x = pydantic.SecretBytes('***')"),
        ("x = Secret[str](value='canary')", "x = Secret[str](value='***')"),
        ("connect(host='h', token=f'canary{1}')", "connect(host='h', token='***')"),
        ("os.environ['MY_TOKEN'] = 'canary'", "os.environ['MY_TOKEN'] = '***'"),
        ("x = {'password': 'canary', 'name': 'n'}", "x = {'password': '***', 'name': 'n'}"),
        ("self.secret, y = 'canary', 'é'", "self.secret, y = '***', '***'"),
        ("if given == credentials and token == 'canary': pass", "if given == credentials and token == '***':"),
        ("def f(a, /, password='canary', *, key=('canary',)): ...", "def f(a, /, password='***', *, key=('***',)):"),
        ("with login(token='canary') as x: ...", "with login(token='***') as x:"),
        ("x = 'é'; y = call('a',\n   'b')", "x = 'é'"),
    ],
)
def test_what_sounds_like_a_secret_is_masked(source: str, shown: str) -> None:
    rows = outlined(source.encode())
    assert rows[0].text == shown
    assert not any("canary" in row.text for row in rows)


def test_other_secrets_are_masked_before_texts_are_cut(site: Site) -> None:
    site.write({"pipe.py": f"{'x' * 150} = 'hunter2 hunter2'\nclass Box: ..."})
    identity = code_identity(importlib.import_module("pipe").Box, habitat=ENTRY)
    text = canonical_json(outline_of(identity, lambda text: text.replace("hunter2", "***")))
    assert b"hunter" not in text
    outline: JsonObject = json.loads(text)
    site.write({"pipe.py": "y = 'hunter2'\nclass Box: ..."})
    found = identity_here(identity, habitat=ENTRY)
    drifts = code_drifts(identity, found, outline=outline, mask=lambda text: text.replace("hunter2", "***")).refused
    assert "hunter" not in str(drifts)


def test_outline_of_every_kind_of_statement() -> None:
    rows = outlined((Path(__file__).parent / "corpus" / "every_kind.txt").read_bytes())
    texts = [row.text for row in rows]
    for text in (
        "if a:",
        "for a, *b in c:",
        "with a, b as c, (d), f as (g, h):",
        "try:",
        "except (C, D) as e:",
        "case [a, *_, b] | (c, *rest):",
        "match subject:",
        "async with a as b, c:",
        "class Class(Base, Generic[T], metaclass=Meta, **more):",
        "@decorator.with_arguments(1, key=2)",
        "def function(a, /, b: int, c=1, *args: str, d, e: float = 2.0, **kwargs: object) -> tuple[int, ...]:",
    ):
        assert text in texts
