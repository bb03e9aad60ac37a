"""oneml-habitats: named, declarative containers for ML pipelines, proven equal on driver and worker.

The names below are all that authors, testers and hosts need; each is imported at its first use, so that a command that
needs no container does not pay for one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oneml.habitats.data.files import File as File
    from oneml.habitats.data.files import Folder as Folder
    from oneml.habitats.data.parts import Parts as Parts
    from oneml.habitats.data.publisher import Publisher as Publisher
    from oneml.habitats.errors import OnemlError as OnemlError
    from oneml.habitats.graph.builder import PipelineBuilder as PipelineBuilder
    from oneml.habitats.habitats.components import PipelineComponents as PipelineComponents
    from oneml.habitats.habitats.executables import PipelineExecutables as PipelineExecutables
    from oneml.habitats.habitats.overrides import Override as Override
    from oneml.habitats.habitats.overrides import replace as replace
    from oneml.habitats.habitats.providers import Choice as Choice
    from oneml.habitats.habitats.providers import NodeResource as NodeResource
    from oneml.habitats.habitats.providers import NodeSeed as NodeSeed
    from oneml.habitats.habitats.providers import NodeSingleton as NodeSingleton
    from oneml.habitats.habitats.providers import ProcessResource as ProcessResource
    from oneml.habitats.habitats.providers import ProcessSingleton as ProcessSingleton
    from oneml.habitats.habitats.providers import Reference as Reference
    from oneml.habitats.habitats.registry import HabitatRegistry as HabitatRegistry
    from oneml.habitats.habitats.settings_views import Settings as Settings
    from oneml.habitats.sessions.builder_factory import PipelineBuilderFactory as PipelineBuilderFactory
    from oneml.habitats.sessions.client import PipelineServiceClient as PipelineServiceClient
    from oneml.habitats.sessions.context import PipelineSessionContext as PipelineSessionContext
    from oneml.habitats.sessions.session import PipelineSession as PipelineSession
    from oneml.habitats.settings.markers import execution_only as execution_only
    from oneml.habitats.settings.markers import part_of_identity as part_of_identity
    from oneml.habitats.settings.models import PipelineNodeSettings as PipelineNodeSettings
    from oneml.habitats.settings.models import PipelineSessionSettings as PipelineSessionSettings
    from oneml.habitats.settings.models import PipelineSettings as PipelineSettings
    from oneml.habitats.values.lineage import SessionOutput as SessionOutput

_HOMES = {
    "Choice": "habitats.providers",
    "File": "data.files",
    "Folder": "data.files",
    "HabitatRegistry": "habitats.registry",
    "NodeResource": "habitats.providers",
    "NodeSeed": "habitats.providers",
    "NodeSingleton": "habitats.providers",
    "OnemlError": "errors",
    "Override": "habitats.overrides",
    "Parts": "data.parts",
    "PipelineBuilder": "graph.builder",
    "PipelineBuilderFactory": "sessions.builder_factory",
    "PipelineComponents": "habitats.components",
    "PipelineExecutables": "habitats.executables",
    "PipelineNodeSettings": "settings.models",
    "PipelineServiceClient": "sessions.client",
    "PipelineSession": "sessions.session",
    "PipelineSessionContext": "sessions.context",
    "PipelineSessionSettings": "settings.models",
    "PipelineSettings": "settings.models",
    "ProcessResource": "habitats.providers",
    "ProcessSingleton": "habitats.providers",
    "Publisher": "data.publisher",
    "Reference": "habitats.providers",
    "SessionOutput": "values.lineage",
    "Settings": "habitats.settings_views",
    "execution_only": "settings.markers",
    "part_of_identity": "settings.markers",
    "replace": "habitats.overrides",
}

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]  # a test holds it equal to the imports above


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
