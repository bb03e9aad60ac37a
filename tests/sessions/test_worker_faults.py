"""What a worker or a driver does when the world is not as it was: whole commands, in processes of their own."""

import json
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from forked import Forks
from installed_site import Site

IMPORTABLE = Path(__file__).parent / "importable"

HABITATS = {name: f"session_pipelines:{name.capitalize()}" for name in ("arithmetic", "troubled", "sleepy")}


@pytest.fixture
def site(tmp_path: Path, forks: Forks) -> Site:
    site = Site(tmp_path, forks=forks)
    site.install("session-pipelines", files=IMPORTABLE, packages=["session_pipelines.py"], habitats=HABITATS)
    return site


def test_a_variable_that_a_secret_refers_to_is_missing_on_the_worker(site: Site) -> None:
    session_id = site.create("troubled", TROUBLE_TOKEN="s3cr3t-canary")
    refused = site.work("troubled", session_id, "//bad")
    assert refused.returncode == 3
    assert "TROUBLE_TOKEN" in refused.stderr
    assert "s3cr3t" not in refused.stderr + refused.stdout
    assert site.work("troubled", session_id, "//bad", TROUBLE_TOKEN="s3cr3t-canary").returncode == 0


def test_a_secret_that_cannot_be_resolved_is_refused_before_the_body(site: Site) -> None:
    secrets = site.folder / "secrets"
    secrets.mkdir()
    (secrets / "token").write_text("s3cr3t-canary")
    variables = {"ONEML_SECRETS_DIR": str(secrets)}
    session_id = site.create("troubled", "--set", "token=file:token", "--set", "kind=raise", **variables)
    (secrets / "token").unlink()
    refused = site.work("troubled", session_id, "//bad", **variables)
    assert refused.returncode == 3
    assert "token" in refused.stderr
    assert site.states(session_id)["//bad"] == "pending"


def test_a_variable_that_feeds_a_setting_differs_and_the_recipe_wins(site: Site) -> None:
    session_id = site.create("arithmetic", ARITH_START="5")
    for variables in ({"ARITH_START": "7"}, {}):
        worked = site.work("arithmetic", session_id, "//start", **variables)
        assert worked.returncode == 0
        if "already" not in worked.stderr:
            assert "ARITH_START" in worked.stderr
            assert "5" in worked.stderr
    assert site.run("output", session_id, "//start").stdout == "5\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return value * factor + self.offset", "return value * factor - self.offset"),
        ("start: int = 2", "start: int = 3"),
        ("total = providers.Factory(Sum)", "total = providers.Singleton(Sum)"),
    ],
)
def test_changed_code_is_refused_before_the_body_naming_the_file(site: Site, before: str, after: str) -> None:
    session_id = site.create("arithmetic")
    site.edit("session_pipelines.py", before, after)
    refused = site.work("arithmetic", session_id, "//start")
    assert refused.returncode == 3
    assert "session_pipelines.py" in refused.stderr
    assert site.states(session_id)["//start"] == "pending"
    site.edit("session_pipelines.py", after, before)
    assert site.work("arithmetic", session_id, "//start").returncode == 0


def test_another_version_of_the_distribution_is_refused(site: Site) -> None:
    session_id = site.create("arithmetic")
    site.metadata("session-pipelines").rename(site.metadata("session-pipelines", "1.1"))
    refused = site.work("arithmetic", session_id, "//start")
    assert refused.returncode == 3
    assert "distribution session-pipelines, version" in refused.stderr
    assert "1.0" in refused.stderr
    assert "1.1" in refused.stderr


def test_a_habitat_that_is_not_installed_is_refused_with_what_to_install(site: Site) -> None:
    session_id = site.create("arithmetic")
    shutil.rmtree(site.metadata("session-pipelines"))
    refused = site.work("arithmetic", session_id, "//start")
    assert refused.returncode == 3
    assert "session-pipelines==1.0" in refused.stderr


def test_an_exception_that_cannot_be_pickled_keeps_type_text_and_traceback(site: Site) -> None:
    ran = site.run("run-pipeline", "troubled", "--engine", "process", "--set", "kind=odd", "--json")
    assert ran.returncode == 1
    session_id = json.loads(ran.stdout)["session_id"]
    shown = site.run("sessions", "show", session_id, "//bad")
    assert "session_pipelines.OddError: one" in shown.stdout
    assert "raise raised[self.kind]" in shown.stdout


@pytest.mark.parametrize("engine", ["in-process", "process"])
def test_a_secret_in_an_exception_or_a_print_shows_nowhere(site: Site, engine: str) -> None:
    variables = {"TROUBLE_TOKEN": "s3cr3t-canary"}
    ran = site.run("run-pipeline", "troubled", "--engine", engine, "--set", "kind=raise", **variables)
    assert ran.returncode == 1
    assert "bad token ***" in ran.stderr
    stored = b"".join(file.read_bytes() for file in site.store.rglob("*") if file.is_file())
    assert "s3cr3t-canary" not in ran.stdout + ran.stderr
    assert b"s3cr3t-canary" not in stored


def started_children(site: Site, count: int) -> Sequence[int]:
    folder = site.folder / "started"
    for _ in range(600):
        pids = [int(file.name) for file in folder.glob("*")] if folder.exists() else []
        if len(pids) >= count:
            return pids
        time.sleep(0.05)
    raise AssertionError("the bodies never started")


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("engine", "bodies"), [("in-process", 1), ("process", 2)])
def test_one_interrupt_cancels_reaps_and_leaves_final_states(
    site: Site, engine: str, bodies: int, number: signal.Signals
) -> None:
    site.environment["SLEEPY_FOLDER"] = str(site.folder / "started")
    run = site.start("run-pipeline", "sleepy", "--engine", engine, "--workers", str(bodies), "--session-id", "nap")
    pids = started_children(site, bodies)
    run.send_signal(number)
    run.communicate(timeout=30)
    assert run.returncode == 130
    assert not any(alive(pid) for pid in pids)
    states = site.states("nap")
    assert states[""] == "stopped"
    assert {states["//one"], states["//two"]} == {"cancelled"}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_second_interrupt_kills_a_body_that_swallows_the_first(site: Site) -> None:
    site.environment.update(SLEEPY_FOLDER=str(site.folder / "started"), SLEEPY_STUBBORN="true")
    run = site.start("run-pipeline", "sleepy", "--engine", "process", "--workers", "2", "--session-id", "nap")
    pids = started_children(site, 2)
    run.send_signal(signal.SIGINT)
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    started = time.monotonic()
    run.communicate(timeout=30)
    assert time.monotonic() - started < 4
    assert run.returncode == 130
    assert not any(alive(pid) for pid in pids)
    assert site.states("nap")[""] == "stopped"
