"""The ports as a user has them: installed, found by their entry points, checked, and run in worker processes."""

import re
import tomllib
from pathlib import Path

import pytest

from installed_site import Site

HERE = Path(__file__).parent
HABITATS = {
    name: project
    for project in ("layouts", "marketing", "spaceflights")
    for name in tomllib.loads((HERE / project / "pyproject.toml").read_text())["project"]["entry-points"][
        "oneml.habitats"
    ]
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("ports"))
    for name in dict.fromkeys(HABITATS.values()):
        project = tomllib.loads((HERE / name / "pyproject.toml").read_text())["project"]
        site.install(
            name,
            project["version"],
            files=HERE / name / "src",
            packages=[name],
            habitats=project["entry-points"]["oneml.habitats"],
            requires=project["dependencies"],
        )
    return site


def test_nothing_is_wrong_with_any_of_them(site: Site) -> None:
    checked = site.run("check", *HABITATS)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    found = dict(re.findall(r"^(\S+): (\d+) nodes?, no problem found$", checked.stdout, flags=re.MULTILINE))
    assert found.keys() == HABITATS.keys()
    assert (found["spaceflights"], found["users-by-region"], found["marketing-spend"]) == ("13", "14", "9")


def test_included_pipelines_run_in_a_worker_that_is_told_names_alone(site: Site) -> None:
    options = ("--engine", "process", "--workers", "1", "--set", "//candidate_modelling:test_size=0.5", "--quiet")
    done = site.run("run-pipeline", "spaceflights", *options, SPACEFLIGHTS_MODEL_MODEL="linear")
    assert done.returncode == 0, done.stderr
    assert "13 succeeded" in done.stdout
    assert '"best": "active"' in done.stdout
