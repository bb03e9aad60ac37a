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

from oneml.habitats.errors import InvalidDocumentError, InvalidFirstPartyError, NotRebuildableError
from oneml.habitats.habitats.code_difference import differences
from oneml.habitats.habitats.code_document import identity_from_json, identity_to_json
from oneml.habitats.habitats.code_identity import CodeIdentity, code_identity, identity_here
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.source_files import first_party_package
from oneml.habitats.values.json_value import canonical_json, strict_json


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...
    def distribution(self, name: str, version: str = ..., **more: object) -> Path: ...


PACKAGE = {
    "pipe/__init__.py": "from pipe.box import Box",
    "pipe/box.py": "class Box: ...",
    "pipe/deep/mod.py": "x = 1",
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


def driver() -> CodeIdentity:
    return code_identity(loaded("pipe:Box"), habitat=ENTRY)


def changed(expected: CodeIdentity, entry: HabitatEntry = ENTRY) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in differences(expected, identity_here(expected, habitat=entry))]


@pytest.mark.usefixtures("installed")
def test_identity_names_container_python_distributions_and_files() -> None:
    identity = driver()
    assert identity.container == "pipe.box:Box"
    assert identity.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (identity.distribution, identity.version) == ("pipe", "1.2")
    assert identity.distributions["needed"] == "0.1"
    assert "oneml-habitats" in identity.distributions
    assert identity.first_party == ("pipe",)
    assert sorted(identity.files) == ["pipe/__init__.py", "pipe/box.py", "pipe/deep/mod.py"]
    assert identity.problem is None
    identity.check_rebuildable()


@pytest.mark.usefixtures("installed")
def test_unchanged_code_is_the_same_in_another_process_that_imports_none_of_it(tmp_path: Path) -> None:
    document = tmp_path / "code.json"
    document.write_bytes(canonical_json(identity_to_json(driver())))
    script = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
        "from oneml.habitats.habitats.code_document import identity_from_json\n"
        "from oneml.habitats.habitats.code_identity import identity_here\n"
        "from oneml.habitats.habitats.registry import HabitatRegistry\n"
        "expected = identity_from_json(json.load(open(sys.argv[2])))\n"
        "found = identity_here(expected, habitat=HabitatRegistry().entry('pipe'))\n"
        "print(found.digest == expected.digest, 'pipe' in sys.modules)"
    )
    command = [sys.executable, "-c", script, json.dumps(sys.path), str(document)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path)
    assert done.stdout == "True False\n"


@pytest.mark.parametrize(
    ("edit", "difference"),
    [
        (lambda site: (site / "pipe/box.py").write_text("class Box: x = 1"), ("file", "pipe/box.py")),
        (lambda site: (site / "pipe/deep/mod.py").unlink(), ("file", "pipe/deep/mod.py")),
        (lambda site: (site / "pipe/deep/more.py").write_text(""), ("file", "pipe/deep/more.py")),
        (
            lambda site: (site / "needed-0.1.dist-info").rename(site / "needed-0.2.dist-info"),
            ("distribution", "needed"),
        ),
        (lambda site: shutil.rmtree(site / "needed-0.1.dist-info"), ("distribution", "needed")),
        (lambda site: (site / "pipe").rename(site / "away"), ("package", "pipe")),
    ],
)
def test_every_change_is_found_and_named(
    installed: Site, edit: Callable[[Path], object], difference: tuple[str, str]
) -> None:
    expected = driver()
    assert changed(expected) == []
    edit(installed.folder)
    del sys.modules["pipe"]
    assert changed(expected) == [difference]


@pytest.mark.usefixtures("installed")
def test_habitat_name_bound_to_another_container_is_a_difference() -> None:
    assert changed(driver(), ENTRY._replace(target="pipe:Other")) == [("habitat", "pipe")]
    assert changed(driver(), ENTRY._replace(distribution=None)) == [("origin", "pipe")]


def test_what_lies_beside_the_sources_is_no_change(installed: Site) -> None:
    expected = driver()
    installed.write(
        {"pipe/data.txt": "other", "pipe/__pycache__/x.py": "1", "other.py": "2", "pipe/a-b/script.py": "3"}
    )
    installed.distribution("unrelated", "9")
    assert changed(expected) == []


