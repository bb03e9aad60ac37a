"""What a node needs, in the resources of Dask's workers."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from oneml.habitats.ports.engine import NodeNeeds

Resources: TypeAlias = tuple[tuple[str, float], ...]
"""Name and amount, sorted; hashable."""

PRESENT = 0.0
"""Asked of a tag or an image: that the worker has it. It takes nothing of it, so threads of one worker share it."""


def resources_of(needs: NodeNeeds) -> Resources:
    """Return what to ask of a worker; one processor is asked for by no resource, for every thread has one."""
    asked = {f"tag-{tag}": PRESENT for tag in needs.tags}
    if needs.image is not None:
        asked[f"image-{needs.image}"] = PRESENT
    if needs.cpus > 1:
        asked["cpus"] = float(needs.cpus)
    if needs.gpus:
        asked["gpus"] = float(needs.gpus)
    if needs.memory_bytes is not None:
        asked["memory"] = float(needs.memory_bytes)
    return tuple(sorted(asked.items()))


class Unoffered:
    """Tells what has been asked for in vain for too long.

    Args:
        seconds: How long is too long.
        clock: Tells seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: dict[Resources, float] = {}

    def overdue(self, asked: Iterable[Resources], offers: Sequence[Mapping[str, float]]) -> dict[Resources, str]:
        """Return what no worker offered since long, with the reason in words.

        Args:
            asked: By the nodes that have not ended.
            offers: What each worker offers.
        """
        now = self._clock()
        missing = {resources for resources in asked if not any(_suffices(offer, resources) for offer in offers)}
        self._since = {resources: self._since.get(resources, now) for resources in missing}
        late = [resources for resources, since in self._since.items() if now - since >= self._seconds]
        return {resources: self._reason(resources, offers) for resources in late}

    def _reason(self, asked: Resources, offers: Sequence[Mapping[str, float]]) -> str:
        within = f"within {self._seconds:g} s (option unschedulable_seconds)"
        if not offers:
            return f"no worker came {within}: start one, or give a cluster that still grows more time"
        offered = sorted({_in_words(tuple(sorted(offer.items()))) for offer in offers})
        return (
            f"no worker offered {_in_words(asked)} {within}; {len(offers)} workers offer: {' | '.join(offered)}. "
            f'Start one with --resources "{" ".join(f"{name}={amount or 1:g}" for name, amount in asked)}"'
        )


def _suffices(offer: Mapping[str, float], asked: Resources) -> bool:
    return all(name in offer and offer[name] >= amount for name, amount in asked)


def _in_words(resources: Resources) -> str:
    return ", ".join(f"{name}={amount:g}" if amount else name for name, amount in resources) or "nothing"
