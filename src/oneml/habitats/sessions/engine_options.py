"""Whether engines can take the options that settings give, before anything is written."""

from collections.abc import Mapping

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import MissingLibraryError, SettingsError
from oneml.habitats.ports.engine import Engine, Preflight
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.layers import origin_text
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.setting_problem import SettingProblem
from oneml.habitats.values.suggestions import known_names


def preflight(
    settings: EffectiveSettings[PipelineSettings], engines: Mapping[str, Engine | None], registry: EngineRegistry
) -> None:
    """Let pass options that engines can take, and engines whose libraries are there unless no node runs on them.

    Args:
        settings: The effective settings.
        engines: Those that nodes run on, by name; None for one that there is none of.
        registry: Where others are found that options are given for.

    Raises:
        SettingsError: Options are not what an engine can take; lists all.
        MissingLibraryError: The library of an engine that nodes run on is not installed here.
    """
    found: list[SettingProblem] = []
    others = [name for name in settings.session.engines if name not in engines and registry.is_at_hand(name)]
    for name, engine in {**engines, **{name: registry.by_name(name) for name in others}}.items():
        if isinstance(engine, Preflight):
            try:
                engine.preflight(settings.session.engines.get(name, {}))
            except SettingsError as error:
                found.extend(error.problems)
            except MissingLibraryError:
                if name in engines:
                    raise
    if found:
        origins = settings.origins()
        raise SettingsError(problems=[one._replace(source=origin_text(origins, one.setting)) for one in found])


def check_engine_names(settings: EffectiveSettings[PipelineSettings], engine_registry: EngineRegistry) -> None:
    """Let pass options of engines that there are.

    Raises:
        SettingsError: There is none of a name; lists all.
    """
    unknown = [name for name in sorted(settings.session.engines) if not engine_registry.has(name)]
    if not unknown:
        return
    known, origins = list(engine_registry.known()), settings.origins()
    problems: list[SettingProblem] = []
    for engine in unknown:
        name = f"engines.{engine}"
        message = f"{name}: there is no such engine. {known_names(engine, known)}"
        problems.append(SettingProblem(name, message, origin_text(origins, name)))
    raise SettingsError(problems=problems)
