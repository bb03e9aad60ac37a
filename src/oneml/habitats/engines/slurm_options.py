"""Options of the Slurm engine, checked."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote

from oneml.habitats.engines.option_values import checked_options
from oneml.habitats.errors import EngineError, SettingsError
from oneml.habitats.values.setting_problem import SettingProblem

ENGINE = "slurm"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmOptions:
    """What settings say below ``engines.slurm``.

    Attributes:
        partition: Where jobs go; empty for the cluster's default.
        account: What they are charged to; empty for the user's default.
        qos: Quality of service; empty for the default.
        extra_arguments: Further arguments of ``sbatch``, as they are.
        command: What runs ``run-pipeline-node`` on a machine of the cluster; empty for what is installed here.
        log_folder: Folder that the cluster's nodes share with this machine; empty for one below the store.
        keep_logs: Whether output files of jobs whose nodes succeeded stay.
        pass_environment: Names of variables that jobs are given beside the control variables.
        poll_seconds: Between two looks at the queue.
        unseen_seconds: How long a job may be gone, or ended, before the store tells of its node.
        controller_seconds: How long the controller may not answer before the session is given up.
        command_seconds: How long one command of Slurm may take.
        grace_seconds: How long a node that was asked to end is waited for.
        array_jobs: Of how many jobs an array may consist; the cluster's MaxArraySize less one at most.
    """

    partition: str = ""
    account: str = ""
    qos: str = ""
    extra_arguments: Sequence[str] = ()
    command: Sequence[str] = ()
    log_folder: str = ""
    keep_logs: bool = False
    pass_environment: Sequence[str] = ()
    poll_seconds: float = 2.0
    unseen_seconds: float = 20.0
    controller_seconds: float = 300.0
    command_seconds: float = 20.0
    grace_seconds: float = 5.0
    array_jobs: int = 1000


def slurm_options(given: Mapping[str, object]) -> SlurmOptions:
    """Check options that settings gave.

    Raises:
        SettingsError: Some are not known, or not of their types.
    """
    defaults = asdict(SlurmOptions())
    checked = checked_options(ENGINE, given, defaults)
    options = SlurmOptions(**checked)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checked by name
    problems = [*_problems(options)]
    if problems:
        raise SettingsError(problems=problems)
    return options


def _problems(options: SlurmOptions) -> Iterator[SettingProblem]:
    if options.log_folder and not Path(options.log_folder).is_absolute():
        name = "engines.slurm.log_folder"
        yield SettingProblem(name, f'{name} has to be an absolute path, not "{options.log_folder}".')
    for variable in options.pass_environment:
        if _VARIABLE.fullmatch(variable) is None:
            name = "engines.slurm.pass_environment"
            yield SettingProblem(name, f'{name} names "{variable}", which cannot be a variable.')


def worker_command(options: SlurmOptions) -> Sequence[str]:
    """Return the start of a worker's command line: as given, else the command installed with this interpreter."""
    if options.command:
        return options.command
    installed = Path(sys.executable).with_name("oneml")
    return (str(installed),) if installed.is_file() else (sys.executable, "-P", "-m", "oneml.habitats")


def log_folder(options: SlurmOptions, store_url: str | None, environ: Mapping[str, str]) -> Path:
    """Return where jobs write their output: as given, else a folder beside what the store holds.

    Args:
        options: Checked options.
        store_url: Of the store; None where it is the user's default one.
        environ: The environment of the driver.

    Raises:
        EngineError: The store is no folder, so a folder has to be named.
    """
    if options.log_folder:
        return Path(options.log_folder)
    if store_url is None:
        state = environ.get("XDG_STATE_HOME", "")
        base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
        return base / "oneml" / "slurm-logs"
    if not store_url.startswith(("/", "file:")):
        reason = f"the store {store_url} is no folder: name one that the nodes share, option log_folder"
        raise EngineError(engine=ENGINE, reason=reason)
    path = unquote("/" + store_url.removeprefix("file:").removeprefix("//localhost").lstrip("/"))
    return Path(path) / "slurm-logs"
