"""What is wrong with the names in the body of a container, found when the class is made."""

from collections.abc import Collection, Sequence

from dependency_injector import containers, providers

from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.habitats.source_places import SourcePlaces
from oneml.habitats.values.problem import Problem


def class_problems(container: type, base: type) -> Sequence[Problem]:
    """Return every name that ``container`` declares but may not.

    Args:
        container: The class.
        base: The class that all containers are derived from.
    """
    places = SourcePlaces(container)
    declared = {**vars(container), **vars(container)["cls_providers"]}
    own = {name for name in vars(base) if name not in _FILLED_IN and not _is_dunder(name)}
    found = [(name, _reason(name, value, own)) for name, value in declared.items()]
    return [
        Problem(places.of(name), f"{container.__name__}.{name}: {reason}")
        for name, reason in found
        if reason is not None
    ]


def _reason(name: str, value: object, own: Collection[str]) -> str | None:
    is_provider = isinstance(value, providers.Provider)
    if name == "settings":
        if not isinstance(value, Settings):
            return "this name is for the settings. Give settings = Settings(Model), or choose another name."
    elif isinstance(value, Settings):
        return 'settings are found by the name "settings". Call them that.'
    elif name == "define":
        if not callable(value) or is_provider:
            return "this name is for the method that defines the DAG. Choose another name."
    elif isinstance(value, containers.WiringConfiguration):
        if value.modules or value.packages:
            return "functions are not wired into opened containers. Take what they need from providers."
    elif name in own or (is_provider and hasattr(containers.DeclarativeContainer, name)):
        return "every container has something of that name. Choose another name."
    return None


_FILLED_IN = frozenset({"cls_providers", "containers", "inherited_providers", "providers"})
"""What the library itself puts into the body of each container."""


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
