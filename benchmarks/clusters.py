"""Nodes on clusters, over plain submission of the same work to the same cluster."""

from collections.abc import Iterator

from benchmarks import clusters_dask, clusters_ray
from benchmarks.figures import Figure
from benchmarks.group import Effort, main


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of every cluster."""
    yield from clusters_dask.measure(effort)
    yield from clusters_ray.measure(effort)


if __name__ == "__main__":
    main(measure)
