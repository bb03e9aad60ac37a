"""Serializers of this package and of others, found by name."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from oneml.habitats.data.serializer_registry import BUILT_IN, GROUP, SerializerRegistry
from oneml.habitats.errors import SerializerPluginError, UnknownSerializerError

PLUGIN = """
from typing import Any
class Good:
    name, version, media_type = "good", 3, "text/plain"
    def accepts(self, value: object) -> bool: return value == "good"
    def write(self, value: Any, stream: Any) -> None: stream.write(b"good")
    def read(self, stream: Any, form: object) -> object: return stream.read().decode()
class Misnamed(Good): name = "another"
class Unversioned(Good): name, version = "unversioned", "1"
class Untyped(Good): name, media_type = "untyped", None
class Mute(Good): name, write = "mute", None
class Raising:
    def __init__(self) -> None: raise RuntimeError("no licence")
class Twin(Good): name = "twin"
"""


def entry_points_txt(names: dict[str, str]) -> str:
    return f"[{GROUP}]\n" + "\n".join(f"{name} = {target}" for name, target in names.items())


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "serializer_plugin.py").write_text(PLUGIN)
    names = {name.lower(): f"serializer_plugin:{name}" for name in ("Good", "Misnamed", "Unversioned", "Untyped")}
    names |= {"mute": "serializer_plugin:Mute", "raising": "serializer_plugin:Raising", "lost": "nowhere_at_all:X"}
    names |= {"twin": "serializer_plugin:Twin", "json": "serializer_plugin:Good"}
    for distribution, entries in (("fine-plugin", names), ("other-plugin", {"twin": "serializer_plugin:Good"})):
        folder = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (folder / "entry_points.txt").write_text(entry_points_txt(entries))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "serializer_plugin", raising=False)


def wanted(registry: SerializerRegistry, name: str, value: object = "good") -> Any:
    return registry.for_value(value, wanted=name, allow_pickle=False, what="it")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_serializer_of_this_package_is_found_by_its_name(name: str) -> None:
    registry = SerializerRegistry()
    assert registry.by_name(name).name == name
    assert registry.by_name(name) is registry.by_name(name)
    entry = EntryPoint(name, BUILT_IN[name], GROUP)
    assert entry.load() is type(registry.by_name(name))


@pytest.mark.usefixtures("plugins")
def test_a_plugin_is_used_where_the_settings_name_it() -> None:
    registry = SerializerRegistry(allowed=lambda: ["good"])
    assert registry.by_name("good").version == 3
    assert wanted(SerializerRegistry(), "good").name == "good"


@pytest.mark.usefixtures("plugins")
def test_a_plugin_that_no_setting_names_is_unknown() -> None:
    with pytest.raises(UnknownSerializerError, match=r"No serializer 'good'.*only where the settings name it"):
        SerializerRegistry().by_name("good")
    with pytest.raises(UnknownSerializerError):
        SerializerRegistry(allowed=lambda: ["other"]).by_name("good")


@pytest.mark.usefixtures("plugins")
def test_a_plugin_never_takes_the_name_of_one_of_ours() -> None:
    assert type(SerializerRegistry(allowed=lambda: ["json"]).by_name("json")).__name__ == "JsonSerializer"


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lost", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raising", "RuntimeError: no licence"),
        ("misnamed", "its name is 'another'"),
        ("unversioned", "its version is no integer"),
        ("untyped", "its media_type is no text"),
        ("mute", "it has no write"),
        ("twin", "several have that name"),
    ],
)
def test_a_broken_plugin_names_its_distribution_and_stops_nothing_else(name: str, reason: str) -> None:
    registry = SerializerRegistry(allowed=lambda: [name, "good"])
    with pytest.raises(SerializerPluginError, match=rf"'{name}' of .*fine-plugin 1\.2.*: {reason}"):
        registry.by_name(name)
    assert registry.by_name("good").name == "good"
    assert registry.by_name("json").name == "json"


def test_no_entry_point_is_read_for_a_serializer_of_this_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "importlib.metadata", None)
    registry = SerializerRegistry()
    assert wanted(registry, "text").name == "text"
    assert registry.for_value({"a": 1}, wanted=None, allow_pickle=False, what="it").name == "json"
