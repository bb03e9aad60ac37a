import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers

IMPORTABLE = Path(__file__).parent / "importable"
_SCRIPT = "import json, kinds_catalogue; print(json.dumps(kinds_catalogue.told(), sort_keys=True))"


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """What two processes with different seeds of hashes say of the catalogue."""
    found = []
    for seed in ("1", "2"):
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(IMPORTABLE)}
        done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, env=environ)
        found.append(json.loads(done.stdout))
    return found


def test_every_kind_is_described_equally_in_two_processes(told: list[dict[str, Any]]) -> None:
    assert told[0] == told[1]
    assert len(told[0]["Kinds"]["providers"]) > 60


def test_every_kind_of_the_library_stands_in_the_catalogue(told: list[dict[str, Any]]) -> None:
    described = {
        provider["class"].partition(":")[2]
        for container in told[0].values()
        for provider in container["providers"].values()
    }
    kinds = {
        name
        for name, kind in vars(providers).items()
        if isinstance(kind, type) and issubclass(kind, providers.Provider) and kind.__module__ == providers.__name__
    }
    assert kinds - described == {"Provider", "BaseResource", "BaseSingleton"}


@pytest.mark.parametrize("container", ["Kinds", "Application", "Derived"])
def test_what_can_be_built_elsewhere_is_proven(told: list[dict[str, Any]], container: str) -> None:
    assert told[0][container]["unproven"] == {}


def test_what_cannot_be_is_refused_with_a_reason(told: list[dict[str, Any]]) -> None:
    refused = told[0]["Refused"]
    assert set(refused["unproven"]) == set(refused["providers"])
    for name, reason in refused["unproven"].items():
        assert reason.startswith(f'"{name}" ')


def test_the_modules_that_code_lies_in_are_named(told: list[dict[str, Any]]) -> None:
    assert told[0]["Kinds"]["modules"] == ["collections", "elsewhere.training", "kinds_catalogue"]


def test_nested_containers_and_what_they_are_given_are_told_apart(told: list[dict[str, Any]]) -> None:
    application = told[0]["Application"]["providers"]
    assert application["clients"]["container"] == {"import": "kinds_catalogue:Clients"}
    assert application["clients.url"]["args"] == [{"provider": "settings.session.which", "lazy": False}]
    assert application["gateways"]["members"]["clients"] == {"provider": "gateways.clients", "lazy": True}


def test_attributes_and_late_arguments_are_described(told: list[dict[str, Any]]) -> None:
    late = told[0]["Kinds"]["providers"]["late"]
    part = {"provider": "alias", "lazy": False}
    assert late["args"] == [part]
    assert late["attributes"] == {"extra": part, "plain": 4}
    assert late["kwargs"]["names"] == {"set": ["black", "blue", "green", "red", "white"]}
