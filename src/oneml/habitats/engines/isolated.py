"""A fresh process for every node: the command line of a worker, two variables, and nothing else."""

import sys
from collections.abc import Mapping

from oneml.habitats.ports.engine import EngineContext
from oneml.habitats.values.node_path import NodePath


def worker_environment(context: EngineContext, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker is told: the two variables, and the store's URL where it is not the default one."""
    told = dict(environ)
    told.pop("ONEML_STORE_URL", None)
    told["ONEML_HABITATS_PIPELINE"] = context.habitat
    told["ONEML_PIPELINE_SESSION_ID"] = context.session_id
    if context.store_url is not None:
        told["ONEML_STORE_URL"] = context.store_url
    return told


def worker_command(path: NodePath) -> list[str]:
    """Return the command line of a worker, ``oneml run-pipeline-node PATH``, under this interpreter.

    ``-P`` keeps the working directory off the import path, where it is not for the installed command either.
    """
    return [sys.executable, "-P", "-m", "oneml.habitats", "run-pipeline-node", path]
