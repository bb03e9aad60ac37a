"""Options of engines are checked alike, by the types of their defaults."""

import math

import pytest

from oneml.habitats.engines import needed_library
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.engines.dask_options import DaskOptions
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.engines.slurm_options import SlurmOptions, slurm_options
from oneml.habitats.errors import MissingLibraryError, SettingsError
from oneml.habitats.ports.engine import Preflight


def test_options_that_fit_are_taken_and_seconds_may_be_whole() -> None:
    assert DaskOptions.of({}) == DaskOptions()
    assert DaskOptions.of({"address": None, "inline_max_bytes": 0, "grace_seconds": 2}).grace_seconds == 2.0
    images = {"old": {"py_executable": "python"}}
    assert RayOptions.of({"address": "auto", "images": images}) == RayOptions(address="auto", images=images)
    assert slurm_options({"command": ["oneml"], "keep_logs": True}) == SlurmOptions(command=["oneml"], keep_logs=True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"adress": "x"}, 'adress: the engine has no such option.*Did you mean "address"'),
        ({"address": ""}, "address has to be a text, not ''"),
        ({"address": 5}, "address has to be a text, not 5"),
        ({"inline_max_bytes": True}, "a whole number from 0 to 65536, not True"),
        ({"inline_max_bytes": 65537}, "a whole number from 0"),
        ({"connect_seconds": 0}, "a number above 0"),
        ({"connect_seconds": True}, "a number above 0"),
        ({"connect_seconds": math.inf}, "a number above 0"),
        ({"connect_seconds": math.nan}, "a number above 0"),
    ],
)
def test_others_are_refused_in_the_same_words(options: dict[str, object], told: str) -> None:
    for read in (DaskOptions.of, RayOptions.of):
        with pytest.raises(SettingsError, match=told):
            read(options)


@pytest.mark.parametrize(("engine", "module"), [(DaskEngine(), "distributed"), (RayEngine(), "ray")])
def test_an_engine_whose_library_is_missing_says_so_before_anything_is_written(
    engine: Preflight, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.preflight({})
    monkeypatch.setattr(needed_library, "find_spec", lambda name: None if name == module else pytest.fail(name))
    with pytest.raises(MissingLibraryError, match=r"is not installed here. Install it: pip install 'oneml-habitats\["):
        engine.preflight({})


def test_tables_have_to_be_tables() -> None:
    for options in ({"init": 5}, {"images": []}, {"images": {"old": "python"}}):
        with pytest.raises(SettingsError, match="has to be a table"):
            RayOptions.of(options)
