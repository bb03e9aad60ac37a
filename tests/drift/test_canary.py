"""Secrets are in nothing that is written, printed or shown, in no form in which programs write texts."""

import json
from pathlib import Path

import pytest

from canaries import (
    BY_FILE,
    CANARIES,
    LEFT_OUT,
    NESTED,
    RAW,
    SETTINGS,
    forms,
    found_below,
    found_in,
    new_aviary,
)
from forked import Forks
from installed_site import Site


@pytest.fixture
def aviary(tmp_path: Path, forks: Forks) -> Site:
    return new_aviary(tmp_path, forks=forks)


def shown(site: Site, *arguments: str, codes: tuple[int, ...] = (0,), **variables: str) -> str:
    """Run a command and return all that it shows, which holds no canary."""
    done = site.run(*arguments, **variables)
    said = done.stdout + done.stderr
    assert done.returncode in codes, f"{arguments}: {done.returncode}\n{said}"
    assert found_in(said.encode()) == [], arguments
    return said


def test_the_search_finds_every_form_of_every_canary() -> None:
    for secret in CANARIES.values():
        for name, text in forms(secret):
            assert any(f"({name})" in found for found in found_in(b"..." + text + b"...")), name


@pytest.mark.parametrize(
    ("engine", "workers"), [("in-process", "1"), ("in-process", "2"), ("process", "2"), ("dask", "2")]
)
def test_nodes_that_fail_with_secrets_leave_none_behind(aviary: Site, engine: str, workers: str) -> None:
    # What a body itself prints is its author's; where it prints into a pipe of ours, it is masked all the same.
    shout = "false" if engine == "in-process" else "true"
    run = (
        "run-pipeline",
        "canary",
        *SETTINGS,
        "--engine",
        engine,
        "--workers",
        workers,
        "--set",
        f"//tell:shout={shout}",
    )
    said = shown(aviary, "--traceback", *run, "--session-id", "failing-run", codes=(1,))
    assert "*****" in said
    assert "*****" in shown(aviary, "sessions", "show", "failing-run", "//tell")
    processes = len(list((aviary.folder / "marks").iterdir()))
    assert processes in ({2} if engine == "process" else {1, 2} if engine == "dask" else {1})
    assert found_below(aviary.folder, but=LEFT_OUT) == []


def test_no_command_shows_a_secret(aviary: Site) -> None:
    worker = ("--pipeline", "canary", "--session-id", "first-session")
    lines: list[tuple[tuple[str, ...], int]] = [
        (("sessions", "create", "canary", *SETTINGS, "--session-id", "first-session"), 0),
        (("sessions", "create", "canary", *SETTINGS, "--session-id", "second-session"), 0),
        (("--traceback", "run-pipeline-node", "//tell", *worker), 1),
        (("run-pipeline-node", "//work", *worker), 0),
        (("settings", "show", "canary", "//tell", *SETTINGS, "--json"), 0),
        (("settings", "explain", "canary", *SETTINGS, "--json"), 0),
        (("settings", "explain", "canary", "//tell", *SETTINGS), 0),
        (("describe", "canary", *SETTINGS, "--json"), 0),
        (("fingerprint", "canary", *SETTINGS, "--json"), 0),
        (("fingerprint", "canary", "//tell", *SETTINGS), 0),
        (("check", "canary"), 0),
        (("doctor",), 0),
        (("sessions", "show", "first-session", "//tell", "--json"), 0),
        (("sessions", "list", "--json"), 0),
        (("prove", "first-session", "//tell"), 0),
        (("diff", "first-session", "second-session"), 0),
        (("diff", "first-session", "second-session", "--json"), 0),
        (("--traceback", "reproduce", "first-session", "//tell"), 0),
        (("reproduce", "first-session", "//work"), 0),
        (("run-pipeline", "canary", *SETTINGS, "--reuse"), 1),
    ]
    for words, code in lines:
        shown(aviary, *words, codes=(code,))
    assert found_below(aviary.folder, but=LEFT_OUT) == []


