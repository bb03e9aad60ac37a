"""What users install: the wheel, with the sources out of reach."""

import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from wheels import ROOT, build, install, run_installed

RUN = """
from oneml.habitats.cli import main
sys.argv = ['oneml', 'run-pipeline', 'hello-world-demo', '--json']
main()
"""


PYTEST = "pytest11"
RUN_PYTEST = """
import pytest
sys.exit(pytest.main(["-p", "no:cacheprovider", "test_hello.py"]))
"""
TEST = """
def test_hello(new_session):
    session = new_session("hello-world-demo", settings={"greeting": "Salut"}, engine="process")
    assert session.run().succeeded
    assert session.outputs() == {"text": "SALUT, WORLD!"}
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("wheels")
    projects = (ROOT, ROOT / "containers" / "hello-world-demo", ROOT / "pytest-plugin")
    return [build(project, out) for project in projects]


def test_wheel_holds_the_package_its_type_marker_and_its_licence(wheels: list[Path]) -> None:
    names = set(zipfile.ZipFile(wheels[0]).namelist())
    assert "oneml/habitats/py.typed" in names
    assert "oneml/__init__.py" not in names
    assert "oneml/habitats_pytest.py" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"oneml", "oneml_habitats"}


def test_pytest_lists_no_more_than_the_metadata_of_a_distribution_of_its_own(
    wheels: list[Path], tmp_path: Path
) -> None:
    install(wheels, tmp_path / "site")
    found = distributions(path=[str(tmp_path / "site")])
    plugins = [each for each in found if each.entry_points.select(group=PYTEST)]
    assert [each.name for each in plugins] == ["pytest-oneml-habitats"]
    assert [entry.value for entry in plugins[0].entry_points] == ["oneml.habitats_pytest"]
    files = plugins[0].files or []
    assert 4 <= len(files) < 10
    assert {file.parent.suffix for file in files} == {".dist-info"}


def test_installed_plugin_gives_its_fixtures_with_the_sources_out_of_reach(wheels: list[Path], tmp_path: Path) -> None:
    install(wheels, tmp_path / "site")
    (tmp_path / "test_hello.py").write_text(TEST)
    assert "1 passed" in run_installed(tmp_path / "site", RUN_PYTEST, cwd=tmp_path)


def test_installed_wheels_run_a_pipeline_with_the_sources_out_of_reach(wheels: list[Path], tmp_path: Path) -> None:
    install(wheels, tmp_path / "site")
    store = (tmp_path / "store").as_uri()
    assert '"succeeded"' in run_installed(tmp_path / "site", RUN, cwd=tmp_path, ONEML_STORE_URL=store)
