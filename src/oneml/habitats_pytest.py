"""The pytest plugin of oneml-habitats: fixtures to test pipelines, and a check that no test leaves anything behind.

It stands outside the package `oneml.habitats`, and imports nothing of it until a fixture is used: pytest loads it in
every run where the distribution pytest-oneml-habitats is installed, also where nobody tests a pipeline.
PYTEST_DONT_REWRITE
"""

import os
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from oneml.habitats import PipelineServiceClient
    from oneml.habitats.testing import NewSession, OpenComponents, RunNode
    from oneml.habitats.testing.kit import Kit
    from oneml.habitats.testing.leaks import LeakCheck, Standing

pytest.register_assert_rewrite("oneml.habitats.testing.engines", "oneml.habitats.testing.serializers")

_AT_START = dict(os.environ)
_CHANGED_SINCE = "oneml_changed_since_start"
_CONTAINERS = "oneml.habitats.habitats.components"
_STARTED: "pytest.StashKey[Standing | None]" = pytest.StashKey()
_FOUND: "pytest.StashKey[tuple[Standing, Standing]]" = pytest.StashKey()
_checks: "list[LeakCheck]" = []


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "_WithWorkerInput") -> None:
    """Tell a worker of pytest-xdist, which inherits the environment of this process, what it had not at its start."""
    node.workerinput[_CHANGED_SINCE] = [name for name, value in os.environ.items() if _AT_START.get(name) != value]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what there is before the fixtures of the test."""
    item.stash[_STARTED] = _standing()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Note what the test itself finds, and what it leaves."""
    before = _standing()
    try:
        result = yield
    except BaseException:
        _note(item, before, passed=False)
        raise
    _note(item, before, passed=True)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Let the test fail that has left something behind, and undo it; what failed before it is told first."""
    try:
        result = yield
    except BaseException as failed:
        left = _left_behind(item)
        if left and isinstance(failed, pytest.fail.Exception) and not failed.pytrace:
            both = f"{failed}\n{left}"
            raise pytest.fail.Exception(both, pytrace=False) from None
        if left:
            failed.add_note(left)
        raise
    left = _left_behind(item)
    if left:
        raise pytest.fail.Exception(left, pytrace=False)
    return result


@pytest.fixture
def oneml_kit(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator["Kit", None, None]:
    """What the other fixtures share: surroundings without settings from outside, and all that the test has open."""
    from oneml.habitats.testing.kit import Kit  # noqa: PLC0415  # only where a fixture is used
    from oneml.habitats.testing.surroundings import Surroundings  # noqa: PLC0415  # as above

    surroundings = Surroundings(
        folder=tmp_path / ".oneml",
        import_folders=(request.path.parent, request.config.rootpath),
        at_start=_at_start(request.config),
        monkeypatch=monkeypatch,
    )
    kit = Kit(surroundings)
    yield kit
    from oneml.habitats.errors import LeftBehindError  # noqa: PLC0415  # as above

    try:
        kit.close()
    except LeftBehindError as error:
        # A traceback would lead here.
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def open_components(oneml_kit: "Kit") -> "OpenComponents":
    """Open the container of a habitat, with overrides and settings: `oneml.habitats.testing.OpenComponents`."""
    return oneml_kit.open_components


@pytest.fixture
def new_session(oneml_kit: "Kit") -> "NewSession":
    """Create a session of a habitat, with overrides and settings: `oneml.habitats.testing.NewSession`."""
    return oneml_kit.new_session


@pytest.fixture
def run_node(oneml_kit: "Kit") -> "RunNode":
    """Run one node of a habitat with given inputs, and nothing else: `oneml.habitats.testing.RunNode`."""
    return oneml_kit.run_node


@pytest.fixture
def service_client(oneml_kit: "Kit") -> "PipelineServiceClient":
    """Give a `PipelineServiceClient` of the store in which `new_session` creates sessions."""
    return oneml_kit.service_client()


class _WithWorkerInput:
    workerinput: dict[str, object]


def _at_start(config: pytest.Config) -> Mapping[str, str]:
    """Return the variables that pytest was started with; on a worker of pytest-xdist, that the whole run was."""
    told: Mapping[str, object] = getattr(config, "workerinput", {})
    changed = told.get(_CHANGED_SINCE, ())
    return {name: value for name, value in _AT_START.items() if name not in changed}  # type: ignore[operator]


def _note(item: pytest.Item, before: "Standing | None", *, passed: bool) -> None:
    after = _standing()
    if after is not None:
        # The traceback of a test that fails keeps alive what it had open.
        item.stash[_FOUND] = (before or after, after if passed else after._replace(sessions={}))


def _left_behind(item: pytest.Item) -> str:
    """Undo what a test has left behind, and return what it was; nothing where it left nothing."""
    now = _standing()
    if now is None:
        return ""
    from oneml.habitats.errors import LeftBehindError  # noqa: PLC0415  # only beside containers

    before, after = item.stash.get(_FOUND, (now, now))
    try:
        _checks[0].at_end(item.nodeid, started=item.stash.get(_STARTED, None), before=before, after=after)
    except LeftBehindError as error:
        return str(error)
    return ""


def _standing() -> "Standing | None":
    """Return what stands now; None where no container has been imported, so that nothing can be left behind."""
    if _CONTAINERS not in sys.modules:
        return None
    from oneml.habitats.testing.leaks import LeakCheck, Standing  # noqa: PLC0415  # only beside containers

    if not _checks:
        _checks.append(LeakCheck())
    return Standing.now()