@pytest.mark.usefixtures("installed")
def test_difference_reads_as_a_line_with_both_sides_and_the_place(installed: Site) -> None:
    expected = driver()
    (installed.folder / "pipe/box.py").write_text("class Box: x = 1")
    (installed.folder / "needed-0.1.dist-info").rename(installed.folder / "needed-0.2.dist-info")
    lines = [str(each) for each in differences(expected, identity_here(expected, habitat=ENTRY))]
    assert lines[0] == "distribution needed: 0.1 recorded, 0.2 here"
    before, now = expected.files["pipe/box.py"][:12], driver().files["pipe/box.py"][:12]
    place = installed.folder / "pipe/box.py"
    assert lines[1] == f"file pipe/box.py: sha256 {before} recorded, sha256 {now} here ({place})"


def test_installed_and_editable_forms_have_one_identity(site: Site, tmp_path: Path) -> None:
    site.write(PACKAGE)
    folder = site.distribution("pipe", "1.2", record=["pipe/__init__.py", "pipe/box.py", "pipe/deep/mod.py"])
    wheel = driver()
    (tmp_path / "src").mkdir()
    (site.folder / "pipe").rename(tmp_path / "src" / "pipe")
    site.write({"pipe.pth": str(tmp_path / "src")})
    (folder / "RECORD").write_text("pipe.pth,,\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pipe"]:
        del sys.modules[name]
    sys.path.append(str(tmp_path / "src"))
    try:
        editable = driver()
        assert editable.places["pipe"] == str(tmp_path / "src" / "pipe")
        for name in [name for name in sys.modules if name.partition(".")[0] == "pipe"]:
            del sys.modules[name]
    finally:
        sys.path.remove(str(tmp_path / "src"))
    assert editable.digest == wheel.digest


def test_lone_module_counts_alone(site: Site) -> None:
    site.write({"lone.py": "class Box: ...", "beside.py": ""})
    identity = code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))
    assert sorted(identity.files) == ["lone.py"]
    assert identity.problem is None


def test_regular_package_inside_a_namespace_package_counts_without_its_siblings(site: Site) -> None:
    site.write({"firm/team/__init__.py": "", "firm/team/box.py": "class Box: ...", "firm/other/mod.py": ""})
    identity = code_identity(loaded("firm.team.box:Box"), habitat=HabitatEntry("n", "firm.team.box:Box"))
    assert identity.first_party == ("firm.team",)
    assert sorted(identity.files) == ["firm/team/__init__.py", "firm/team/box.py"]


def test_package_without_any_init_counts_whole(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write({"bare/deep/box.py": "class Box: ...", "bare/mod.py": ""})
    portion = tmp_path / "more" / "bare"
    portion.mkdir(parents=True)
    (portion / "mod.py").write_text("hidden by the first portion")
    (portion / "extra.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "more"))
    sys.path.remove(str(tmp_path / "more"))
    sys.path.append(str(tmp_path / "more"))
    identity = code_identity(loaded("bare.deep.box:Box"), habitat=HabitatEntry("n", "bare.deep.box:Box"))
    assert sorted(identity.files) == ["bare/deep/box.py", "bare/extra.py", "bare/mod.py"]


def test_packages_that_the_container_declares_count_too(site: Site) -> None:
    site.write(
        {"lone.py": "class Box:\n    first_party = ('library.part',)", "library/part.py": "", "library/b.py": ""}
    )
    identity = code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"), first_party=["library.b"])
    assert sorted(identity.files) == ["library/b.py", "library/part.py", "lone.py"]
    assert "library.part" not in sys.modules


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
    site.write({"lone.py": "class Box:\n    first_party = ('oneml.habitats.values', 'oneml.habitats', 'oneml')"})
    identity = code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))
    assert not [file for file in identity.files if file.startswith("oneml/habitats/")]
    assert "oneml-habitats" in identity.distributions


def test_container_of_a_script_cannot_leave_the_process() -> None:
    container = type("Box", (), {"__module__": "__main__"})
    identity = code_identity(container, habitat=HabitatEntry("mine", "__main__:Box", importable=False))
    assert identity.problem == "__main__:Box is defined in a script or an interactive session"
    with pytest.raises(NotRebuildableError) as caught:
        identity.check_rebuildable()
    assert str(caught.value) == (
        'Habitat "mine" cannot leave this process: __main__:Box is defined in a script or an interactive session. '
        'Move it into an importable module, and register it as "module:Name".'
    )


