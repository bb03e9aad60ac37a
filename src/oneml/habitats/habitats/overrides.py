"""Overrides: what a session puts in the place of a provider. Values, checked when the container is opened."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from dependency_injector import providers

from oneml.habitats.errors import InvalidOverrideError, OverrideRefusedError
from oneml.habitats.habitats.import_paths import NotCanonicalError, import_path
from oneml.habitats.habitats.override_types import factory_misfit, factory_provider, misfit
from oneml.habitats.habitats.provider_graph import ProviderGraph, ReplacedBy
from oneml.habitats.habitats.providers import AnyProvider, Reference, is_provider
from oneml.habitats.habitats.settings_views import Settings, SettingView
from oneml.habitats.ports.executables import ProviderOf
from oneml.habitats.settings.calling import CodePlace
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json
from oneml.habitats.values.suggestions import known_names

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents

T = TypeVar("T")
_ABSENT: Any = object()
_JSON_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What stands for a provider in one session. Made by `replace`.

    Attributes:
        target: The provider that is replaced.
        value: The object that stands for it, unless a provider does.
        provider: The provider that stands for it, unless an object does.
        name: Dotted name of the target; empty until a container is opened with the override.
        place: The line that replaces it; no part of what the override is.
    """

    target: AnyProvider
    value: object = _ABSENT
    provider: AnyProvider | None = None
    name: str = ""
    place: CodePlace = dataclasses.field(default_factory=CodePlace)

    @property
    def live(self) -> bool:
        """Whether it exists in this process only, so that no worker can rebuild it."""
        return self.describe() is None

    @property
    def value_type(self) -> str:
        """Name of the type of what stands for the provider, for a person."""
        return type(self.value if self.provider is None else self.provider).__qualname__

    def describe(self) -> JsonObject | None:
        """Return what another process needs to rebuild it; None where it is live."""
        if self.provider is None:
            return {"value": cast("JsonValue", self.value)} if _is_json(self.value) else None
        if not isinstance(self.provider, Reference):
            return None
        arguments = dict(self.provider.arguments)
        contract = _import_path(self.provider.contract)
        if contract is None or not _is_json(arguments):
            return None
        return {
            "reference": self.provider.target,
            "contract": contract,
            "arguments": cast("Mapping[str, JsonValue]", arguments),
        }


@overload
def replace(target: providers.Provider[T], value: T) -> Override: ...
@overload
def replace(target: providers.Provider[T], *, provider: ProviderOf[T]) -> Override: ...
@overload
def replace(target: providers.Provider[T], *, factory: Callable[[], T]) -> Override: ...
def replace(
    target: object,
    value: object = _ABSENT,
    *,
    provider: object = None,
    factory: Callable[[], object] | None = None,
) -> Override:
    """Put an object, or another provider, in the place of a provider, for one session.

    Args:
        target: A provider of the class: ``DigitsTraining.client``.
        value: The object that stands for what it would give.
        provider: A provider that stands for it; a `Reference` reaches workers too.
        factory: A class or function that gives what stands for it, new at each use. Where it is found in its module
            by its name, workers import it from there; else it stays in this process.

    Raises:
        InvalidOverrideError: Not exactly one of these is given, something is no provider, or ``factory`` cannot be
            called without arguments.
    """
    if isinstance(target, SettingView | Settings):
        reason = "A setting is not replaced: give its value as one of settings={...}."
    elif not is_provider(target):
        reason = f"{target!r:.200} is no provider of a class: replace(Container.name, ...)."
    elif [value is _ABSENT, provider is None, factory is None].count(False) != 1:
        reason = "replace() takes either a value, or provider=, or factory=."
    elif factory is not None:
        misfitting = factory_misfit(target, factory)
        if misfitting is None:
            return Override(target=target, provider=factory_provider(target, factory), place=CodePlace.of_caller())
        reason = misfitting
    elif is_provider(value):
        reason = "A provider is given as the value. Give it as provider=."
    elif provider is None or is_provider(provider):
        return Override(target=target, value=value, provider=provider, place=CodePlace.of_caller())
    else:
        reason = f"provider= is a {type(provider).__qualname__}, which is no provider. Give it as the value."
    raise InvalidOverrideError(container="A container", reasons=[reason])