def test_no_refusal_shows_a_secret(aviary: Site) -> None:
    shown(aviary, "sessions", "create", "canary", *SETTINGS, "--session-id", "refused")
    worker = {"ONEML_HABITATS_PIPELINE": "canary", "ONEML_PIPELINE_SESSION_ID": "refused"}
    (aviary.folder / "secrets" / "raw").write_text("another-secret")
    rotated = shown(aviary, "--traceback", "run-pipeline-node", "//tell", codes=(3,), **worker)
    assert "raw" in rotated
    assert "another-secret" not in rotated
    (aviary.folder / "secrets" / "raw").unlink()
    assert "raw" in shown(aviary, "--traceback", "run-pipeline-node", "//tell", codes=(3,), **worker)
    aviary.edit("canary/__init__.py", "+canary-4444", "+canary-4445")
    shown(aviary, "--traceback", "run-pipeline-node", "//tell", codes=(3,), **worker)
    assert found_below(aviary.folder, but=LEFT_OUT) == []


def test_no_usage_error_shows_a_secret(aviary: Site) -> None:
    create = ("--traceback", "sessions", "create", "canary", *SETTINGS)
    (aviary.folder / "secrets" / "short").write_text(BY_FILE)
    settings = aviary.working / "settings.toml"
    settings.write_text(f"by_file = {json.dumps(BY_FILE)}\n")
    for given, told in (
        (("--set", f"by_file={BY_FILE}"), "by_file"),
        (("--set", f"account={json.dumps({'password': NESTED})}"), "account"),
        (("--set", f"//tell:raw={RAW}"), "raw"),
        (("--set", "long=file:short"), "long"),
        (("--set", "long=env:CANARY_BY_VARIABLE"), "long"),
        (("--settings", settings.name), "by_file"),
    ):
        assert told in shown(aviary, *create, *given, codes=(2,))
    settings.unlink()
    assert "signing_key" in shown(aviary, *create, codes=(2,), ONEML_SIGNING_KEY=NESTED)
    (aviary.working / ".env").write_text(f"CANARY_ACCOUNT__PASSWORD='{NESTED}'\nCANARY_SHOUT=nothing\n")
    assert ".env:1" in shown(aviary, *create, codes=(2,))  # it has a quote in its midst
    quoted = NESTED.replace("\\", "\\\\").replace("'", "\\'")
    (aviary.working / ".env").write_text(f"CANARY_ACCOUNT__PASSWORD='{quoted}'\nCANARY_SHOUT=nothing\n")
    assert "account.password: is a secret" in shown(aviary, *create, codes=(2,))
    (aviary.working / ".env").write_text("CANARY_SHOUT=nothing\n")
    assert "shout" in shown(aviary, *create, codes=(2,))
    assert found_below(aviary.folder, but=(*LEFT_OUT, "work")) == []


OBJECTS = """
import logging
import pickle
import pprint
import sys

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)

from canary import Canary, Client
from oneml.habitats import OnemlError, PipelineNodeSettings, PipelineServiceClient, PipelineSessionSettings, replace

fields = {"by_file": "file:by-file", "account": {"password": "file:nested"}, "raw": "file:raw"}
settings = PipelineSessionSettings(fields=fields, nodes={"//work": PipelineNodeSettings(retries=1)})
client = PipelineServiceClient()
seen = [client, client.registry, client._sources, settings]
preview = client.preview("canary", settings=settings)
seen += [preview, preview.settings, preview.plan, preview.settings.session, preview.settings.process]
with Canary.open(settings={"by_variable": "env:CANARY_BY_VARIABLE", **fields}) as components:
    seen += [components, type(components), components.client, components.client(), Canary.settings.session.by_file]
    by_file = components.client().by_file
    override = replace(Canary.client, components.client())
    seen += [override, override.describe()]
with client.create_session("canary", settings=settings, session_id="objects") as session:
    seen += [session, session.run(), session.outcome("//tell"), session.node_rows()]
seen += [client.load_session("objects"), client.list_sessions()]
for given in ({**fields, "by_file": by_file}, {**fields, "long": 12}, {**fields, "account": 7}):
    try:
        client.create_session("canary", settings=given)
    except OnemlError as error:
        seen += [error, error.__cause__, error.__context__, vars(error)]
    else:
        raise AssertionError(given)
for each in seen:
    print(repr(each), str(each))
    pprint.pprint(each)
"""


def test_no_object_and_no_log_shows_a_secret(aviary: Site) -> None:
    done = aviary.script(OBJECTS)
    assert done.returncode == 0, done.stderr
    assert "PipelineSession" in done.stdout
    assert found_in((done.stdout + done.stderr).encode()) == []
    assert found_below(aviary.folder, but=LEFT_OUT) == []
