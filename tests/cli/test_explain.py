"""``oneml settings explain``: why every setting is what it is, now and in a session of the past."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]
CREATE = ("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "mine")
CANARY = "canary-4711-of-the-probe"


def explained(invoke: Invoke, *arguments: str) -> dict[str, dict[str, object]]:
    document = json.loads(invoke("settings", "explain", "probe", *arguments, "--json").stdout)
    assert document["schema"] == "oneml.settings-explained/1"
    return {setting["name"]: setting for setting in document["settings"]}


def test_every_setting_says_where_it_was_given_and_what_it_hid(
    invoke: Invoke, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROBE_GREETING", "Hey")
    (environment / "more.toml").write_text("workers = 2\n\ngreeting = 'Ahoj'\n")
    lines = invoke(
        "settings", "explain", "probe", "--settings", "more.toml", "--set", "greeting=Hi"
    ).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("greeting = "))
    assert lines[start].split() == ["greeting", "=", '"Hi"', "--set", "greeting=Hi"]
    assert lines[start + 1].split() == ["hides", '"Ahoj"', "--settings:", "more.toml:3"]
    assert lines[start + 2].split() == ["hides", '"Hey"', "environment:", "PROBE_GREETING"]
    assert lines[start + 3].split()[:3] == ["hides", '"Hello"', "default:"]
    assert lines[start + 3].endswith("probe/__init__.py:21")
    assert lines[start].index("--set ") == lines[start + 1].index("--settings:")


def test_one_field_is_told_in_full(invoke: Invoke) -> None:
    result = invoke("settings", "explain", "probe", "//make", "greeting", "--set", "//make:greeting=Ho")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:7] == [
        "greeting: str",
        "  What is said to whoever is named.",
        '  default: "Hello"',
        '  value: "Ho"',
        "    from --set //make:greeting=Ho",
        '  hides: "Hello"',
        f"    from default: {lines[6].partition('default: ')[2]}",
    ]


def test_document_has_the_same_and_the_author_s_words(invoke: Invoke) -> None:
    settings = explained(invoke, "//make", "--set", "//make:greeting=Ho", "--set", "fail=true")
    assert len(settings) > 10
    assert settings["greeting"] | {"hidden": []} == {
        "name": "greeting",
        "type": "str",
        "description": "What is said to whoever is named.",
        "secret": False,
        "value": "Ho",
        "layer": "--set",
        "source": "--set //make:greeting=Ho",
        "node": "//make",
        "hidden": [],
    }
    assert settings["fail"]["value"] is True
    assert settings["retries"]["layer"] == "default"


def test_field_that_is_a_model_stands_for_everything_in_it(invoke: Invoke) -> None:
    assert list(explained(invoke, "resources")) == ["resources.cpus", "resources.gpus", "resources.memory_bytes"]
    assert list(explained(invoke, "resources.cpus")) == ["resources.cpus"]


def test_session_of_the_past_is_explained_by_what_was_recorded(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_GREETING", "Hey")
    assert invoke(*CREATE, "--set", "times=[3]", "--set", "//make:retries=2").exit_code == 0
    monkeypatch.setenv("PROBE_GREETING", "not this one")
    settings = explained(invoke, "--session", "mine")
    assert (settings["greeting"]["value"], settings["greeting"]["source"]) == ("Hey", "PROBE_GREETING")
    assert (settings["times"]["value"], settings["times"]["source"]) == ([3], "--set times=[3]")
    assert settings["retries"]["value"] == 0
    node = explained(invoke, "//make", "retries", "--session", "mine")["retries"]
    assert (node["value"], node["node"]) == (2, "//make")


def test_revision_is_a_layer_of_its_own(invoke: Invoke) -> None:
    assert invoke(*CREATE, "--set", "retries=1").exit_code == 0
    assert invoke("sessions", "revise", "mine", "--set", "greeting=Hi").exit_code == 0
    assert invoke("sessions", "revise", "mine", "--set", "fail=true").exit_code == 0
    settings = explained(invoke, "--session", "mine")
    assert (settings["greeting"]["value"], settings["greeting"]["layer"]) == ("Hi", "change")
    assert settings["fail"]["value"] is True
    assert settings["retries"]["value"] == 1
    assert explained(invoke, "//make", "greeting", "--session", "mine")["greeting"]["value"] == "Hi"


@pytest.mark.parametrize("node", [(), ("//make",)])
def test_secret_is_a_reference_and_need_not_be_at_hand(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, node: tuple[str, ...]
) -> None:
    assert explained(invoke, *node, "token", "--set", "token=env:NOWHERE")["token"]["value"] == "env:NOWHERE"
    monkeypatch.setenv("PROBE_TOKEN", CANARY)
    shown = invoke("settings", "explain", "probe", *node, "token")
    assert 'value: "env:PROBE_TOKEN" (a reference to a secret)' in shown.stdout
    assert invoke(*CREATE).exit_code == 0
    monkeypatch.delenv("PROBE_TOKEN")
    past = invoke("settings", "explain", "probe", *node, "--session", "mine", "--json")
    assert past.exit_code == 0
    assert "env:PROBE_TOKEN" in past.stdout
    assert CANARY not in shown.stdout + shown.stderr + past.stdout + past.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["greting"], 'Did you mean "greeting"?'),
        (["//nope"], 'There is no node "//nope".'),
        (["//repeat"], '"//repeat" is a fan-out: name a member, //repeat/0 ... //repeat/1.'),
        (["/make"], "'/make' is not a node path."),
        (["//make", "greeting", "more"], "'more' is one too many."),
        (["greeting", "//make"], "'//make' is one too many."),
        (["--session", "nosuch"], 'There is no session "nosuch"'),
        (["--session", "mine", "--set", "fail=true"], "leave out the other settings."),
        (["--session", "mine", "greting"], 'Did you mean "greeting"?'),
        (["--session", "mine", "//nope"], 'There is no node "//nope". Known: //join, //make'),
        (["--session", "mine", "//repeat"], '"//repeat" is a fan-out: name a member, //repeat/0 ... //repeat/1.'),
    ],
)
def test_what_cannot_be_explained_says_why(invoke: Invoke, arguments: list[str], message: str) -> None:
    assert invoke(*CREATE).exit_code == 0
    result = invoke("settings", "explain", "probe", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_session_of_another_habitat_is_told(invoke: Invoke) -> None:
    assert invoke(*CREATE).exit_code == 0
    result = invoke("settings", "explain", "cyclic", "--session", "mine")
    assert result.exit_code == 2
    assert 'Session mine is one of habitat "probe"' in result.stderr


def test_schema_of_settings_is_for_editors(invoke: Invoke) -> None:
    session = json.loads(invoke("settings", "schema", "probe").stdout)
    project = json.loads(invoke("settings", "schema", "probe", "--for", "project", "--json").stdout)
    assert session["properties"]["greeting"]["description"] == "What is said to whoever is named."
    assert "greeting" in project["properties"]["habitats"]["properties"]["probe"]["properties"]
    assert invoke("settings", "schema", "prob").exit_code == 2
