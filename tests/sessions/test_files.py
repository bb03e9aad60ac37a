"""Files and folders between nodes: their content travels, into folders that are gone when the node has ended."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from oneml.habitats import File, HabitatRegistry, PipelineServiceClient
from oneml.habitats.values.states import NodeState

ENGINES: Mapping[str, Mapping[str, object]] = {
    "in-process": {},
    "process": {"engine": "process", "workers": 1},
    "isolated": {"engine": "process", "workers": 2, "isolated": True},
}


@pytest.fixture
def filing(client: PipelineServiceClient, registry: HabitatRegistry) -> PipelineServiceClient:
    registry.register("filing", "filing_pipelines:Filing")
    return client


@pytest.mark.parametrize("engine", ENGINES)
def test_content_travels_and_scratch_folders_are_gone(
    filing: PipelineServiceClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    given = tmp_path / "given.txt"
    given.write_text("given")
    with filing.create_session("filing", settings=ENGINES[engine], inputs={"given": File(given)}) as session:
        given.unlink()
        result = session.run()
        assert result.succeeded, [row.detail for row in result.nodes.values()]
        assert session.output("//sizes") == [10, 30_000, 5]
        for number, size in enumerate((10, 30_000)):
            name, read, made_in, read_in = session.output(f"//read/{number}", form=list[str])
            assert (name, read) == ("model.bin", str(size))
            assert made_in.startswith(str(scratch))
            assert read_in.startswith(str(scratch))
        assert list(scratch.iterdir()) == []
        model = session.output("//write/1", "model", form=File).path
        assert model.read_bytes() == b"m" * 30_000
        assert not model.stat().st_mode & (stat.S_IWUSR | stat.S_IXUSR)
        assert session.reproduce("//sizes").same


def test_files_do_not_stay_in_memory(filing: PipelineServiceClient, tmp_path: Path) -> None:
    with filing.create_session("filing", settings={"store": "memory:"}, inputs={"given": File(__file__)}) as session:
        row = session.run().nodes["//write/0"]
        assert row.state is NodeState.FAILED
        told = 'publish port "model": what lies on a disk cannot stay in memory, .* no "memory:" in its setting "store"'
        assert re.search(told, row.detail)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_output_that_is_too_large_names_node_port_size_limit_and_the_way_out(
    filing: PipelineServiceClient, engine: str
) -> None:
    settings = {**ENGINES[engine], "output_max_bytes": 25_000, "nodes": {"//write/0": {"output_max_bytes": None}}}
    with filing.create_session("filing", settings=settings, inputs={"given": File(__file__)}) as session:
        result = session.run()
        assert result.nodes["//write/0"].state is NodeState.SUCCEEDED
        row = result.nodes["//write/1"]
        assert row.state is NodeState.FAILED
        told = r'//write/1 publishes at least [23]\d,\d{3} bytes on port "model", and output_max_bytes allows 25,000\. '
        assert re.search(told + r"Publish less, or allow more: --set '//write/1:output_max_bytes=\d+'", row.detail)
