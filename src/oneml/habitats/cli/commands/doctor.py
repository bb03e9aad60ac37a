"""``oneml doctor``."""

import os
import platform
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from typing import NamedTuple

import click

from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import one_line, print_document, print_table
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import OnemlError, UsageError
from oneml.habitats.habitats.distributions import installed_distributions
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.settings.models import MEMORY_STORE
from oneml.habitats.settings.process import PROJECT_FILE_NAME, habitat_tables
from oneml.habitats.settings.sources import USER_FILE_NAME, ProcessSources
from oneml.habitats.settings.toml_files import read_toml
from oneml.habitats.settings.variables import CONTROL_VARIABLES, RESERVED_PREFIX, strange_variables
from oneml.habitats.stores.usable import check_usable, is_read_only
from oneml.habitats.values.suggestions import known_names

OK, WARNING, PROBLEM = "ok", "warning", "problem"

REQUIRED = ("click", "dependency-injector", "networkx", "pydantic", "pydantic-settings")
OPTIONAL = ("numpy", "pandas", "pyarrow", "pillow", "matplotlib", "scikit-learn", "skops", "typer")

ENGINE_LIBRARIES = {"dask": "distributed", "ray": "ray"}
"""What engines of ours need beside this package; an extra of the engine's name brings it."""

ENGINE_COMMANDS = {"slurm": "sbatch"}


class Check(NamedTuple):
    """One finding.

    Attributes:
        name: What was looked at.
        state: ``ok``, ``warning`` or ``problem``.
        detail: What was found.
        exit_code: That of the problem.
    """

    name: str
    state: str
    detail: str
    exit_code: int = 0


@click.command()
@as_json
def doctor(*, as_json: bool) -> None:
    """Check this installation: versions, settings files, variables, the store, and every habitat as `oneml check` does.

    Of the store it asks only whether it can be used; sessions in it are not looked at. Ends with the exit code of the
    worst problem.
    """
    client = PipelineServiceClient()
    with stdout_kept_for_data():
        store = _store(client)
        files = list(_settings_files())
        broken = [file.detail for file in files if file.state == PROBLEM]
        tables = [] if broken else list(_habitat_tables(client.registry))
        habitats = _habitats(client if store.state != PROBLEM else PipelineServiceClient(store=MEMORY_STORE), broken)
        checks = [*_versions(), *_engines(), *files, *tables, *_variables(), store, *habitats]
    if as_json:
        rows = [{"name": each.name, "state": each.state, "detail": each.detail} for each in checks]
        print_document("doctor", checks=rows)
    else:
        print_table(("CHECK", "STATE", "DETAIL"), [(each.name, each.state, each.detail) for each in checks])
    problems = [each for each in checks if each.state == PROBLEM]
    if problems:
        message = (
            f"{len(problems)} of {len(checks)} checks found a problem: {', '.join(each.name for each in problems)}."
        )
        raise ReportedError(message, exit_code=max(each.exit_code for each in problems))


def _versions() -> Iterator[Check]:
    installed = installed_distributions()

    def versions(names: tuple[str, ...]) -> str:
        return ", ".join(f"{name} {installed[name].version if name in installed else '-'}" for name in names)

    own = installed.get("oneml-habitats")
    yield Check("oneml-habitats", OK, own.version if own else "not installed: it runs from its sources")
    yield Check("python", OK, f"{platform.python_version()} ({sys.executable}), {platform.platform()}")
    yield Check("libraries", OK, f"{versions(REQUIRED)}, sqlite {sqlite3.sqlite_version}")
    yield Check("optional libraries", OK, versions(OPTIONAL))


def _engines() -> Iterator[Check]:
    """Tell of each engine whether what it needs is here; none is loaded, and nothing is connected to."""
    installed = installed_distributions()
    for name, origin in EngineRegistry().known().items():
        library, command = ENGINE_LIBRARIES.get(name), ENGINE_COMMANDS.get(name)
        lacks = ""
        if library is not None and find_spec(library) is None:
            lacks = f"needs {library}, which is not installed: pip install 'oneml-habitats[{name}]'"
        elif command is not None and shutil.which(command) is None:
            lacks = f"needs {command}, which is not on the PATH of this machine"
        has = f", {library} {installed[library].version}" if library is not None and library in installed else ""
        yield Check(f"engine {name}", OK, f"{origin}; {lacks}" if lacks else f"{origin}{has}")


def _settings_files() -> Iterator[Check]:
    sources = ProcessSources.of_this_process()
    files = [sources.working_directory / PROJECT_FILE_NAME]
    folder = sources.config_folder()
    if folder is not None:
        files.insert(0, folder / USER_FILE_NAME)
    for file in files:
        try:
            found = read_toml(file)
        except OnemlError as error:
            yield Check("settings file", PROBLEM, str(error), error.exit_code)
        else:
            yield Check("settings file", OK, f"{file}{' (absent)' if found is None else ''}")


def _habitat_tables(registry: HabitatRegistry) -> Iterator[Check]:
    """Tell of tables for habitats that are not installed here: names may be misspelt, or those of other machines."""
    installed = [entry.name for entry in registry.entries()]
    for name, place in habitat_tables(ProcessSources.of_this_process()):
        if name not in installed:
            known = known_names(name, installed)
            yield Check("settings file", WARNING, f'{place}: [habitats."{name}"] is of no installed habitat. {known}')


def _variables() -> Iterator[Check]:
    ours = sorted(name for name in os.environ if name.upper().startswith("ONEML_"))
    strange = strange_variables(os.environ)
    for name in strange:
        known = known_names(name, [*CONTROL_VARIABLES, f"{RESERVED_PREFIX}..."])
        yield Check("variables", WARNING, f"{name} is none of ours. {known}")
    if not strange:
        yield Check("variables", OK, ", ".join(ours) or "none of ours is set")


def _store(client: PipelineServiceClient) -> Check:
    try:
        check_usable(client.store)
        sessions = client.list_sessions()
    except OnemlError as error:
        return Check("store", PROBLEM, str(error), error.exit_code)
    found = f"{client.store.url}, {len(sessions)} sessions"
    if is_read_only(client.store):
        return Check("store", WARNING, f"{found}; nothing can be written there: no session can be created or run")
    return Check("store", OK, found)


def _habitats(client: PipelineServiceClient, broken: Collection[str]) -> Iterator[Check]:
    """Check what `oneml check` does: container, settings and pipeline of each; a broken store is told of once.

    So is what is wrong with settings that several habitats have in common.

    Args:
        client: Of the store, or of one in memory where that is broken.
        broken: What is wrong with settings files, which has been told.
    """
    reports = [(entry, client.validate(entry.name)) for entry in client.registry.entries()]
    counts = Counter(problem for _, report in reports for problem in dict.fromkeys(report.problems))
    shared = {problem for problem, count in counts.items() if count > 1 and problem.source}
    for problem in counts:
        if problem in shared:
            yield Check("settings", PROBLEM, one_line(str(problem)), UsageError.exit_code)
    for entry, report in reports:
        own = [problem for problem in report.problems if problem not in shared and problem.message not in broken]
        name, found = f"habitat {entry.name}", f"{entry.target}, {entry.origin}"
        if own:
            more = f" ({len(own) - 1} more: oneml check {entry.name})" if len(own) > 1 else ""
            yield Check(name, PROBLEM, one_line(str(own[0])) + more, report.exit_code)
        elif report.problems:
            yield Check(name, WARNING, f"{found}; not checked whole, for its settings are wrong (above)")
        else:
            yield Check(name, OK, found)
