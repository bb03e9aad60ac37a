"""What an author has said so far: nodes, what feeds them, inputs, outputs, and every problem met on the way."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from oneml.habitats.errors import InvalidBodyError, PipelineBuiltError
from oneml.habitats.graph.signature import BodySignature, body_signature
from oneml.habitats.graph.type_fit import fits
from oneml.habitats.ports.executables import Executable, Executables
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.place import Place
from oneml.habitats.values.plan import ExternalSource, LiteralSource, PortSource, WholeSource
from oneml.habitats.values.problem import Problem

if TYPE_CHECKING:
    from oneml.habitats.graph.handles import Origin

ResultSource: TypeAlias = PortSource | WholeSource


@dataclass(slots=True, eq=False)
class Axis:
    """The values of one ``each``: one member of a fan-out, or one row of them, for every value.

    Attributes:
        keys: The names of the members.
        values: The values, for checks and labels.
        literals: The same in the form of the plan.
        owner: The include path of the pipeline that fans out over them; the root for the outermost one.
        label: The input that it was first given to.
    """

    keys: tuple[str, ...]
    values: tuple[object, ...]
    literals: tuple[LiteralSource, ...]
    owner: NodePath = ROOT
    label: str = ""


class Gathered(NamedTuple):
    """All members of a fan-out as one list.

    Attributes:
        of: What each of them gives.
        owner: The include path of the pipeline that gathers; the root for the outermost one.
    """

    of: ResultSource
    owner: NodePath = ROOT


class Listed(NamedTuple):
    """Results that the author put into a list."""

    items: tuple[ResultSource, ...]


class NoResult(NamedTuple):
    """What a body that returns None leaves: it may stand in ``after``, and feeds nothing."""

    node: NodePath


class Slot(NamedTuple):
    """An input of an included pipeline, for as long as nobody knows what feeds it."""

    include: NodePath
    name: str


Argument: TypeAlias = PortSource | WholeSource | ExternalSource | LiteralSource | Axis | Gathered | Listed | Slot


def result_sources(argument: Argument) -> tuple[ResultSource, ...]:
    """Return the results of nodes that ``argument`` reads."""
    if isinstance(argument, PortSource | WholeSource):
        return (argument,)
    if isinstance(argument, Gathered):
        return (argument.of,)
    return argument.items if isinstance(argument, Listed) else ()


BROKEN = LiteralSource(None)
"""Feeds an input whose argument has been reported already, so that it is not reported again."""


Body: TypeAlias = tuple[str, BodySignature]
"""The dotted name of the provider of a body, and the ports of the body."""


class Definition:
    """One call of ``node``: a node, or a whole fan-out of them.

    Attributes:
        index: Its number in the order of definition.
        path: Of the node, or the namespace of the fan-out.
        provider: Dotted name of the provider of its body.
        signature: Ports of its body; None where they could not be had, and then every port is let pass.
        place: Where it is defined.
        after: Paths of definitions that come before it although no data flows.
        settings: Entries of its node settings; None where the author gave none.
        owner: The include path of the pipeline that it belongs to; the root for the outermost one.
        arguments: What feeds each input.
        called: Whether the author has called it, which he may do once.
        axes: What it fans out over, outermost first; found when the plan is made.
        members: The nodes of the fan-out; made with the plan.
    """

    __slots__ = (
        "after",
        "arguments",
        "axes",
        "called",
        "index",
        "members",
        "owner",
        "path",
        "place",
        "provider",
        "settings",
        "signature",
    )

    noun = "node"
    """What it is called in messages."""

    def __init__(
        self,
        index: int,
        path: NodePath,
        body: Body | None,
        place: Place,
        after: tuple[NodePath, ...],
        settings: Mapping[str, JsonValue] | None,
        owner: NodePath = ROOT,
    ) -> None:
        self.index = index
        self.path = path
        self.provider: str = "" if body is None else body[0]
        self.signature: BodySignature | None = None if body is None else body[1]
        self.place = place
        self.after = after
        self.settings = settings
        self.owner = owner
        self.arguments: dict[str, Argument] = {}
        self.called = False
        self.axes: tuple[Axis, ...] = ()
        self.members: tuple[NodePath, ...] = ()

    @property
    def ports(self) -> tuple[str, ...]:
        """Its output ports, sorted."""
        return () if self.signature is None else self.signature.ports

    @property
    def whole(self) -> str | None:
        """Reference to the class whose fields the ports are, if there is one."""
        return None if self.signature is None else self.signature.reference


class Intake(Definition):
    """What feeds the inputs of an included pipeline: they are fed as those of a node are."""

    __slots__ = ()
    noun = "pipeline"

    def __init__(self, path: NodePath, place: Place, owner: NodePath) -> None:
        super().__init__(-1, path, None, place, (), None, owner)


class DeclaredInput(NamedTuple):
    """An input of the pipeline."""

    form: object
    required: bool
    place: Place


class DeclaredOutput(NamedTuple):
    """An output of the pipeline."""

    source: PortSource | WholeSource | Gathered
    place: Place
    origin: "Origin"


@dataclass(slots=True, eq=False, kw_only=True)
class IncludedPipeline:
    """A pipeline in a namespace of another.

    Attributes:
        path: The namespace, which is its own.
        name: Of the habitat, for messages.
        executables: Take its nodes and their providers.
        intake: What feeds its inputs.
        inputs: Its inputs by name.
        outputs: Its outputs by name.
        used_inputs: Inputs that feed something.
        dropped: Inputs and outputs that the outer pipeline does without.
    """

    path: NodePath
    name: str
    executables: Executables
    intake: Intake
    inputs: dict[str, DeclaredInput] = field(default_factory=dict[str, DeclaredInput])
    outputs: "dict[str, DeclaredOutput]" = field(default_factory=dict[str, "DeclaredOutput"])
    used_inputs: set[str] = field(default_factory=set[str])
    dropped: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False, kw_only=True)
class Draft:
    """A pipeline while it is defined.

    Attributes:
        name: Of the habitat, for messages.
        executables: Take node and provider.
        definitions: In the order of definition, those with a path of their own only.
        by_path: The same by path.
        inputs: Inputs of the pipeline by name.
        outputs: Outputs of the pipeline by name.
        used_inputs: Inputs that feed something.
        namespaces: Those that nodes were defined in.
        included: Included pipelines by path.
        slotted: What is fed by inputs of included pipelines.
        is_plain: Whether every argument stands in the plan as it is: no fan-out, no list.
        problems: What is wrong so far.
        is_closed: Whether the plan is made; nothing changes any more.
        entries: Node settings and their entries, by identity.
    """

    name: str
    executables: Executables
    definitions: list[Definition] = field(default_factory=list[Definition])
    by_path: dict[NodePath, Definition] = field(default_factory=dict[NodePath, Definition])
    inputs: dict[str, DeclaredInput] = field(default_factory=dict[str, DeclaredInput])
    outputs: dict[str, DeclaredOutput] = field(default_factory=dict[str, DeclaredOutput])
    used_inputs: set[str] = field(default_factory=set[str])
    namespaces: set[NodePath] = field(default_factory=set[NodePath])
    included: dict[NodePath, IncludedPipeline] = field(default_factory=dict[NodePath, IncludedPipeline])
    slotted: dict[Definition, None] = field(default_factory=dict[Definition, None])
    is_plain: bool = True
    problems: list[Problem] = field(default_factory=list[Problem])
    is_closed: bool = False
    entries: dict[int, tuple[object, Mapping[str, JsonValue]]] = field(
        default_factory=dict[int, tuple[object, Mapping[str, JsonValue]]]
    )
    _places: dict[tuple[str, int], Place] = field(default_factory=dict[tuple[str, int], Place])
    _signatures: dict[tuple[object, bool], BodySignature | InvalidBodyError] = field(
        default_factory=dict[tuple[object, bool], BodySignature | InvalidBodyError]
    )
    _fitting: dict[tuple[object, object], bool] = field(default_factory=dict[tuple[object, object], bool])

    def here(self, above: int) -> Place:
        """Return a line of the author's, the same object for the same line.

        Args:
            above: How many calls it lies above the caller of this method.
        """
        frame = sys._getframe(above + 1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented, cheap
        key = (frame.f_code.co_filename, frame.f_lineno)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(*key)
        return place

    def report(self, message: str, place: Place | None, *nodes: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(place, message, nodes))

    def check_open(self) -> None:
        """Refuse a change after the plan is made.

        Raises:
            PipelineBuiltError: It is made.
        """
        if self.is_closed:
            raise PipelineBuiltError(habitat=self.name)

    def close(self) -> None:
        """Refuse changes from now on, and let go of what only the making of the plan needed."""
        self.is_closed = True
        self.definitions.clear()
        self.by_path.clear()
        self.included.clear()
        self.slotted.clear()

    def signature_of(self, executable: Executable, path: NodePath, place: Place) -> BodySignature | None:
        """Return the ports of a body; where it cannot be one, note why and return None."""
        key = (executable.call, executable.bound)
        found = self._signatures.get(key)
        if found is None:
            try:
                found = body_signature(executable.call, bound=executable.bound)
            except InvalidBodyError as error:
                found = error
            self._signatures[key] = found
        if isinstance(found, BodySignature):
            return found
        for reason in found.reasons:
            self.report(f'Node "{path}" cannot run {found.body}. {reason}', place, path)
        return None

    def fits(self, given: object, wanted: object) -> bool:
        """Tell whether a type fits another; each pair is judged once."""
        if given is wanted:
            return True
        try:
            found = self._fitting.get((given, wanted))
            if found is None:
                found = self._fitting[given, wanted] = fits(given, wanted)
        except TypeError:  # not hashable
            return fits(given, wanted)
        return found
