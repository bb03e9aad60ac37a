"""What a node needs, in the resources of Ray."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oneml.habitats.ports.engine import NodeNeeds

PRESENT = 0.001
"""Asked of a tag or an image: that the machine has it. A thousand nodes may hold it at a time."""

_OWN = MappingProxyType({"CPU": "cpus", "GPU": "gpus"})


def asked_of(needs: NodeNeeds, images: Mapping[str, object]) -> dict[str, float]:
    """Return the resources, by Ray's names.

    Args:
        needs: Of the node.
        images: Those that a ``runtime_env`` stands for, for which no resource is asked.
    """
    asked = {"CPU": float(needs.cpus)}
    if needs.gpus:
        asked["GPU"] = float(needs.gpus)
    if needs.memory_bytes is not None:
        asked["memory"] = float(needs.memory_bytes)
    if needs.image is not None and needs.image not in images:
        asked[f"image-{needs.image}"] = PRESENT
    asked.update({f"tag-{tag}": PRESENT for tag in needs.tags})
    return asked


def task_options(needs: NodeNeeds, images: Mapping[str, Mapping[str, object]], *, isolated: bool) -> dict[str, object]:
    """Return the options of Ray's task for a node; retries are the session's, so Ray makes none."""
    asked = asked_of(needs, images)
    options: dict[str, object] = {"num_cpus": asked.pop("CPU"), "max_retries": 0, "retry_exceptions": False}
    if "GPU" in asked:
        options["num_gpus"] = asked.pop("GPU")
    if "memory" in asked:
        options["memory"] = asked.pop("memory")
    if asked:
        options["resources"] = asked
    if needs.image is not None and needs.image in images:
        options["runtime_env"] = dict(images[needs.image])
    if isolated:
        options["max_calls"] = 1
    return options


def room_for(asked: Mapping[str, float], offers: Sequence[Mapping[str, float]]) -> int:
    """Return how many such nodes the machines can run at once; at least one."""
    amounts = [(name, amount) for name, amount in asked.items() if amount]
    if not amounts:
        return max(1, len(offers))
    return max(1, sum(min(int(offer.get(name, 0.0) / amount) for name, amount in amounts) for offer in offers))


def is_offered(asked: Mapping[str, float], offers: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether one machine has, when nothing runs on it, all that is asked for."""
    return any(all(offer.get(name, 0.0) >= amount for name, amount in asked.items()) for offer in offers)


def not_offered(asked: Mapping[str, float], offers: Sequence[Mapping[str, float]], seconds: float) -> str:
    """Return the reason why a node that asked in vain has failed."""
    within = f"within {seconds:g} s (option unschedulable_seconds)"
    offered = sorted({_in_words(offer) for offer in offers})
    said = f"{len(offers)} machines offer: {' | '.join(offered)}" if offers else "it has no machine"
    return (
        f"no machine of the cluster offered {_in_words(asked)} {within}; {said}. "
        "Start a node of Ray that has it (ray start --resources), or ask for less"
    )


def _in_words(resources: Mapping[str, float]) -> str:
    told = {_OWN.get(name, name): amount for name, amount in resources.items() if not _is_rays_own(name)}
    return ", ".join(name if _is_mark(name) else f"{name}={amount:g}" for name, amount in sorted(told.items()))


def _is_rays_own(name: str) -> bool:
    return name.startswith("node:") or name == "object_store_memory"


def _is_mark(name: str) -> bool:
    return name.startswith(("tag-", "image-"))
