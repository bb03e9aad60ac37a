"""``oneml new``: what it writes runs, passes its tests and the checkers; what it cannot write leaves nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from oneml.habitats.cli.scaffolding import package_files, package_names

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new package, and beside it ``site`` where it is installed."""
    folder = tmp_path_factory.mktemp("new")
    run(folder, "-m", "oneml.habitats", "new", "churn-training")
    package = folder / "churn-training"
    install = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target", "../site")
    run(package, "-m", "pip", "install", *install, ".")
    return package


def run(folder: Path, *arguments: str, **others: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ONEML_", "PYTEST_"))}
    base = folder if folder.name != "churn-training" else folder.parent
    places = {name: str(base / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment | places | {"PYTHONPATH": str(base / "site")} | others,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_pipeline_runs_at_once(package: Path) -> None:
    told = run(package, "-m", "oneml.habitats", "run-pipeline", "churn-training", "--engine", "process")
    assert 'means: {"attic": 29.75, "cellar": 11.5, "kitchen": 21.75}' in told


@pytest.mark.parametrize("alone", [True, False])
def test_its_tests_pass_with_and_without_the_plugins_that_are_installed(package: Path, *, alone: bool) -> None:
    others = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if alone else {}
    assert "3 passed" in run(package, "-m", "pytest", "-p", "no:cacheprovider", **others)


def test_its_image_installs_it_with_the_versions_of_the_driver(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "constraints.txt").write_text(run(package, "-m", "pip", "list", "--format=freeze", "--exclude-editable"))
    steps = re.split(r"\\\n\s+&& ", (package / "Containerfile").read_text())
    (install,) = (step.split() for step in steps if step.startswith("pip install "))
    offline = {"TARGET": "../image", "NO_DEPS": "1", "NO_INDEX": "1", "NO_BUILD_ISOLATION": "0"}
    for name, value in offline.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    run(package, "-m", *install)
    assert (package.parent / "image" / "churn_training" / "pipeline.py").exists()


def test_checkers_find_nothing_in_it(package: Path) -> None:
    run(package, "-m", "ruff", "check", "--no-cache", "--select", "E,F,I,N,UP,B,C4,SIM,RET,ANN", ".")
    run(package, "-m", "ruff", "format", "--no-cache", "--check", ".")
    run(package, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "src", "tests")


def test_nothing_of_the_template_s_names_is_left(package: Path) -> None:
    texts = {path: path.read_text() for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert [path for path, text in texts.items() if "my_pipeline" in text.lower() or "my-pipeline" in text] == []
    assert f"ARG PYTHON={sys.version_info.major}.{sys.version_info.minor}" in texts[package / "Containerfile"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Churn", "can name no package"),
        ("-x", "No such option"),
        ("churn..x", "can name no package"),
        ("9x", "Begin with a letter, and write lower-case letters"),
        ("x" * 65, "can name no package"),
        ("json", "is a name of Python itself, which a package cannot have. Write json-pipeline"),
        ("class", "is a name of Python itself"),
        ("tests", '"tests" is the folder of the tests. Write tests-pipeline.'),
        ("oneml-churn", "Variables that begin with ONEML_ are those of oneml itself. Write churn."),
        ("pytest", 'A package "pytest" can be imported here already'),
        ("probe", 'A habitat "probe" is installed: probe:Probe'),
    ],
)
def test_a_name_that_cannot_be_is_refused(invoke: Invoke, environment: Path, name: str, reason: str) -> None:
    result = invoke("new", name)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert list(environment.iterdir()) == []


def test_what_is_there_is_not_written_over(invoke: Invoke, environment: Path) -> None:
    kept = environment / "deep" / "churn-training" / "kept"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    result = invoke("new", "churn_training", "--into", "deep")
    assert result.exit_code == 2
    assert "deep/churn-training is there already, and no empty folder" in result.stderr
    assert [path.name for path in (environment / "deep").rglob("*")] == ["churn-training", "kept"]


@pytest.mark.parametrize("into", ["file/deep", "/proc"])
def test_a_folder_that_cannot_be_is_told(invoke: Invoke, environment: Path, into: str) -> None:
    (environment / "file").touch()
    result = invoke("new", "churn-training", "--into", into)
    assert result.exit_code == 2
    assert f"{into}/churn-training cannot be written: " in result.stderr
    assert "Name another folder with --into" in result.stderr


@pytest.mark.parametrize("name", ["sensor-client", "clean", "settings", "pipeline", "two-values"])
def test_a_container_has_no_name_that_the_template_uses(name: str) -> None:
    names = package_names(name)
    other = package_names("churn-training")
    theirs = "\n".join(package_files(other).values()).replace(other.container, "")
    assert re.search(rf"\b{names.container}(Settings)?\b", theirs) is None


def test_an_empty_folder_is_filled(invoke: Invoke, environment: Path) -> None:
    (environment / "churn-training").mkdir()
    result = invoke("new", "churn-training")
    assert result.exit_code == 0
    assert "churn-training/src/churn_training/__init__.py" in result.stdout.splitlines()
    assert "pip install -e" in result.stderr