def override_from_json(container: "type[PipelineComponents]", name: str, described: JsonObject) -> Override:
    """Rebuild an override from what `Override.describe` gave in another process.

    Args:
        container: The class that it is for.
        name: Dotted name of the provider that it replaces.
        described: What was given.

    Raises:
        UnknownProviderError: The class has no provider of that name.
        OverrideRefusedError: The description is none of this form, or its contract cannot be imported.
    """
    target = container.blueprint().node(name).provider
    if "value" in described:
        return Override(target=target, value=described["value"], name=name)
    reference, contract, arguments = (described.get(key) for key in ("reference", "contract", "arguments"))
    if not (isinstance(reference, str) and isinstance(contract, str) and isinstance(arguments, Mapping)):
        reason = f"it is described by {sorted(described)}, which is unknown"
        raise OverrideRefusedError(container=container.__name__, provider=name, reason=reason)
    try:
        form = _imported(contract)
    except Exception as error:
        reason = f"{contract} cannot be imported: {type(error).__name__}: {error}"
        raise OverrideRefusedError(container=container.__name__, provider=name, reason=reason) from error
    return Override(target=target, provider=Reference(form, reference, **arguments), name=name)


def is_override(given: object) -> bool:
    """Tell whether something is an override, which authors without a type checker may not know."""
    return isinstance(given, Override)


def named_overrides(
    container: type, graph: ProviderGraph, overrides: Sequence[Override], *, others: Collection[str] = ()
) -> Sequence[Override]:
    """Return the overrides with the dotted names of what they replace, each held against the container.

    Args:
        container: The class.
        graph: Its providers.
        overrides: What shall be replaced.
        others: Classes whose providers could be replaced as well.

    Raises:
        InvalidOverrideError: Some do not fit, or two are for one provider; lists all.
    """
    names: dict[int, str] = {}
    for name, index in graph.names.items():
        names.setdefault(index, name)
    found: dict[str, Override] = {}
    reasons: list[str] = []
    for override in overrides:
        if not is_override(override):
            reasons.append(f"{override!r:.200} is no override. Give replace({container.__name__}.name, ...).")
            continue
        index = graph.indexes.get(override.target, -1)
        if index not in names:
            reasons.append(_placed(override, _stranger(container, override, names.values(), others)))
            continue
        name = names[index]
        if name in found:
            first = found[name].place.text
            at = f"; first at {first}" if first else ""
            reasons.append(_placed(override, f'"{name}" is replaced twice{at}. Give one of the two.'))
        given = [override.value] if override.provider is None else []
        reason = misfit(container, name, override.target, override.provider, given)
        if reason is not None:
            reasons.append(_placed(override, f'"{name}" {reason}'))
        found[name] = dataclasses.replace(override, name=name)
    if reasons:
        raise InvalidOverrideError(container=container.__name__, reasons=reasons)
    return tuple(found.values())


def _placed(override: Override, reason: str) -> str:
    return f"{reason} ({override.place.text})" if override.place.text else reason


def replacements(overrides: Sequence[Override]) -> Mapping[AnyProvider, ReplacedBy]:
    """Return what stands for each replaced provider."""
    return {override.target: ReplacedBy(override.provider) for override in overrides}


def _stranger(container: type, override: Override, known: Collection[str], others: Collection[str]) -> str:
    provides: object = getattr(override.target, "provides", None)
    shown = getattr(provides, "__qualname__", type(override.target).__qualname__)
    hint = f" Or from one that is included: {', '.join(others)}." if others else ""
    return (
        f"The provider of {shown} that is replaced is none of {container.__name__}'s. {known_names('', known)} "
        f"Take it from the class that is opened: replace({container.__name__}.name, ...).{hint}"
    )


def _is_json(value: object) -> bool:
    """Tell whether ``value`` comes back from JSON as it is."""
    kind = type(value)
    if kind is dict:
        items = cast("dict[object, object]", value)
        return all(type(key) is str for key in items) and all(map(_is_json, items.values()))
    if kind is list:
        return all(map(_is_json, cast("list[object]", value)))
    if kind not in _JSON_SCALARS:
        return False
    try:
        canonical_json(cast("JsonValue", value))
    except ValueError:
        return False
    return True


def _import_path(form: object) -> str | None:
    try:
        return import_path(form) if isinstance(form, type) else None
    except NotCanonicalError:
        return None


def _imported(path: str) -> Any:
    module, _, attributes = path.partition(":")
    found: Any = import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found
