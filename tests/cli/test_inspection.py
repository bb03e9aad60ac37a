"""``describe``, ``check``, ``settings show`` and ``doctor``: nothing runs, nothing is hidden."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]


def test_description_shows_nodes_inputs_and_outputs(invoke: Invoke) -> None:
    result = invoke("describe", "probe")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:16] == [
        "probe is probe:Probe.",
        "",
        "NODE                  PROVIDER  OUTPUTS            INPUTS",
        "//make                make      number, raw, text  name=input name",
        "//repeat/0 (times=1)  repeat    output             text=//make.text, times=1",
        "//repeat/1 (times=2)  repeat    output             text=//make.text, times=2",
        "//join                join      output             texts=[//repeat/0 ... //repeat/1]",
        "//nothing             nothing                      joined=//join",
        "",
        "INPUT  TYPE",
        "name   str",
        "",
        "OUTPUT  FROM",
        "joined  //join",
        "raw     //make.raw",
        "number  //make.number",
    ]


def test_description_ends_with_shortened_digests(invoke: Invoke) -> None:
    lines = invoke("describe", "probe").stdout.splitlines()[16:]
    whole = dict(line.rsplit(maxsplit=1) for line in lines[1:5])
    assert list(whole) == ["fingerprint", "code", "graph", "settings schema"]
    assert all(re.fullmatch("[0-9a-f]{12}", digest) for digest in whole.values())
    assert lines[6].split() == ["COMPONENT", "INTERFACE", "CODE", "GRAPH"]
    assert [line.split()[0] for line in lines[7:]] == ["join", "make", "nothing", "repeat"]


def test_document_of_a_description_holds_a_manifest_of_whole_digests(invoke: Invoke) -> None:
    manifest = json.loads(invoke("describe", "probe", "--json").stdout)["manifest"]
    assert {name: manifest[name] for name in ("habitat", "distribution", "version", "container")} == {
        "habitat": "probe",
        "distribution": "probe",
        "version": "1.0",
        "container": "probe:Probe",
    }
    assert manifest["fingerprint"] == invoke("fingerprint", "probe").stdout.strip()
    assert set(manifest["components"]) == {"make", "repeat", "join", "nothing"}
    assert all(
        re.fullmatch("[0-9a-f]{64}", digest)
        for component in manifest["components"].values()
        for digest in component.values()
    )


def test_description_follows_settings_and_shows_little_of_a_wide_fan_out(invoke: Invoke) -> None:
    shown = invoke("describe", "probe", "--set", "times=[5,6,7,8,9]").stdout
    assert "//repeat/2 (times=7)" in shown
    assert "//repeat/3" not in shown.replace("... //repeat/4]", "")
    assert "//repeat has 5 members; the first 3 are shown.\n" in shown


def test_document_of_a_description_has_every_node_and_edge(invoke: Invoke) -> None:
    document = json.loads(invoke("describe", "probe", "--json").stdout)
    assert (document["schema"], document["habitat"], document["container"]) == (
        "oneml.describe/1",
        "probe",
        "probe:Probe",
    )
    nodes = {node["path"]: node for node in document["nodes"]}
    assert nodes["//repeat/1"] == {
        "path": "//repeat/1",
        "label": "times=2",
        "provider": "repeat",
        "inputs": {"text": {"node": "//make", "port": "text"}, "times": {"value": 2}},
        "outputs": ["output"],
        "after": [],
        "fan_out": "//repeat",
    }
    assert nodes["//make"]["inputs"] == {"name": {"input": "name"}}
    assert [item["node"] for item in nodes["//join"]["inputs"]["texts"]["gather"]] == ["//repeat/0", "//repeat/1"]
    assert document["inputs"] == {"name": {"type": "str", "required": True}}
    assert document["outputs"]["raw"] == {"node": "//make", "port": "raw"}


def test_habitat_may_be_named_by_its_variable(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEML_HABITATS_PIPELINE", "probe")
    assert invoke("describe").stdout.startswith("probe is probe:Probe.\n")


def test_check_goes_on_after_a_habitat_that_is_wrong(invoke: Invoke) -> None:
    result = invoke("check", "cyclic", "probe", "raising", "leaving", "absent", "prob")
    assert result.exit_code == 2
    shown = result.stdout
    assert "cyclic: a problem\n  pipeline\n" in shown
    assert "A cycle: //one -> //two -> //one. Take one edge of it out." in shown
    assert "probe: 5 nodes, no problem found\n" in shown
    assert "define() raised KeyError: 'no such thing' (" in shown
    assert "define() raised SystemExit: 0 (" in shown
    assert 'absent: a problem\n  habitat\n    Habitat "absent" (probe.absent:Nothing, probe 1.0) cannot be' in shown
    assert 'prob: a problem\n  habitat\n    No habitat "prob".' in shown
    assert result.stderr.endswith("Error: 5 of 6 habitats cannot be used: cyclic, raising, leaving, absent, prob.\n")


def test_document_of_a_check_has_every_habitat(invoke: Invoke) -> None:
    result = invoke("check", "probe", "cyclic", "--json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["schema"] == "oneml.check/1"
    assert [(row["habitat"], row["node_count"], row["exit_code"]) for row in document["habitats"]] == [
        ("probe", 5, 0),
        ("cyclic", None, 2),
    ]
    (problem,) = document["habitats"][1]["problems"]
    assert problem["part"] == "pipeline"
    assert problem["message"] == "A cycle: //one -> //two -> //one. Take one edge of it out."
    assert problem["nodes"] == ["//one", "//two"]
    assert problem["place"]["file"].endswith("probe/wrong.py")


def test_definition_that_leaves_is_no_success(invoke: Invoke) -> None:
    assert invoke("run-pipeline", "leaving").exit_code == 2


def test_settings_say_where_each_of_them_comes_from(
    invoke: Invoke, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROBE_FAIL", "true")
    (environment / "more.toml").write_text("workers = 2\n")
    result = invoke("settings", "show", "probe", "--settings", "more.toml", "--set", "greeting=Hi")
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in result.stdout.splitlines()}
    assert rows["SETTING"] == ["VALUE", "FROM"]
    assert rows["greeting"] == ['"Hi"', "--set greeting=Hi"]
    assert rows["fail"] == ["true", "PROBE_FAIL"]
    assert rows["workers"] == ["2", "more.toml:1"]
    assert rows["retries"] == ["0", "default"]


def test_settings_of_a_node_have_its_own_entries(invoke: Invoke) -> None:
    arguments = ("settings", "show", "probe", "//make", "--set", "//make:greeting=Hi", "--json")
    document = json.loads(invoke(*arguments).stdout)
    assert (document["schema"], document["habitat"], document["node"]) == ("oneml.settings/1", "probe", "//make")
    greeting = next(row for row in document["settings"] if row["name"] == "greeting")
    assert (greeting["value"], greeting["layer"]) == ("Hi", "--set")


def test_doctor_looks_at_everything_and_ends_with_the_worst_problem(
    invoke: Invoke, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEML_HABITATS_PIPLINE", "probe")
    result = invoke("doctor", "--json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["schema"] == "oneml.doctor/1"
    checks = {(row["name"], row["state"]): row["detail"] for row in document["checks"]}
    assert checks["habitat probe", "ok"] == "probe:Probe, probe 1.0"
    assert "No module named 'probe.absent'" in checks["habitat absent", "problem"]
    assert 'Did you mean "ONEML_HABITATS_PIPELINE"?' in checks["variables", "warning"]
    assert checks["habitat cyclic", "problem"].endswith(": A cycle: //one -> //two -> //one. Take one edge of it out.")
    assert "define() raised KeyError" in checks["habitat raising", "problem"]
    assert checks["store", "ok"].endswith(", 0 sessions")
    assert "habitat absent, habitat cyclic, " in result.stderr
    assert not list(environment.parent.rglob(".oneml*"))


def test_doctor_tells_a_settings_file_that_stops_everything(invoke: Invoke, environment: Path) -> None:
    (environment / "oneml.toml").write_text("x = [")
    result = invoke("doctor")
    assert result.exit_code == 2
    assert re.search(r"^settings file +problem +.*oneml.toml cannot be read", result.stdout, re.MULTILINE)
    assert result.stdout.count("cannot be read") == 1
    assert re.search(
        r"^habitat probe +warning +probe:Probe, probe 1.0; not checked whole, ", result.stdout, re.MULTILINE
    )
    assert re.search(r"^habitat absent +problem +.*No module named", result.stdout, re.MULTILINE)


def test_doctor_tells_once_of_a_setting_that_is_wrong_for_all_habitats(invoke: Invoke, environment: Path) -> None:
    (environment / "oneml.toml").write_text('retries = "many"\n[habitats.probe]\ngreting = "Hi"\n')
    result = invoke("doctor")
    assert result.exit_code == 2
    assert result.stdout.count("retries: Input should be a valid integer") == 1
    assert re.search(r"^settings +problem +retries: .*oneml.toml:1", result.stdout, re.MULTILINE)
    assert re.search(r'^habitat probe +problem +No setting "greting"', result.stdout, re.MULTILINE)


def test_doctor_warns_of_settings_for_a_habitat_that_is_not_installed(invoke: Invoke, environment: Path) -> None:
    (environment / "oneml.toml").write_text('[habitats.prob]\ngreeting = "Hi"\n')
    shown = invoke("doctor").stdout
    row = r'^settings file +warning +.*oneml.toml:1: \[habitats."prob"\] is of no installed habitat. .*"probe"\?$'
    assert re.search(row, shown, re.MULTILINE)


def test_doctor_tells_once_of_a_store_of_no_known_kind(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEML_STORE_URL", "ftp://x")
    shown = invoke("doctor").stdout
    assert shown.count("no such kind of store is known") == 1
    assert "probe:Probe, probe 1.0" in shown


def test_doctor_ends_with_4_where_the_store_cannot_be_used(
    invoke: Invoke, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (environment / "file").write_text("no folder")
    monkeypatch.setenv("ONEML_STORE_URL", str(environment / "file"))
    result = invoke("doctor")
    assert result.exit_code == 4
    assert re.search(r"^store +problem +", result.stdout, re.MULTILINE)


def test_doctor_warns_of_a_store_in_which_nothing_can_be_written(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert invoke("run-pipeline", "probe", "--input", 'name="x"', "--quiet").exit_code == 0

    def refused(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("oneml.habitats.stores.usable._probe", refused)
    shown = invoke("doctor").stdout
    assert re.search(r"^store +warning +.*, 1 sessions; nothing can be written there", shown, re.MULTILINE)
    assert re.search(r"^habitat probe +ok ", shown, re.MULTILINE)


@pytest.mark.parametrize("command", [("doctor",), ("check", "probe"), ("run-pipeline", "probe")])
def test_a_working_directory_that_was_removed_is_named(
    invoke: Invoke, environment: Path, command: tuple[str, ...]
) -> None:
    environment.rmdir()
    result = invoke(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "The working directory, where oneml.toml and .env would be, has been removed" in result.stderr
