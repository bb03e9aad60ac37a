"""What a declared provider is, told by names and indexes: the table that a container is compiled from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from oneml.habitats.habitats.lifetimes import Lifetime
from oneml.habitats.habitats.providers import AnyProvider


class ProviderKind(StrEnum):
    """How a provider comes to what it gives."""

    CALL = "call"
    """Calls a class or function with its arguments: factories, singletons, callables."""
    RESOURCE = "resource"
    REFERENCE = "reference"
    THREAD_LOCAL = "thread-local"
    OBJECT = "object"
    LIST = "list"
    DICT = "dict"
    SELECTOR = "selector"
    AGGREGATE = "aggregate"
    DELEGATE = "delegate"
    DEPENDENCY = "dependency"
    DEPENDENCIES = "dependencies"
    CONTAINER = "container"
    SELF = "self"
    CONFIGURATION = "configuration"
    OPTION = "option"
    PROVIDED = "provided"
    ATTRIBUTE = "attribute"
    ITEM = "item"
    METHOD = "method"
    SETTING = "setting"
    SEED = "seed"
    OVERRIDDEN = "overridden"
    """Gives what the provider gives that stands for it since the class was declared, or in this session."""
    REPLACED = "replaced"
    """Gives an object that a session was opened with."""
    UNSUPPORTED = "unsupported"


class Plain(NamedTuple):
    """An argument that is no provider."""

    value: object


class Edge(NamedTuple):
    """What one provider has to do with another: it is given what that one gives, or that one itself.

    Attributes:
        label: The place of it: the name or position of an argument, or what it is else.
        target: Index of the other provider.
        lazy: Whether the other one is passed as a provider, so that it need not be built first.
    """

    label: str
    target: int
    lazy: bool


Argument: TypeAlias = Plain | Edge


class ProviderNode(NamedTuple):
    """A provider of a container, or one that such a provider refers to.

    Attributes:
        number: Its index in the table.
        name: Dotted name; one without a name is called after the argument that it is: ``trainer[optimiser]``.
        kind: How it comes to what it gives.
        provider: The declared provider.
        lifetime: The scope that keeps what it gives; None where each use makes its own. Of a setting the layer.
        provides: What it calls, gives or reads, as its kind says.
        args: Positional arguments.
        kwargs: Keyword arguments; of a dictionary its items.
        attributes: What is set on the object afterwards.
        members: The providers inside it, by the name that they are asked for with.
        edges: Everything that it refers to, in the order of its declaration.
        problem: Why it cannot be compiled, and the way out; None where it can.
    """

    number: int
    name: str
    kind: ProviderKind
    provider: AnyProvider
    lifetime: Lifetime | None
    provides: object
    args: tuple[Argument, ...]
    kwargs: Mapping[object, Argument]
    attributes: Mapping[str, Argument]
    members: Mapping[object, int]
    edges: tuple[Edge, ...]
    problem: str | None
