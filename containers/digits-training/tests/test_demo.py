"""What `make demo` runs."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

DEMO = Path(__file__).parents[1] / "demo"


def test_demo_prints_the_accuracy_writes_the_report_and_runs_one_node_alone(tmp_path: Path) -> None:
    hidden = ("ONEML_", "DIGITS_", "XDG_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), environment["PATH"]])
    environment |= {"HOME": str(tmp_path), "ONEML_STORE_URL": (tmp_path / "store").as_uri()}
    done = subprocess.run([DEMO], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^accuracy: 0\.9\d*$", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^//load +succeeded", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^//split +pending", done.stdout, flags=re.MULTILINE)
    report = tmp_path / "build" / "digits-report"
    assert f"report:   {report / 'report.txt'}" in done.stdout
    assert (report / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert (report / "table.parquet").read_bytes().startswith(b"PAR1")
    assert (report / "report.txt").read_text().startswith("accuracy 0.9")