def test_container_that_no_import_finds_cannot_leave_the_process() -> None:
    class Box:
        """A class of this function."""

    identity = code_identity(Box, habitat=HabitatEntry("mine", "x:Box", importable=False))
    assert str(identity.problem).endswith("is defined inside a function")


def test_module_without_a_file_cannot_leave_the_process(site: Site) -> None:
    site.write({"lone.py": "class Box: ..."})
    container = loaded("lone:Box")
    (site.folder / "lone.py").unlink()
    identity = code_identity(container, habitat=HabitatEntry("mine", "lone:Box"))
    assert identity.problem == "the source files of lone cannot be found"


def test_class_that_was_replaced_in_its_module_cannot_leave_the_process(site: Site) -> None:
    site.write({"lone.py": "class Box: ..."})
    container = loaded("lone:Box")
    sys.modules["lone"].Box = int
    identity = code_identity(container, habitat=HabitatEntry("mine", "lone:Box"))
    assert identity.problem == "an import of lone:Box gives something else"


def test_container_that_a_factory_made_is_known_by_the_factory(site: Site) -> None:
    site.write({"made.py": "def make():\n    class Box: ...\n    return Box"})
    container = sys.modules[loaded("made:make").__module__].make()
    identity = code_identity(container, habitat=HabitatEntry("made", "made:make"))
    assert identity.problem is None
    assert (identity.target, identity.container) == ("made:make", "made:make.<locals>.Box")


def test_links_that_lead_upwards_end(site: Site) -> None:
    site.write({"pipe/__init__.py": "class Box: ..."})
    (site.folder / "pipe/again").symlink_to(site.folder / "pipe", target_is_directory=True)
    identity = code_identity(loaded("pipe:Box"), habitat=HabitatEntry("pipe", "pipe:Box"))
    assert sorted(identity.files) == ["pipe/__init__.py"]


def test_first_party_package_of_this_library_is_below_its_namespace() -> None:
    assert first_party_package("oneml.habitats.values.plan") == "oneml.habitats"
    assert first_party_package("json.decoder") == "json"
    assert first_party_package("no_such_module") == "no_such_module"


texts = st.text(st.characters(codec="utf-8"), max_size=12)
tables = st.dictionaries(texts, texts, max_size=4)
identities = st.builds(
    CodeIdentity,
    habitat=texts,
    target=texts,
    container=texts,
    python=texts,
    distribution=st.none() | texts,
    distributions=tables,
    first_party=st.sets(texts, max_size=3).map(lambda names: tuple(sorted(names))),
    files=tables,
    problem=st.none() | texts,
    places=tables,
)


@given(identities)
def test_reading_what_was_written_gives_the_same_identity(identity: CodeIdentity) -> None:
    data = canonical_json(identity_to_json(identity))
    again = identity_from_json(strict_json(data, what="code", limit_bytes=1 << 20))
    assert again == identity
    assert again.digest == identity.digest


@given(identities, identities)
def test_two_identities_differ_exactly_if_their_digests_do(one: CodeIdentity, other: CodeIdentity) -> None:
    assert bool(differences(one, other)) == (one.digest != other.digest) == (one != other)


def test_document_that_is_altered_is_refused(site: Site) -> None:
    site.write({"lone.py": "class Box: ..."})
    document = dict(identity_to_json(code_identity(loaded("lone:Box"), habitat=HabitatEntry("lone", "lone:Box"))))
    for alteration, reason in (
        ({"python": "2.7"}, "its digest is not that of its content"),
        ({"python": 3}, "python is no text"),
        ({"files": []}, "files is no object of texts"),
        ({"files": {"a": 1}}, "files is no object of texts"),
        ({"first_party": "lone"}, "first_party is no list of texts"),
        ({"surplus": 1}, "keys are missing or unknown: surplus"),
        ({"habitat": "\ud800"}, "surrogates not allowed"),
    ):
        with pytest.raises(InvalidDocumentError, match=reason):
            identity_from_json({**document, **alteration})
    document.pop("problem")
    with pytest.raises(InvalidDocumentError, match="keys are missing or unknown: problem"):
        identity_from_json(document)
    with pytest.raises(InvalidDocumentError, match="it is no object"):
        identity_from_json([])
