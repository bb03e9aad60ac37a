"""What users install: the wheel, with the sources out of reach."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 120


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(project: Path, out: Path) -> Path:
    before = set(out.glob("*.whl"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project, cwd=out)
    (wheel,) = set(out.glob("*.whl")) - before
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("wheels")
    return [build(ROOT, out), build(ROOT / "containers" / "hello-world-demo", out)]


def test_wheel_holds_the_package_its_type_marker_and_its_licence(wheels: list[Path]) -> None:
    names = set(zipfile.ZipFile(wheels[0]).namelist())
    assert "oneml/habitats/py.typed" in names
    assert "oneml/__init__.py" not in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"oneml", "oneml_habitats"}


def test_installed_wheels_run_a_pipeline_with_the_sources_out_of_reach(wheels: list[Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site]
    run(*pip, *wheels, cwd=tmp_path)
    # -S leaves out site-packages with its links to the sources; the libraries are put back by hand, behind the wheels.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    script = (
        "import sys\n"
        f"sys.path[:0] = [{str(site)!r}]\n"
        f"sys.path += {libraries!r}\n"
        "import oneml.habitats\n"
        f"assert oneml.habitats.__file__.startswith({str(site)!r}), oneml.habitats.__file__\n"
        "from oneml.habitats.cli import main\n"
        "sys.argv = ['oneml', 'run-pipeline', 'hello-world-demo', '--json']\n"
        "main()\n"
    )
    out = run(sys.executable, "-S", "-c", script, cwd=tmp_path, ONEML_STORE_URL=(tmp_path / "store").as_uri())
    assert '"succeeded"' in out
