"""What users install: the wheel, with the sources out of reach."""

import zipfile
from pathlib import Path

import pytest

from wheels import ROOT, build, install, run_installed

RUN = """
from oneml.habitats.cli import main
sys.argv = ['oneml', 'run-pipeline', 'hello-world-demo', '--json']
main()
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("wheels")
    return [build(ROOT, out), build(ROOT / "containers" / "hello-world-demo", out)]


def test_wheel_holds_the_package_its_type_marker_and_its_licence(wheels: list[Path]) -> None:
    names = set(zipfile.ZipFile(wheels[0]).namelist())
    assert "oneml/habitats/py.typed" in names
    assert "oneml/__init__.py" not in names
    assert "oneml/habitats_pytest.py" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"oneml", "oneml_habitats"}


def test_installed_wheels_run_a_pipeline_with_the_sources_out_of_reach(wheels: list[Path], tmp_path: Path) -> None:
    install(wheels, tmp_path / "site")
    store = (tmp_path / "store").as_uri()
    assert '"succeeded"' in run_installed(tmp_path / "site", RUN, cwd=tmp_path, ONEML_STORE_URL=store)
