"""Whole sessions on Ray by the command line, as users run them; run inside `loopback_only`, as `ray_suite` is."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from fault_pipelines import runs_of
from fault_sessions import FaultSessions
from installed_site import Site
from oneml.habitats.testing.engines import PIPELINES
from oneml.habitats.values.node_path import NodePath
from ray_head import RayHead
from two_images import TwoImages, new_environment

SECONDS = 90.0


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> RayHead:
    head = RayHead(tmp_path_factory.mktemp("token"))
    head.start()
    return head


@pytest.fixture
def site(tmp_path: Path, head: RayHead) -> Site:
    site = Site(tmp_path)
    habitats = {"failing": "engine_pipelines:Failing"}
    site.install("contract-pipelines", files=PIPELINES.parent, packages=["engine_pipelines.py"], habitats=habitats)
    site.environment.update(head.variables, CONTRACT_FOLDER=str(tmp_path / "runs"), CONTRACT_TOKEN="token")
    return site


def on_ray(packages: Path, **options: object) -> Sequence[str]:
    """Return the settings of sessions whose workers find their packages in a folder."""
    variables = {"PYTHONPATH": str(packages), "CONTRACT_TOKEN": "token"}
    table = {"address": RayHead.address, "init": {"runtime_env": {"env_vars": variables}}, **options}
    return ["--set", "engine=ray", "--set", f"engines={json.dumps({'ray': table})}"]


def runs(site: Site, node: str) -> list[Path]:
    """Return what each run of a body left; the names end with its process."""
    return sorted((site.folder / "runs" / node).glob("*"))


def pid_of_hanging(site: Site) -> int:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if found := runs(site, "fail"):
            return int(found[-1].name.rpartition("-")[2])
        time.sleep(0.1)
    raise AssertionError("the body never started")


def wait_for_the_others(site: Site, session_id: str) -> None:
    """Wait until the nodes beside the one that hangs are committed."""
    until = time.monotonic() + SECONDS
    while [site.states(session_id).get(path) for path in ("//start", "//beside")] != ["succeeded"] * 2:
        assert time.monotonic() < until
        time.sleep(0.2)


def ended(driver: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = driver.communicate(timeout=SECONDS)
    return driver.returncode, out + err


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def attempts(site: Site, session_id: str) -> Mapping[str, tuple[str, int]]:
    shown = json.loads(site.run("sessions", "show", session_id, "--json").stdout)
    return {path: (node["state"], node["attempt"]) for path, node in shown["nodes"].items()}


def test_the_digits_pipeline_gives_the_same_outputs_as_in_one_process(tmp_path: Path) -> None:
    site = Site(tmp_path)
    ids: list[str] = []
    for arguments in (("--engine", "ray", "--workers", "2"), ()):
        ran = site.run("run-pipeline", "digits-training", "--json", *arguments)
        assert ran.returncode == 0, ran.stderr
        ids.append(json.loads(ran.stdout)["session_id"])
    compared = site.run("diff", *ids, "--section", "outputs", "--section", "graph", "--exit-code")
    assert compared.returncode == 0, compared.stdout
    assert "outputs: the same" in compared.stdout


@pytest.mark.parametrize(
    ("number", "told"),
    [(signal.SIGKILL, "its worker process ended: killed from outside"), (signal.SIGTERM, "failed (SystemExit: 1)")],
)
def test_a_worker_that_is_killed_amid_a_node_is_followed_by_a_new_attempt(site: Site, number: int, told: str) -> None:
    created = site.create("failing", *on_ray(site.packages), "--set", "how=hang", "--set", "retries=1")
    driver = site.start("sessions", "run", created)
    worker = pid_of_hanging(site)
    time.sleep(1)  # until it has given back //after, with which it was sent
    os.kill(worker, number)
    code, said = ended(driver)
    assert code == 0, said
    assert told in said
    assert len(runs(site, "start")) == 1
    assert len(runs(site, "fail")) == 2
    assert attempts(site, created)["//fail"] == ("succeeded", 2)


def test_a_worker_that_is_paused_is_killed_when_its_time_is_over_and_its_node_runs_elsewhere(site: Site) -> None:
    hurried = ["--set", "how=hang", "--set", "retries=1", "--set", "//fail:timeout_seconds=4"]
    driver = site.start("sessions", "run", site.create("failing", *on_ray(site.packages), *hurried))
    worker = pid_of_hanging(site)
    os.kill(worker, signal.SIGSTOP)
    code, said = ended(driver)
    assert code == 0, said
    assert "the node was ended after 4 s (timeout_seconds)" in said
    assert not is_alive(worker)
    assert len(runs(site, "fail")) == 2


def test_a_worker_that_is_killed_after_its_commit_has_succeeded(
    tmp_path: Path, head: RayHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in head.variables.items():
        monkeypatch.setenv(name, value)
    sessions = FaultSessions(tmp_path)
    variables = {"PYTHONPATH": str(Path(__file__).parent)}
    options = {"address": head.address, "inline_max_bytes": 0, "init": {"runtime_env": {"env_vars": variables}}}
    with sessions("kill_after_commit", engine="ray", engines={"ray": options}) as session:
        result = session.run()
        assert result.succeeded, result.nodes
        assert session.node_rows()[NodePath("//kill_after_commit")].attempt == 1
        assert session.output("//after_kill_after_commit") == 20
    assert len(runs_of(sessions.folder, "kill_after_commit")) == 1


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("place", ["joined", "embedded"])
def test_an_interrupt_cancels_and_leaves_no_body_behind(site: Site, place: str, times: int) -> None:
    """As a terminal does, which interrupts whatever is in the group of the driver."""
    where = on_ray(site.packages) if place == "joined" else ["--engine", "ray", "--workers", "2"]
    words = ["run-pipeline", "failing", "--session-id", "stopped", *where, "--set", "how=hang"]
    driver = site.start(*words, own_group=True)
    worker = pid_of_hanging(site)
    wait_for_the_others(site, "stopped")
    began = time.monotonic()
    for _ in range(times):
        os.killpg(driver.pid, signal.SIGINT)
        time.sleep(0.5)
    code, said = ended(driver)
    assert code == 130, said
    assert "Traceback" not in said
    assert time.monotonic() - began < 30
    until = time.monotonic() + SECONDS
    while is_alive(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_alive(worker)
    assert site.states("stopped") == {
        "": "stopped",
        "//start": "succeeded",
        "//beside": "succeeded",
        "//fail": "cancelled",
        "//after": "cancelled",
    }


def test_a_node_that_always_kills_its_worker_is_given_up(site: Site) -> None:
    poison = ["--set", "how=kill", "--set", "failures=99", "--set", "//fail:retries=2"]
    created = site.create("failing", *on_ray(site.packages), *poison)
    ran = site.run("sessions", "run", created)
    assert ran.returncode == 1, ran.stderr
    assert len(runs(site, "fail")) in {3, 4}  # the first time perhaps together with //after, which does not count
    assert attempts(site, created) == {
        "//start": ("succeeded", 1),
        "//beside": ("succeeded", 1),
        "//fail": ("failed", 3),
        "//after": ("skipped", 0),
    }


def test_a_session_whose_driver_was_killed_goes_on_and_runs_nothing_twice(site: Site) -> None:
    created = site.create("failing", *on_ray(site.packages), "--set", "how=hang")
    driver = site.start("sessions", "run", created)
    worker = pid_of_hanging(site)
    wait_for_the_others(site, created)
    driver.kill()
    driver.communicate(timeout=SECONDS)
    until = time.monotonic() + SECONDS
    while is_alive(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_alive(worker)
    ran = site.run("sessions", "run", created)
    assert ran.returncode == 0, ran.stderr
    assert len(runs(site, "start")) == 1
    assert len(runs(site, "fail")) == 2


def test_another_version_of_the_package_on_the_cluster_is_refused(site: Site) -> None:
    other = site.folder / "other"
    shutil.copytree(site.packages, other)
    (other / site.metadata("contract-pipelines").name).rename(other / "contract_pipelines-1.1.dist-info")
    (other / "contract_pipelines-1.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: contract-pipelines\nVersion: 1.1\n"
    )
    ran = site.run("run-pipeline", "failing", *on_ray(other))
    assert ran.returncode == 3, ran.stderr
    assert "distribution contract-pipelines, version" in ran.stderr
    assert runs(site, "start") == []


def test_another_version_of_this_package_on_the_cluster_is_refused(site: Site) -> None:
    other = site.folder / "other"
    shutil.copytree(site.packages, other)
    (other / "oneml_habitats-0.0.9.dist-info").mkdir()
    (other / "oneml_habitats-0.0.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: oneml-habitats\nVersion: 0.0.9\n"
    )
    ran = site.run("run-pipeline", "failing", *on_ray(other))
    assert ran.returncode == 3, ran.stderr
    assert "0.0.9" in ran.stderr
    assert runs(site, "start") == []


def test_a_cluster_without_the_pipeline_refuses_and_says_what_to_install(site: Site) -> None:
    ran = site.run("run-pipeline", "failing", *on_ray(site.folder))
    assert ran.returncode == 3, ran.stderr
    assert "contract-pipelines==1.0" in ran.stderr


def test_an_interpreter_without_this_package_fails_in_words(site: Site) -> None:
    bare = site.folder / "bare"
    new_environment(bare, {}, linked=False)
    images = {"bare": {"py_executable": str(bare / "bin" / "python")}}
    ran = site.run("run-pipeline", "failing", *on_ray(site.packages, images=images), "--set", "//start:image=bare")
    assert ran.returncode == 1, ran.stderr
    assert "cannot import oneml-habitats: install it" in ran.stderr, ran.stderr


def test_an_interpreter_that_is_not_there_fails_its_nodes_or_a_start(site: Site) -> None:
    images = {"none": {"py_executable": "/nowhere/python"}}
    options = on_ray(site.packages, images=images, image_seconds=3)
    began = time.monotonic()
    ran = site.run("run-pipeline", "failing", *options, "--set", "//start:image=none")
    assert ran.returncode == 1, ran.stderr
    assert 'no worker of image "none" (/nowhere/python) could be started within 3 s' in ran.stderr
    embedded = ["--engine", "ray", "--set", f"engines={json.dumps({'ray': {'images': images}})}"]
    ran = site.run("run-pipeline", "failing", *embedded)
    assert ran.returncode == 4, ran.stderr
    assert 'image "none" names the interpreter /nowhere/python, and there is none on this machine' in ran.stderr
    assert time.monotonic() - began < 30


def test_a_driver_of_another_version_of_ray_is_an_error_in_words(site: Site) -> None:
    disguised = "import ray; ray.__version__ = '2.0.0'; from oneml.habitats.cli import main; main()"
    began = time.monotonic()
    ran = site.run("run-pipeline", "failing", *on_ray(site.packages), code=("-P", "-c", disguised))
    assert ran.returncode == 4, ran.stderr
    assert "2.0.0" in ran.stderr
    assert "Version mismatch" in ran.stderr
    assert time.monotonic() - began < SECONDS


def test_who_answers_and_is_no_ray_is_an_error_in_words_within_a_minute(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        ran = site.run("run-pipeline", "failing", *on_ray(site.packages, address=address))
    assert ran.returncode == 4, ran.stderr
    assert f"the cluster at {address} cannot be joined: ConnectionError" in ran.stderr
    assert time.monotonic() - began < 60


def test_two_machines_offer_an_image_each(head: RayHead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = TwoImages(tmp_path)
    monkeypatch.syspath_prepend(str(images.pipelines))
    for name, value in head.variables.items():
        monkeypatch.setenv(name, value)
    head.join(images.alpha.python, "--resources", '{"image-alpha:1": 1}')
    head.join(images.beta.python, "--resources", '{"image-beta:1": 1}')
    assert images.outcome("ray", address=head.address) == (images.told(), "")
    on_gamma = {"//second": {"image": "gamma:1"}}
    _, said = images.outcome("ray", on_gamma, address=head.address, unschedulable_seconds=1)
    assert "no machine of the cluster offered cpus=1, image-gamma:1 within 1 s" in said
    assert "image-alpha:1" in said
    assert "image-beta:1" in said


def test_a_machine_that_is_lost_fails_its_node_and_says_so(site: Site, head: RayHead) -> None:
    head.join(sys.executable, "--resources", '{"tag-far": 1}')
    raylet = max(processes("raylet"), key=psutil.Process.create_time)
    far = [*on_ray(site.packages), "--set", "how=hang", "--set", '//fail:tags=["far"]']
    created = site.create("failing", *far)
    driver = site.start("sessions", "run", created)
    worker = pid_of_hanging(site)
    raylet.kill()
    os.kill(worker, signal.SIGKILL)
    code, said = ended(driver)
    assert code == 1, said
    assert "the machine of the cluster on which it ran is lost" in said
    assert attempts(site, created)["//beside"] == ("succeeded", 1)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_head_that_hangs_or_is_lost_ends_the_session_which_another_one_takes_up(
    site: Site, head: RayHead, number: int
) -> None:
    created = site.create("failing", *on_ray(site.packages), "--set", "how=hang")
    driver = site.start("sessions", "run", created)
    pid_of_hanging(site)
    wait_for_the_others(site, created)
    began = time.monotonic()
    for process in processes("gcs_server"):
        process.send_signal(number)
    code, said = ended(driver)
    assert code == 4, said
    assert "the cluster is lost" in said
    assert time.monotonic() - began < 40
    head.stop()
    head.start()
    ran = site.run("sessions", "run", created)
    assert ran.returncode == 0, ran.stderr
    assert len(runs(site, "start")) == 1
    assert len(runs(site, "fail")) == 2


def processes(name: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["name"]) if process.info["name"] == name]
