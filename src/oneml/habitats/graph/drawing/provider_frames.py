"""Frames around providers: nested containers by their dotted names, and included habitats by their namespaces."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from oneml.habitats.graph.drawing.diagram import Frame
from oneml.habitats.values.include_paths import split_provider_key
from oneml.habitats.values.node_path import ROOT, NodePath, ancestors_of

_SETTINGS = "settings."


def own_name(name: str) -> str:
    """Return the last part of the name of a provider or a frame; what has no name keeps that of its owner."""
    owner, bracket, argument = name.partition("[")
    if owner.startswith("//") and ":" not in owner:
        return owner.rpartition("/")[2]
    _, dotted = split_provider_key(owner)
    return (dotted if dotted.startswith(_SETTINGS) else dotted.rpartition(".")[2]) + bracket + argument


def frame_of(name: str) -> str:
    """Return the frame that a provider, or a frame, stands in; empty for none."""
    owner = name.partition("[")[0]
    if owner.startswith("//") and ":" not in owner:
        around = ancestors_of(NodePath(owner))
        return around[-1] if around else ""
    include, dotted = split_provider_key(owner)
    inner = "" if dotted.startswith(_SETTINGS) else dotted.rpartition(".")[0]
    if include == ROOT:
        return inner
    return f"{include}:{inner}" if inner else include


def provider_frames(used: Iterable[str], included: Mapping[NodePath, str]) -> Iterator[Frame]:
    """Give the frames that boxes stand in, outer ones first, each of them once.

    Args:
        used: The frames of boxes.
        included: Names of included habitats by the namespace of each.
    """
    frames = dict.fromkeys(each for frame in used for each in _around(frame))
    for frame in sorted(frames, key=lambda each: len(_around(each))):
        habitat = included.get(NodePath(frame))
        title = own_name(frame)
        named = title if habitat in {None, title} else f"{title} \N{MIDDLE DOT} {habitat}"
        yield Frame(name=frame, title=named, parent=frame_of(frame))


def folded(names: Collection[str], depth: int | None, *, most: int) -> Mapping[str, str]:
    """Return the box of each provider: itself, or the frame that it is folded into.

    Args:
        names: The providers.
        depth: So many frames stand around one before it is folded.
        most: Where no depth is given, so many boxes are readable.
    """
    around = {name: _around(frame_of(name)) for name in names}
    deepest = max(map(len, around.values()), default=0)
    level = deepest if depth is None else depth
    while True:
        found = {name: frames[level] if len(frames) > level else name for name, frames in around.items()}
        if depth is not None or level == 0 or len(set(found.values())) <= most:
            return found
        level -= 1


def _around(frame: str) -> tuple[str, ...]:
    """Return a frame and those around it, outermost first."""
    found: list[str] = []
    while frame:
        found.append(frame)
        frame = frame_of(frame)
    return tuple(reversed(found))
