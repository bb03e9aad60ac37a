"""Wheels of this project, and interpreters that see only what was installed from them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def install(wheels: Sequence[Path], site: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site]
    run(*pip, *wheels, cwd=site.parent)


def run_installed(site: Path, script: str, *arguments: str, cwd: Path, **environment: str) -> str:
    """Run a script with the sources out of reach.

    ``-S`` leaves out site-packages with its links to the sources; the libraries are put back, behind the wheels.
    """
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    head = (
        "import sys\n"
        f"sys.path[:0] = [{str(site)!r}]\n"
        f"sys.path += {libraries!r}\n"
        "import oneml.habitats\n"
        f"assert oneml.habitats.__file__.startswith({str(site)!r}), oneml.habitats.__file__\n"
    )
    return run(sys.executable, "-S", "-c", head + script, *arguments, cwd=cwd, **environment)
