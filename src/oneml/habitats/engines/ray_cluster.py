"""Runs nodes on Ray: the plan goes to its cluster with what waits for what, replies come back in batches."""

import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from oneml.habitats.engines.needed_library import check_installed
from oneml.habitats.engines.ray_connection import connected, joins
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.ports.engine import Capability, EngineContext, EngineRun


class RayEngine:
    """A cluster that exists, or one on this machine that ends with the session.

    A Ray that the program has initialised already is used, and left as it is.

    Args:
        address: Of a cluster; None for the option ``address``, then RAY_ADDRESS, then a cluster on this machine.
    """

    name = "ray"
    capabilities = frozenset(
        {
            Capability.SCHEDULES,
            Capability.KILL,
            Capability.IMAGES,
            Capability.TAGS,
            Capability.CPUS,
            Capability.GPUS,
            Capability.MEMORY_LIMIT,
            Capability.ISOLATES,
        }
    )

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def preflight(self, options: Mapping[str, object]) -> None:
        """Let pass options that fit, where Ray is installed; see `Preflight`."""
        RayOptions.of(options)
        check_installed("ray", library="Ray", extra="ray")

    @contextmanager
    def open(self, context: EngineContext) -> Generator[EngineRun]:
        """Connect; on leaving, nodes that still run are ended.

        Raises:
            EngineError: There is no cluster, it refuses, or none can be started.
            MissingLibraryError: Ray is not installed here.
        """
        options = RayOptions.of(context.options)
        address = self._address or options.address
        options = options._replace(address=address)
        limit = context.workers if joins(options) else None
        channel = f"oneml-{uuid.uuid4().hex[:12]}"
        with connected(options, context.workers) as ray:
            from oneml.habitats.engines.ray_commits import Commits  # noqa: PLC0415  # imports what only Ray's users need
            from oneml.habitats.engines.ray_notes import Notes  # noqa: PLC0415
            from oneml.habitats.engines.ray_run import RayRun  # noqa: PLC0415
            from oneml.habitats.engines.ray_watch import ClusterWatch  # noqa: PLC0415

            watch = ClusterWatch(ray, Notes(channel))
            commits = Commits(context.take)
            run = RayRun(ray, context, options, watch=watch, commits=commits, channel=channel, limit=limit)
            try:
                yield run
            finally:
                run.close()
                watch.close()
