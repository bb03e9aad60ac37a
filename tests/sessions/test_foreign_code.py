"""Nodes whose code the driver does not have: settled by the first worker, proven by every later one."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.errors import InvalidPipelineError
from oneml.habitats.settings.sources import ProcessSources

PIPELINE = """
from typing import Protocol
from oneml.habitats import PipelineBuilder, PipelineComponents, Reference
class Contract(Protocol):
    def __call__(self, value: int) -> int: ...
class Source:
    def __call__(self) -> int:
        return 3
from dependency_injector import providers
class Remote(PipelineComponents):
    source = providers.Factory(Source)
    far = Reference(Contract, "far_pkg.training:Trainer", factor=10)
    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("out", pipeline.node("far", self.far)(value=pipeline.node("source", self.source)()))
"""
TRAINER = """
from far_pkg.numbers import OFFSET
class Trainer:
    def __init__(self, factor):
        self.factor = factor
    def __call__(self, value: int) -> int:
        return value * self.factor + OFFSET
"""


class Places:
    """A driver that lacks a package, and workers that have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pipelines = folder / "pipelines"
        self.pipelines.mkdir()
        (self.pipelines / "remote_pipeline.py").write_text(PIPELINE)
        self.numbers = self.image("one", 1)

    def image(self, name: str, offset: int) -> Path:
        package = self.folder / name / "far_pkg"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "training.py").write_text(TRAINER)
        (package / "numbers.py").write_text(f"OFFSET = {offset}\n")
        return package / "numbers.py"

    def client(self) -> PipelineServiceClient:
        registry = HabitatRegistry(search_path=[])
        registry.register("remote", "remote_pipeline:Remote")
        sources = ProcessSources(environ=dict(os.environ), working_directory=self.folder)
        return PipelineServiceClient(store=(self.folder / "store").as_uri(), registry=registry, sources=sources)

    def work(self, session_id: str, node: str, image: str | None) -> "subprocess.CompletedProcess[str]":
        path = [str(self.pipelines), *([] if image is None else [str(self.folder / image)])]
        environment: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": os.pathsep.join(path),
            "ONEML_STORE_URL": (self.folder / "store").as_uri(),
            "ONEML_HABITATS_PIPELINE": "remote",
            "ONEML_PIPELINE_SESSION_ID": session_id,
        }
        command = [sys.executable, "-P", "-m", "oneml.habitats", "run-pipeline-node", node]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    places = Places(tmp_path)
    monkeypatch.syspath_prepend(str(places.pipelines))
    monkeypatch.delitem(sys.modules, "remote_pipeline", raising=False)
    return places


def test_a_driver_that_lacks_the_code_refuses_to_send_the_node_away(places: Places) -> None:
    with pytest.raises(InvalidPipelineError, match=r'far_pkg.training:Trainer is not installed here.*unproven = "pin"'):
        places.client().create_session("remote", settings={"engine": "process"})


def test_a_worker_refuses_code_that_nobody_vouches_for(places: Places) -> None:
    with places.client().create_session("remote", session_id="s1"):
        pass
    assert places.work("s1", "//source", None).returncode == 0
    refused = places.work("s1", "//far", "one")
    assert refused.returncode == 3
    assert "far_pkg.training:Trainer" in refused.stderr


def test_the_first_worker_settles_which_code_counts(places: Places) -> None:
    settings = {"nodes": {"//far": {"unproven": "pin", "engine": "process"}}}
    with places.client().create_session("remote", session_id="s1", settings=settings):
        pass
    assert places.work("s1", "//source", None).returncode == 0
    absent = places.work("s1", "//far", None)
    assert (absent.returncode, "far_pkg.training:Trainer" in absent.stderr) == (3, True)
    places.numbers.write_text("OFFSET = 1\nraise SystemExit(7)\n")
    assert places.work("s1", "//far", "one").returncode != 0
    places.image("two", 2)
    refused = places.work("s1", "//far", "two")
    assert refused.returncode == 3
    assert "code of the first worker" in refused.stderr
    (tmp,) = (places.folder / "store").rglob("pins/*.json")
    assert "far_pkg.training:Trainer" in tmp.read_text()


def test_workers_with_the_same_code_go_on_where_it_lies_elsewhere(places: Places) -> None:
    settings = {"nodes": {"//far": {"unproven": "pin", "engine": "process"}}}
    with places.client().create_session("remote", session_id="s1", settings=settings) as session:
        assert places.work("s1", "//source", None).returncode == 0
        ran = places.work("s1", "//far", "one")
        assert ran.returncode == 0, ran.stderr
        assert session.output("//far") == 31
        commit = next((places.folder / "store").rglob("far-*.commit.json")).read_text()
        assert "reuse_key" not in commit
