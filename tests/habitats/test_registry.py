"""Habitats by name: what is listed, what is refused, and what loading says when it fails."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

import pytest

from oneml.habitats import PipelineComponents
from oneml.habitats.errors import (
    BrokenHabitatError,
    DuplicateHabitatError,
    InvalidHabitatNameError,
    NotAHabitatError,
    UnknownHabitatError,
)
from oneml.habitats.habitats.registry import HabitatRegistry

CONTAINER = """
from oneml.habitats import PipelineBuilder, PipelineComponents

class Sound(PipelineComponents):
    def define(self, pipeline: PipelineBuilder) -> None: ...
"""


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...
    def distribution(self, name: str, version: str = ..., **more: object) -> Path: ...


class Live(PipelineComponents):
    """A container of this module."""


def registry_of(site: Site) -> HabitatRegistry:
    return HabitatRegistry(search_path=[str(site.folder)])


def test_listing_is_sorted_repeatable_and_imports_nothing(site: Site) -> None:
    site.write({"bomb.py": "raise SystemExit('imported')"})
    site.distribution("two", habitats={"zebra": "bomb:Z", "ant": "bomb:A"})
    site.distribution("one", "2.1", habitats={"bee": "bomb:B"})
    registry = registry_of(site)
    shown = [(entry.name, entry.origin, entry.target, entry.problem) for entry in registry.entries()]
    assert shown == [
        ("ant", "two 1.0", "bomb:A", None),
        ("bee", "one 2.1", "bomb:B", None),
        ("zebra", "two 1.0", "bomb:Z", None),
    ]
    assert list(registry.entries()) == list(registry.entries())
    assert "bomb" not in sys.modules


def test_listing_does_not_import_the_container_library() -> None:
    script = (
        "import sys\nfrom oneml.habitats.habitats.registry import HabitatRegistry\n"
        "HabitatRegistry().entries()\nprint(sorted({'dependency_injector', 'pydantic', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_entry_point_is_loaded_once(site: Site) -> None:
    site.write({"sound.py": CONTAINER})
    site.distribution("sound", habitats={"sound": "sound:Sound"})
    registry = registry_of(site)
    container = registry.load("sound")
    assert container.__qualname__ == "Sound"
    assert registry.load("sound") is container


def test_factory_is_called_once_even_by_threads(site: Site) -> None:
    text = "calls = []\ndef make():\n    calls.append(1)\n    return type(Sound)('Made', (Sound,), {})\n"
    site.write({"made.py": CONTAINER + text})
    registry = HabitatRegistry(search_path=[])
    registry.register("made", "made:make")
    found: list[type] = []
    threads = [threading.Thread(target=lambda: found.append(registry.load("made"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert sys.modules["made"].calls == [1]


def test_unknown_name_says_what_is_near_and_known(site: Site) -> None:
    site.distribution("demos", habitats={"hello-world-demo": "a:B", "diamond": "a:C"})
    with pytest.raises(UnknownHabitatError) as caught:
        registry_of(site).load("helo-world")
    assert str(caught.value) == (
        'No habitat "helo-world". Known: diamond, hello-world-demo. Did you mean "hello-world-demo"?'
    )


def test_unknown_name_where_nothing_is_installed_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownHabitatError, match=r'No habitat "x"\. None is installed: install a package that'):
        HabitatRegistry(search_path=[str(tmp_path)]).load("x")


def test_one_name_of_two_distributions_is_an_error_when_used_and_others_go_on(site: Site) -> None:
    site.write({"sound.py": CONTAINER})
    site.distribution("one", habitats={"same": "sound:Sound", "other": "sound:Sound"})
    site.distribution("two", habitats={"same": "second:Sound"})
    registry = registry_of(site)
    other, same = registry.entries()
    assert other.problem is None
    assert same.problem == "several habitats have this name: sound:Sound (one 1.0), second:Sound (two 1.0)"
    with pytest.raises(DuplicateHabitatError) as caught:
        registry.load("same")
    assert str(caught.value) == (
        'Several habitats are called "same": sound:Sound (one 1.0), second:Sound (two 1.0). '
        "Uninstall or rename all but one of them."
    )
    assert registry.load("other").__name__ == "Sound"


def test_distribution_that_lies_twice_on_the_path_is_no_duplicate(site: Site, tmp_path: Path) -> None:
    site.distribution("one", habitats={"same": "sound:Sound"})
    second = tmp_path / "again" / "one-0.9.dist-info"
    second.mkdir(parents=True)
    (second / "entry_points.txt").write_text("[oneml.habitats]\nsame = sound:Sound\n")
    registry = HabitatRegistry(search_path=[str(site.folder), str(second.parent)])
    assert [(entry.origin, entry.problem) for entry in registry.entries()] == [("one 1.0", None)]


@pytest.mark.parametrize(
    ("files", "target", "message"),
    [
        (
            {},
            "absent.mod:X",
            "ModuleNotFoundError: No module named 'absent'. Install pkg (again)",
        ),
        (
            {"bad.py": "import no_such_library"},
            "bad:X",
            "Install what provides no_such_library, and let pkg",
        ),
        ({"bad.py": "\n\n1 / 0"}, "bad:X", "importing bad raised ZeroDivisionError: division by zero (bad.py:3)."),
        ({"bad.py": "x = ("}, "bad:X", "importing bad raised SyntaxError: '(' was never closed (bad.py:1)."),
        ({"bad.py": "raise SystemExit(0)"}, "bad:X", "importing bad raised SystemExit: 0 (bad.py:1)."),
        (
            {"bad.py": "Habitat = 1"},
            "bad:Habitt",
            'bad has no "Habitt". Known: Habitat. Did you mean "Habitat"?',
        ),
        ({"bad.py": "class A: ..."}, "bad:A.B", '"A" of module bad has no "B". None is known.'),
        ({"bad.py": "def make(): raise KeyError('k')"}, "bad:make", "calling it raised KeyError: 'k' (bad.py:1)."),
        ({"bad.py": "def make(x): ..."}, "bad:make", "calling it raised TypeError: make() missing 1 required"),
    ],
)
def test_broken_habitat_says_what_failed_and_what_to_do(
    site: Site, files: dict[str, str], target: str, message: str
) -> None:
    site.write(files)
    site.distribution("pkg", "3.2", habitats={"broken": target})
    with pytest.raises(BrokenHabitatError) as caught:
        registry_of(site).load("broken")
    assert str(caught.value).startswith(f'Habitat "broken" ({target}, pkg 3.2) cannot be loaded: ')
    assert message in str(caught.value).replace(f"{site.folder}/", "")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("X = 3", "is an int"),
        ("class X: ...", "is the class thing:X"),
        ("def X(): return 'text'", "returned a str"),
        ("def X(): return dict", "returned the class builtins:dict"),
    ],
)
def test_name_that_leads_to_no_container_is_refused(site: Site, text: str, found: str) -> None:
    site.write({"thing.py": text})
    site.distribution("pkg", habitats={"odd": "thing:X"})
    with pytest.raises(NotAHabitatError) as caught:
        registry_of(site).load("odd")
    assert str(caught.value) == (
        f'Habitat "odd" leads to thing:X, which {found}. '
        "It must be a subclass of PipelineComponents, or a callable without parameters that returns one."
    )


def test_unusable_entry_points_are_problems_and_stop_no_other(site: Site) -> None:
    site.write({"sound.py": CONTAINER})
    site.distribution("pkg", habitats={"Upper": "sound:Sound", "no-attr": "sound", "good": "sound:Sound"})
    (site.distribution("rotten") / "entry_points.txt").write_bytes(b"[oneml.habitats]\n\xff = a:b\n")
    registry = registry_of(site)
    problems = {entry.name: entry.problem for entry in registry.entries()}
    assert problems["good"] is None
    assert problems["no-attr"] == "its entry point is 'sound', which is not of the form \"module:attr\""
    assert "'Upper' is not a name for a habitat" in str(problems["Upper"])
    assert str(problems["rotten"]).startswith("its entry points cannot be read: 'utf-8' codec")
    assert registry.load("good").__name__ == "Sound"
    with pytest.raises(BrokenHabitatError, match=r"Repair or reinstall pkg\."):
        registry.load("no-attr")


@pytest.mark.parametrize("name", ["", "Hello", "-a", ".a", "a b", "a" * 65, "ä", "a\n", "a/b"])
def test_name_outside_the_grammar_is_refused(name: str) -> None:
    with pytest.raises(InvalidHabitatNameError, match="A name has 1 to 64 of a-z 0-9"):
        HabitatRegistry(search_path=[]).register(name, "a:b")


@pytest.mark.parametrize("name", ["a", "0", "hello-world-demo", "a.b_c-d", "a" * 64])
def test_name_of_the_grammar_is_taken(name: str) -> None:
    registry = HabitatRegistry(search_path=[])
    registry.register(name, "a:b")
    assert [entry.name for entry in registry.entries()] == [name]


@pytest.mark.parametrize("target", ["a", "a:", ":b", "a:b:c", "a b:c", "a:1", "a..b:c", ""])
def test_text_that_is_no_target_is_refused_when_it_is_registered(target: str) -> None:
    with pytest.raises(NotAHabitatError, match='is not of the form "module:attr"'):
        HabitatRegistry(search_path=[]).register("name", target)


def test_second_registration_is_refused_unless_it_is_the_same(site: Site) -> None:
    registry = HabitatRegistry(search_path=[])
    registry.register("name", "a:b")
    registry.register("name", "a:b")
    with pytest.raises(DuplicateHabitatError, match=r'"name": a:b \(registered in code\), c:d \(registered in code\)'):
        registry.register("name", "c:d")
    assert [entry.target for entry in registry.entries()] == ["a:b"]


def test_registration_in_code_beside_an_entry_point_of_that_name_is_a_duplicate(site: Site) -> None:
    site.distribution("pkg", habitats={"name": "a:b", "same": "a:b"})
    registry = registry_of(site)
    registry.register("name", "c:d")
    registry.register("same", "a:b")
    assert [entry.problem is None for entry in registry.entries()] == [False, True]


def test_live_class_is_importable_only_where_an_import_finds_it() -> None:
    class Local(PipelineComponents):
        """A container that no import finds."""

    registry = HabitatRegistry(search_path=[])
    registry.register("live", Live)
    registry.register("local", Local)
    registry.register("factory", lambda: Local)
    entries = {entry.name: entry for entry in registry.entries()}
    assert (entries["live"].importable, entries["live"].target) == (True, f"{__name__}:Live")
    assert not entries["local"].importable
    assert not entries["factory"].importable
    assert registry.load("local") is Local
    assert registry.load("factory") is Local


def test_two_live_classes_of_one_qualified_name_are_not_the_same() -> None:
    def made() -> type[PipelineComponents]:
        class Local(PipelineComponents):
            """Another one at each call."""

        return Local

    registry = HabitatRegistry(search_path=[])
    registry.register("local", made())
    with pytest.raises(DuplicateHabitatError):
        registry.register("local", made())
