"""What is laid out: boxes, and a point in every layer that a wire passes; labels and empty places are such points, too.

Sizes and places have two axes: *along* the wires, from layer to layer, and *across* them, inside a layer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oneml.habitats.graph.drawing.layout import Item, Wire

BUNDLE_WIDTH = 2.0
SIDE, ROUNDED_SIDE = 0.82, 0.3


class Element(NamedTuple):
    """A box, or a point of a wire.

    Attributes:
        rank: Its layer.
        across: Its size.
        along: Its size.
        frame: The frame that it stands in; empty where in none.
        is_box: Whether it is a box.
        side: Wires start and end in so large a part of the side of a box, about the middle.
    """

    rank: int
    across: float
    along: float
    frame: str
    is_box: bool = False
    side: float = SIDE

    @property
    def reach(self) -> float:
        """How far from the middle of a box wires start and end."""
        return self.across / 2 * self.side


@dataclass(slots=True, kw_only=True)
class Mesh:
    """Boxes and points.

    Attributes:
        elements: Boxes first, in their order.
        chains: The elements that each wire passes, from layer to layer.
        labels: The element that is the label of a wire, by its number.
        turned: Wires that lead back.
        frames: The frames that hold boxes, outer ones first, with those around them, outermost first, and themselves.
        above: The elements before each one.
        below: The elements after each one.
        layers: Elements by layer, in the order in which they stand.
    """

    elements: list[Element] = field(default_factory=list[Element])
    chains: list[list[int]] = field(default_factory=list[list[int]])
    labels: dict[int, int] = field(default_factory=dict[int, int])
    turned: frozenset[int] = frozenset()
    frames: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    above: list[list[int]] = field(default_factory=list[list[int]])
    below: list[list[int]] = field(default_factory=list[list[int]])
    layers: list[list[int]] = field(default_factory=list[list[int]])

    def add(self, element: Element) -> int:
        """Add an element, and return its number."""
        self.elements.append(element)
        return len(self.elements) - 1

    def frame_sides(self, name: str, across: Sequence[float]) -> tuple[float, float]:
        """Return where a frame starts and ends across; ``across`` has both of each frame behind the elements."""
        place = len(self.elements) + 2 * list(self.frames).index(name)
        return across[place], across[place + 1]

    def spans(self) -> dict[str, tuple[int, int]]:
        """Return the first and the last layer of each frame."""
        found: dict[str, tuple[int, int]] = {}
        for element in self.elements:
            for name in self.frames.get(element.frame, ()):
                low, high = found.get(name, (element.rank, element.rank))
                found[name] = min(low, element.rank), max(high, element.rank)
        return found


def build_mesh(
    items: "Sequence[Item]",
    wires: "Sequence[Wire]",
    *,
    ends: Sequence[tuple[int, int]],
    turned: frozenset[int],
    ranks: Sequence[int],
    parents: Mapping[str, str],
    down: bool,
) -> Mesh:
    """Put a point into every layer that a wire passes, and hold frames together where they have no box in a layer.

    Args:
        items: The boxes.
        wires: The wires.
        ends: The boxes at both ends of each wire.
        turned: Wires that lead back.
        ranks: Layer of each box.
        parents: The frame around each frame.
        down: Whether wires lead down.
    """
    mesh = Mesh(turned=turned)
    step = 2 if any(wire.width for wire in wires) else 1  # labels have layers of their own
    for item, rank in zip(items, ranks, strict=True):
        sizes = (item.width, item.height) if down else (item.height, item.width)
        side = ROUNDED_SIDE if item.rounded else SIDE
        mesh.add(Element(rank * step, *sizes, item.frame, is_box=True, side=side))
        for name in _around(item.frame, parents):
            mesh.frames.setdefault(name, tuple(_around(name, parents)))
    mesh.frames = dict(sorted(mesh.frames.items(), key=lambda entry: len(entry[1])))
    shared: dict[tuple[object, ...], int] = {}
    for number, (wire, (source, target)) in enumerate(zip(wires, ends, strict=True)):
        _lay_wire(mesh, number, wire, (target, source) if number in turned else (source, target), shared, down=down)
    _fill_frames(mesh)
    _connect(mesh)
    return mesh


def _around(frame: str, parents: Mapping[str, str]) -> Sequence[str]:
    """Return the frames around what stands in a frame, outermost first, and itself."""
    found: list[str] = []
    while frame:
        found.append(frame)
        frame = parents.get(frame, "")
    return found[::-1]


def _lay_wire(
    mesh: Mesh,
    number: int,
    wire: "Wire",
    ends: tuple[int, int],
    shared: dict[tuple[object, ...], int],
    *,
    down: bool,
) -> None:
    source, target = ends
    first, last = mesh.elements[source], mesh.elements[target]
    frame = _common(mesh.frames.get(first.frame, ()), mesh.frames.get(last.frame, ()))
    bundle = (source, wire.bundle) if number not in mesh.turned else (source, "", number)
    label_rank = last.rank - 1 if wire.width else last.rank
    chain = [source]
    for rank in range(first.rank + 1, last.rank):
        if rank == label_rank:
            sizes = (wire.width, wire.height) if down else (wire.height, wire.width)
            mesh.labels[number] = mesh.add(Element(rank, *sizes, frame))
            chain.append(mesh.labels[number])
            continue
        key = (*bundle, frame, rank)
        if key not in shared:
            shared[key] = mesh.add(Element(rank, BUNDLE_WIDTH, 0.0, frame))
        chain.append(shared[key])
    chain.append(target)
    mesh.chains.append(chain)


def _common(one: Sequence[str], other: Sequence[str]) -> str:
    """Return the innermost frame that is around both."""
    found = ""
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        found = mine
    return found


def _fill_frames(mesh: Mesh) -> None:
    """Let every frame have something in each layer from its first to its last."""
    spans = mesh.spans()
    taken = {(name, each.rank) for each in mesh.elements for name in mesh.frames.get(each.frame, ())}
    for name, (low, high) in reversed(spans.items()):
        for rank in range(low, high + 1):
            if (name, rank) not in taken:
                mesh.add(Element(rank, 0.0, 0.0, name))
                taken.update((around, rank) for around in mesh.frames[name])


def _connect(mesh: Mesh) -> None:
    mesh.above = [[] for _ in mesh.elements]
    mesh.below = [[] for _ in mesh.elements]
    for upper, lower in dict.fromkeys(_links(mesh)):
        mesh.below[upper].append(lower)
        mesh.above[lower].append(upper)
    mesh.layers = [[] for _ in range(1 + max((each.rank for each in mesh.elements), default=-1))]
    for number, element in enumerate(mesh.elements):
        mesh.layers[element.rank].append(number)


def _links(mesh: Mesh) -> Iterator[tuple[int, int]]:
    for chain in mesh.chains:
        yield from zip(chain, chain[1:], strict=False)
