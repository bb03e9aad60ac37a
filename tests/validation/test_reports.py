"""What is wrong with a habitat stands in one report: broken ones beside the reports that people read, and sound ones.

``ONEML_WRITE_GOLDEN=1 pytest tests/validation`` writes the reports anew; look at the difference before it is committed.
"""

import ast
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.cli.report_text import report_lines
from oneml.habitats.settings.sources import ProcessSources

BROKEN = Path(__file__).parent / "broken"
CASES = sorted(path.stem for path in BROKEN.glob("*.py") if path.stem != "bodies")
WRITE = bool(os.environ.get("ONEML_WRITE_GOLDEN"))


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipelineServiceClient]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    sources = ProcessSources(environ={}, working_directory=tmp_path)
    yield PipelineServiceClient(
        store=(tmp_path / "store").as_uri(), registry=HabitatRegistry(search_path=[]), sources=sources
    )
    for name in [name for name in sys.modules if name == "broken" or name.startswith("broken.")]:
        del sys.modules[name]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_habitat_has_the_report_beside_it(case: str, client: PipelineServiceClient) -> None:
    client.registry.register("broken", f"broken.{case}:Broken")
    given = given_by(f"broken.{case}")
    overrides = getattr(given, "OVERRIDES", ())
    report = client.validate("broken", *overrides, settings=getattr(given, "SETTINGS", None), inputs={})
    text = "\n".join([*report_lines(report), f"exit code {report.exit_code}", ""])
    text = text.replace(f"{BROKEN}/", "").replace(str(Path(__file__).parent), "tests")
    if case == "override_in_force":
        given.Broken.body.reset_override()
    expected = BROKEN / f"{case}.txt"
    if WRITE:
        expected.write_text(text)
    assert text == expected.read_text()
    assert report.exit_code == 2
    assert not report.is_sound


def given_by(module: str) -> Any:
    """Return the module, or nothing where it cannot be imported: the report says why then."""
    try:
        return importlib.import_module(module)
    except Exception:  # noqa: BLE001  # as the report tells
        return None


def sound_habitats() -> list[str]:
    tree = ast.parse((Path(__file__).parent / "sound.py").read_text())
    defines = {"PipelineComponents", "OneNode", "Scoped", "FanOut"}
    found = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return [
        node.name for node in found if any(isinstance(base, ast.Name) and base.id in defines for base in node.bases)
    ]


SOUND = sound_habitats()


@pytest.mark.parametrize("engine", ["in-process", "process"])
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_habitat_has_an_empty_report(name: str, engine: str, client: PipelineServiceClient) -> None:
    client.registry.register("sound", f"sound:{name}")
    report = client.validate("sound", settings={"engine": engine})
    assert list(report_lines(report)) == [
        f"sound: {report.node_count} node{'s' * (report.node_count != 1)}, no problem found"
    ]
    assert (report.exit_code, report.is_sound) == (0, True)


def test_there_are_enough_of_both() -> None:
    assert len(CASES) >= 40
    assert len(SOUND) >= 20


def test_what_works_in_this_process_alone_is_a_remark(client: PipelineServiceClient) -> None:
    client.registry.register("broken", "broken.not_rebuildable:Broken")
    report = client.validate("broken")
    assert (report.problems, report.exit_code, report.node_count) == ((), 0, 1)
    assert len(report.remarks) == 4
    assert 'process of the driver alone: "body[lock]" gives a live lock' in "\n".join(report_lines(report))


def test_a_pipeline_without_a_node_is_a_remark(client: PipelineServiceClient) -> None:
    client.registry.register("empty", "sound_but_empty:Empty")
    report = client.validate("empty")
    assert (report.problems, report.exit_code, report.node_count) == ((), 0, 0)
    (remark,) = report.remarks
    assert remark.message.startswith("It has no node, so that a session of it computes nothing: add one in define()")
    assert "worth knowing" in "\n".join(report_lines(report))


def test_what_is_not_installed_is_a_remark_where_nodes_may_run_elsewhere(client: PipelineServiceClient) -> None:
    client.registry.register("broken", "broken.not_installed:Broken")
    report = client.validate("broken")
    assert (report.problems, report.exit_code) == ((), 0)
    remark = "no_such_package.training:Trainer is not installed here: nodes that build it can run only where it is"
    assert [str(finding) for finding in report.remarks] == [remark]
