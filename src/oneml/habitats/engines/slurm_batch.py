"""What Slurm is handed: names, arguments of ``sbatch`` and batch scripts, as pure functions."""

import hashlib
import math
import re
import secrets
import shlex
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from oneml.habitats.engines.slurm_options import SlurmOptions, worker_command
from oneml.habitats.ports.engine import EngineContext, NodeNeeds, NodeTask
from oneml.habitats.values.node_path import NodePath, node_key, parse_node_path

ARRAY = "array"
"""Stands in a job's name where that of a single node has the node's key."""

PLACES = ("PATH", "HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "ONEML_CONFIG_DIR")
"""Variables that say where things are; jobs are given them as they are here."""

_FEATURE = re.compile(r"[A-Za-z0-9_.:/@=+-]+", re.ASCII)
_ARM = re.compile(r"(\d+)\) node=(\S+) ;;", re.ASCII)
_NICE_MOST = 2_147_483_645


class Batch(NamedTuple):
    """Nodes that are submitted by one command: one job, or an array with a job for each.

    Attributes:
        name: Of the job, with a token that no other has.
        tasks: The nodes; their places are the indexes of the array.
    """

    name: str
    tasks: tuple[NodeTask, ...]

    def places(self) -> Iterable[tuple[int | None, NodeTask]]:
        """Give each node with its index in the array; a single job has none."""
        if len(self.tasks) == 1:
            return ((None, self.tasks[0]),)
        return enumerate(self.tasks)


def session_prefix(context: EngineContext) -> str:
    """Return how the names of all jobs of a session start, whoever submitted them."""
    of = "\0".join((context.habitat, context.session_id, context.store_url or ""))
    return f"oneml.{hashlib.sha256(of.encode()).hexdigest()[:16]}."


def node_of_name(name: str, prefix: str) -> str | None:
    """Return the key of the node, or `ARRAY`, in the name of a job of this session; None for any other job."""
    parts = name.removeprefix(prefix).split(".") if name.startswith(prefix) else []
    return parts[0] if len(parts) == 2 else None  # noqa: PLR2004  # the node, and the token


def batches(tasks: Sequence[NodeTask], prefix: str, *, array_jobs: int) -> list[Batch]:
    """Group nodes with equal needs, those of higher priority first."""
    grouped: list[Batch] = []
    for _, members in groupby(sorted(tasks, key=_group), key=_group):
        group = tuple(members)
        for start in range(0, len(group), array_jobs):
            chunk = group[start : start + array_jobs]
            key = node_key(chunk[0].path) if len(chunk) == 1 else ARRAY
            grouped.append(Batch(f"{prefix}{key}.{secrets.token_hex(6)}", chunk))
    return grouped


def submission(batch: Batch, options: SlurmOptions, *, log_folder: str, nice_least: int) -> list[str]:
    """Return the arguments of ``sbatch``.

    Args:
        batch: What is submitted.
        options: Options of the engine.
        log_folder: Where the jobs write.
        nice_least: The smallest ``--nice`` that this user may ask for.

    Raises:
        ValueError: A tag or an image cannot be the name of a feature.
    """
    task = batch.tasks[0]
    output = f"{log_folder}/{batch.name}".replace("%", "%%")
    arguments = [
        "--parsable",
        f"--job-name={batch.name}",
        f"--output={output}{'' if len(batch.tasks) == 1 else '.%a'}.log",
        "--open-mode=truncate",
        "--no-requeue",
        "--nodes=1",
        "--ntasks=1",
        "--export=ALL",  # `sbatch` sees but `exported`; naming them here would start a login shell for each job
    ]
    if len(batch.tasks) > 1:
        arguments.append(f"--array=0-{len(batch.tasks) - 1}")
    arguments += needs_arguments(task.needs)
    if task.timeout_seconds is not None:
        arguments.append(f"--time={math.ceil((task.timeout_seconds + options.grace_seconds) / 60)}")
    if nice := max(nice_least, min(_NICE_MOST, -task.priority)):
        arguments.append(f"--nice={nice}")
    for name in ("partition", "account", "qos"):
        if value := getattr(options, name):
            arguments.append(f"--{name}={value}")
    return [*arguments, *options.extra_arguments]


def log_name(name: str, index: int | None) -> str:
    """Return the name of the output file that `submission` asked for."""
    return f"{name}.log" if index is None else f"{name}.{index}.log"


def exported(options: SlurmOptions) -> tuple[str, ...]:
    """Return the names of the variables that jobs take from the driver."""
    return tuple(dict.fromkeys((*PLACES, *options.pass_environment)))


def script(batch: Batch, context: EngineContext, options: SlurmOptions) -> str:
    """Return the batch script: it clears the environment but for names, and becomes the worker.

    Values are never arguments of a command: ``env -u`` takes away what is not wanted, so that what stays is not told to
    whoever lists processes.
    """
    told = {"ONEML_HABITATS_PIPELINE": context.habitat, "ONEML_PIPELINE_SESSION_ID": context.session_id}
    if context.store_url is not None:
        told["ONEML_STORE_URL"] = context.store_url
    kept = "|".join(exported(options))
    command = " ".join(shlex.quote(part) for part in worker_command(options))
    if len(batch.tasks) == 1:
        chosen = [f"node={shlex.quote(batch.tasks[0].path)}"]
    else:
        arms = (f"{index}) node={task.path} ;;" for index, task in enumerate(batch.tasks))
        chosen = ['case "$SLURM_ARRAY_TASK_ID" in', *arms, "esac"]
    return "\n".join(
        (
            "#!/bin/sh",
            "set -f",
            *chosen,
            "set --",
            "for name in $(env | sed -n 's/=.*//p'); do",
            f'  case "$name" in {kept}) ;; *) set -- "$@" -u "$name" ;; esac',
            "done",
            f'exec env "$@" {" ".join(f"{name}={shlex.quote(value)}" for name, value in told.items())} \\',
            f'  {command} run-pipeline-node "$node"',
            "",
        )
    )


def nodes_of_script(text: str) -> dict[int, NodePath]:
    """Return the nodes of an array by index, from its batch script."""
    return {int(index): parse_node_path(path) for index, path in _ARM.findall(text)}


def _group(task: NodeTask) -> tuple[object, ...]:
    needs, timeout_seconds = task.needs, task.timeout_seconds
    return (
        -task.priority,
        needs.cpus,
        needs.memory_bytes or 0,
        needs.gpus,
        needs.image or "",
        needs.tags,
        timeout_seconds or 0,
    )


def needs_arguments(needs: NodeNeeds, *, checked: bool = True) -> list[str]:
    """Return the arguments of ``sbatch`` that tell what a node needs.

    Args:
        needs: What it needs.
        checked: Whether names that cannot be features are refused; else they stand for what was asked, for a message.

    Raises:
        ValueError: A tag or an image cannot be the name of a feature.
    """
    arguments = [f"--cpus-per-task={max(1, math.ceil(needs.cpus))}"]
    if needs.memory_bytes is not None:
        arguments.append(f"--mem={max(1, math.ceil(needs.memory_bytes / 2**20))}M")
    if needs.gpus:
        arguments.append(f"--gres=gpu:{needs.gpus}")
    features = [*needs.tags, *([] if needs.image is None else [f"image-{needs.image}"])]
    for feature in features:
        if checked and _FEATURE.fullmatch(feature) is None:
            message = (
                f'"{feature}" cannot be a feature of Slurm: only letters, digits and _ . : / @ = + - may stand in it'
            )
            raise ValueError(message)
    if features:
        arguments.append(f"--constraint={'&'.join(features)}")
    return arguments
