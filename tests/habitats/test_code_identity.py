"""The identity of code: what counts, what does not, and what a difference says."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.errors import InvalidDocumentError, InvalidFirstPartyError
from oneml.habitats.habitats.code_difference import code_drifts
from oneml.habitats.habitats.code_document import identity_from_json, identity_to_json
from oneml.habitats.habitats.code_here import identity_here
from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.code_recording import code_identity
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.module_code import EVERYTHING, ModuleCode
from oneml.habitats.habitats.source_files import ModuleFinder, first_party_package
from oneml.habitats.values.json_value import canonical_json, strict_json


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...
    def distribution(self, name: str, version: str = ..., **more: object) -> Path: ...


PACKAGE = {
    "pipe/__init__.py": "from pipe.box import Box",
    "pipe/box.py": "class Box:\n    def open(self):\n        import pipe.deep.mod\n",
    "pipe/deep/mod.py": "x = 1",
    "pipe/unreached.py": "x = 1",
    "pipe/data.txt": "no source",
    "pipe/__pycache__/box.py": "no source either",
}


@pytest.fixture
def installed(site: Site) -> Site:
    site.write(PACKAGE)
    site.distribution(
        "pipe", "1.2", habitats={"pipe": "pipe:Box"}, requires=["needed"], record=["pipe/__init__.py", "pipe/box.py"]
    )
    site.distribution("needed", "0.1")
    return site


ENTRY = HabitatEntry("pipe", "pipe:Box", "pipe", "1.2")


def loaded(target: str) -> type:
    module, _, name = target.partition(":")
    found: type = getattr(importlib.import_module(module), name)
    return found


def forget(package: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    importlib.invalidate_caches()


def paths(identity: CodeIdentity) -> list[str]:
    return sorted(code.path for code in identity.modules.values())


def driver() -> CodeIdentity:
    return code_identity(loaded("pipe:Box"), habitat=ENTRY)


def changed(expected: CodeIdentity, entry: HabitatEntry = ENTRY) -> list[tuple[str, str]]:
    refused, allowed = code_drifts(expected, identity_here(expected, habitat=entry))
    assert not allowed
    return [(each.kind, each.subject) for each in refused]


@pytest.mark.usefixtures("installed")
def test_identity_names_container_python_distributions_and_files() -> None:
    identity = driver()
    assert identity.container == "pipe.box:Box"
    assert identity.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (identity.distribution, identity.version) == ("pipe", "1.2")
    assert identity.distributions["needed"] == "0.1"
    assert "oneml-habitats" in identity.distributions
    assert identity.first_party == ("pipe",)
    assert {name: code.path for name, code in identity.modules.items()} == {
        "pipe": "pipe/__init__.py",
        "pipe.box": "pipe/box.py",
        "pipe.deep.mod": "pipe/deep/mod.py",
    }
    assert identity.absent == ("pipe.deep",)
    assert identity.unproven == ()


@pytest.mark.usefixtures("installed")
def test_unchanged_code_is_the_same_in_another_process_that_imports_none_of_it(tmp_path: Path) -> None:
    document = tmp_path / "code.json"
    document.write_bytes(canonical_json(identity_to_json(driver())))
    script = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
        "from oneml.habitats.habitats.code_document import identity_from_json\n"
        "from oneml.habitats.habitats.code_here import identity_here\n"
        "from oneml.habitats.habitats.registry import HabitatRegistry\n"
        "expected = identity_from_json(json.load(open(sys.argv[2])))\n"
        "found = identity_here(expected, habitat=HabitatRegistry().entry('pipe'))\n"
        "unwanted = {'pipe', 'oneml.habitats.habitats.syntax_tree', 'difflib', 'importlib.metadata'}\n"
        "print(found == expected, found.digest == expected.digest, *sorted(unwanted & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, json.dumps(sys.path), str(document)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
    assert done.stdout == "True True\n"


@pytest.mark.parametrize(
    ("edit", "difference"),
    [
        (lambda site: (site / "pipe/box.py").write_text("class Box: x = 1"), ("code", "pipe.box")),
        (lambda site: (site / "pipe/deep/mod.py").unlink(), ("code", "pipe.deep.mod")),
        (lambda site: (site / "pipe/deep/__init__.py").write_text(""), ("code", "pipe.deep")),
        (
            lambda site: (site / "needed-0.1.dist-info").rename(site / "needed-0.2.dist-info"),
            ("distribution", "needed"),
        ),
        (lambda site: shutil.rmtree(site / "needed-0.1.dist-info"), ("distribution", "needed")),
        (lambda site: (site / "pipe").rename(site / "away"), ("code", "pipe")),
    ],
)
def test_every_change_is_found_and_named(
    installed: Site, edit: Callable[[Path], object], difference: tuple[str, str]
) -> None:
    expected = driver()
    assert changed(expected) == []
    edit(installed.folder)
    forget("pipe")
    assert changed(expected) == [difference]


@pytest.mark.usefixtures("installed")
def test_habitat_name_bound_to_another_container_is_a_difference() -> None:
    assert changed(driver(), ENTRY._replace(target="pipe:Other")) == [("habitat", "pipe")]
    assert changed(driver(), ENTRY._replace(distribution=None)) == [("habitat", "pipe")]


def test_what_lies_beside_the_sources_is_no_change(installed: Site) -> None:
    expected = driver()
    installed.write(
        {"pipe/data.txt": "other", "pipe/unreached.py": "1", "other.py": "2", "pipe/new.py": "3", "pipe/box.pyi": ""}
    )
    installed.distribution("unrelated", "9")
    assert changed(expected) == []


@pytest.mark.usefixtures("installed")
def test_difference_reads_as_a_line_with_both_sides_and_the_place(installed: Site) -> None:
    expected = driver()
    (installed.folder / "pipe/box.py").write_text("class Box: x = 1")
    (installed.folder / "needed-0.1.dist-info").rename(installed.folder / "needed-0.2.dist-info")
    refused, _ = code_drifts(expected, identity_here(expected, habitat=ENTRY))
    before, now = expected.modules["pipe.box"].tree[:12], driver().modules["pipe.box"].tree[:12]
    place = installed.folder / "pipe/box.py"
    assert [str(each) for each in refused] == [
        f"code pipe.box, source: sha256 {before} (pipe/box.py) recorded, sha256 {now} ({place}) here",
        "distribution needed, version: 0.1 recorded, 0.2 here. Install needed==0.1.",
    ]


def test_installed_and_editable_forms_have_one_identity(site: Site, tmp_path: Path) -> None:
    site.write(PACKAGE)
    folder = site.distribution("pipe", "1.2", record=["pipe/__init__.py", "pipe/box.py", "pipe/deep/mod.py"])
    wheel = driver()
    (tmp_path / "src").mkdir()
    (site.folder / "pipe").rename(tmp_path / "src" / "pipe")
    site.write({"pipe.pth": str(tmp_path / "src")})
    (folder / "RECORD").write_text("pipe.pth,,\n")
    forget("pipe")
    sys.path.append(str(tmp_path / "src"))
    try:
        editable = driver()
        assert editable.places["pipe"] == str(tmp_path / "src/pipe/__init__.py")
        forget("pipe")
    finally:
        sys.path.remove(str(tmp_path / "src"))
    assert editable.digest == wheel.digest


def test_lone_module_counts_alone(site: Site) -> None:
    site.write({"lone.py": "class Box: ...", "beside.py": ""})
    identity = code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))
    assert paths(identity) == ["lone.py"]
    assert identity.unproven == ()


def test_regular_package_inside_a_namespace_package_counts_without_its_siblings(site: Site) -> None:
    site.write({"firm/team/__init__.py": "", "firm/team/box.py": "class Box: ...", "firm/other/mod.py": ""})
    identity = code_identity(loaded("firm.team.box:Box"), habitat=HabitatEntry("n", "firm.team.box:Box"))
    assert identity.first_party == ("firm.team",)
    assert paths(identity) == ["firm/team/__init__.py", "firm/team/box.py"]


def test_package_without_any_init_counts_from_all_its_folders(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write({"bare/deep/box.py": "import bare.extra\nfrom .. import mod\nclass Box: ...", "bare/mod.py": ""})
    portion = tmp_path / "more" / "bare"
    portion.mkdir(parents=True)
    (portion / "mod.py").write_text("hidden by the first portion")
    (portion / "extra.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "more"))
    sys.path.remove(str(tmp_path / "more"))
    sys.path.append(str(tmp_path / "more"))
    identity = code_identity(loaded("bare.deep.box:Box"), habitat=HabitatEntry("n", "bare.deep.box:Box"))
    assert identity.absent == ("bare", "bare.deep")
    assert paths(identity) == ["bare/deep/box.py", "bare/extra.py", "bare/mod.py"]


def test_packages_that_the_container_declares_count_too(site: Site) -> None:
    site.write(
        {
            "lone.py": "def late():\n    import library.b, library.c\nclass Box:\n    first_party = ('library.part',)",
            "library/part.py": "",
            "library/b.py": "",
            "library/c.py": "",
        }
    )
    identity = code_identity(
        loaded("lone:Box"),
        habitat=HabitatEntry("lone", "lone:Box"),
        roots=["library.part", "json"],
        first_party=["library.b"],
    )
    assert paths(identity) == ["library/b.py", "library/part.py", "lone.py"]
    assert "library.part" not in sys.modules


def test_the_module_of_the_container_counts_also_where_it_is_named_as_a_root(site: Site) -> None:
    site.write({"lone.py": "class Box: pass"})
    identity = code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"), roots=["lone"])
    assert identity.first_party == ("lone",)
    assert paths(identity) == ["lone.py"]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ('"library"', "'library' is no tuple of names"),
        ('("libary",)', "libary has no source files that can be found here"),
        ("(3,)", "3 is no import name"),
        ('("a-b",)', "'a-b' is no import name"),
        ('("sys",)', "sys has no source files that can be found here"),
    ],
)
def test_unusable_declaration_of_first_party_is_refused(site: Site, declared: str, message: str) -> None:
    site.write({"lone.py": f"class Box:\n    first_party = {declared}", "library/part.py": ""})
    with pytest.raises(InvalidFirstPartyError) as caught:
        code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))
    assert str(caught.value).startswith(f"lone:Box declares first_party, but {message}. Name importable packages")


def test_this_package_counts_by_its_version_alone(site: Site) -> None:
    site.write(
        {
            "lone.py": "import oneml.habitats\nclass Box:\n"
            "    first_party = ('oneml.habitats.values', 'oneml.habitats', 'oneml')"
        }
    )
    identity = code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))
    assert paths(identity) == ["lone.py"]
    assert "oneml-habitats" in identity.distributions


def test_container_of_a_script_cannot_leave_the_process() -> None:
    container = type("Box", (), {"__module__": "__main__"})
    identity = code_identity(container, habitat=HabitatEntry("mine", "__main__:Box", importable=False))
    assert identity.unproven == ("__main__:Box is defined in a script or an interactive session",)


def test_container_that_no_import_finds_cannot_leave_the_process() -> None:
    class Box:
        """A class of this function."""

    identity = code_identity(Box, habitat=HabitatEntry("mine", "x:Box", importable=False))
    assert identity.unproven[0].endswith("is defined inside a function")


def test_module_without_a_file_cannot_leave_the_process(site: Site) -> None:
    site.write({"lone.py": "class Box: ..."})
    container = loaded("lone:Box")
    (site.folder / "lone.py").unlink()
    identity = code_identity(container, habitat=HabitatEntry("mine", "lone:Box"))
    assert identity.unproven == ("the source files of lone cannot be found",)


def test_class_that_was_replaced_in_its_module_cannot_leave_the_process(site: Site) -> None:
    site.write({"lone.py": "class Box: ..."})
    container = loaded("lone:Box")
    sys.modules["lone"].Box = int
    identity = code_identity(container, habitat=HabitatEntry("mine", "lone:Box"))
    assert identity.unproven == ("an import of lone:Box gives something else",)


def test_container_that_a_factory_made_is_known_by_the_factory(site: Site) -> None:
    site.write({"made.py": "def make():\n    class Box: ...\n    return Box"})
    container = sys.modules[loaded("made:make").__module__].make()
    identity = code_identity(container, habitat=HabitatEntry("made", "made:make"))
    assert identity.unproven == ()
    assert (identity.target, identity.container) == ("made:make", "made:make.<locals>.Box")


def test_links_that_lead_upwards_end(site: Site) -> None:
    site.write({"pipe/__init__.py": "class Box: ..."})
    (site.folder / "pipe/again").symlink_to(site.folder / "pipe", target_is_directory=True)
    identity = code_identity(loaded("pipe:Box"), habitat=HabitatEntry("pipe", "pipe:Box"))
    assert paths(identity) == ["pipe/__init__.py"]


def test_first_party_package_of_this_library_is_below_its_namespace() -> None:
    assert first_party_package("oneml.habitats.values.plan", ModuleFinder()) == "oneml.habitats"
    assert first_party_package("json.decoder", ModuleFinder()) == "json"
    assert first_party_package("no_such_module", ModuleFinder()) == "no_such_module"


texts = st.text(st.characters(codec="utf-8"), max_size=12)
tables = st.dictionaries(texts, texts, max_size=4)


@st.composite
def identities(draw: st.DrawFn) -> CodeIdentity:
    names = draw(st.lists(texts.filter(lambda name: name != EVERYTHING), max_size=5, unique=True))
    absent = sorted(names[3:])
    known = [*names, EVERYTHING]
    modules = {
        name: ModuleCode(name, *draw(st.tuples(texts, texts, texts)), tuple(draw(st.lists(st.sampled_from(known)))))
        for name in sorted(names[:3])
    }
    return CodeIdentity(
        habitat=draw(texts),
        target=draw(texts),
        container=draw(texts),
        python=draw(texts),
        distribution=draw(st.none() | texts),
        distributions=draw(tables),
        first_party=tuple(draw(st.lists(texts, max_size=3))),
        modules=modules,
        package_data=tuple(draw(st.lists(texts, max_size=2))),
        data=draw(tables),
        absent=tuple(absent),
        unproven=tuple(draw(st.lists(texts, max_size=2))),
        places=draw(tables),
    )


@given(identities())
def test_reading_what_was_written_gives_the_same_identity(identity: CodeIdentity) -> None:
    data = canonical_json(identity_to_json(identity))
    again = identity_from_json(strict_json(data, what="code", limit_bytes=1 << 20))
    assert again == identity
    assert again.digest == identity.digest


def test_document_that_is_altered_is_refused(site: Site) -> None:
    site.write({"lone.py": "class Box: ..."})
    document = dict(identity_to_json(code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))))
    for alteration, reason in (
        ({"habitat": "other"}, "its digest is not that of its content"),
        ({"python": 3}, "python is no text"),
        ({"data": []}, "data is no object of texts"),
        ({"data": {"a": 1}}, "data is no object of texts"),
        ({"first_party": "lone"}, "first_party is no list of texts"),
        ({"surplus": 1}, "keys are missing or unknown: surplus"),
        ({"habitat": "\ud800"}, "surrogates not allowed"),
        ({"modules": {}}, "modules is no list"),
        ({"modules": [["a", "b"]]}, "a module is no list of name"),
        ({"modules": [["a", "b", "c", 1, []]]}, "a module is no list of name"),
        ({"modules": [["a", "b", "c", "d", ["a"]]]}, "the imports of a are no list of numbers"),
        ({"modules": [["a", "b", "c", "d", [True]]]}, "the imports of a are no list of numbers"),
        ({"modules": [["a", "b", "c", "d", [7]]]}, "the imports of a name no modules"),
        ({"modules": [["a", "b", "c", "d", [-2]]]}, "the imports of a name no modules"),
        ({"modules": [["a", "b", "c", "d", []]] * 2}, "a module is given twice"),
    ):
        with pytest.raises(InvalidDocumentError, match=reason):
            identity_from_json({**document, **alteration})
    document.pop("unproven")
    with pytest.raises(InvalidDocumentError, match="keys are missing or unknown: unproven"):
        identity_from_json(document)
    with pytest.raises(InvalidDocumentError, match="it is no object"):
        identity_from_json([])
