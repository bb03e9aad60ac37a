"""What this process is configured to do with artifact stores: which one it opens, and whether it reads pickles."""

import logging
from dataclasses import replace

from oneml.habitats.ports.artifact_store import ArtifactStore
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.sources import STORE_VARIABLE, ProcessSources, configured_store
from oneml.habitats.settings.variables import CONTROL_VARIABLES, RESERVED_PREFIX, strange_variables
from oneml.habitats.stores.addresses import default_store_url, open_artifact_store
from oneml.habitats.values.suggestions import known_names

_log = logging.getLogger(__name__)


def open_chosen_store(url: str | None, sources: ProcessSources) -> ArtifactStore:
    """Open the artifact store at a URL, or else the configured one; warns of variables that mean nothing.

    Raises:
        StoreError: It cannot be opened.
    """
    for name in strange_variables(sources.environ):
        known = known_names(name, [*CONTROL_VARIABLES, f"{RESERVED_PREFIX}..."])
        _log.warning("%s is no variable of oneml, and has no effect. %s", name, known)
    return open_artifact_store(url or _configured_url(sources))


def url_for_workers(store: ArtifactStore, sources: ProcessSources) -> str | None:
    """Return what a worker must be told to open the same store; None where it would find it by itself."""
    if not store.shared:
        return None
    bare = {name: value for name, value in sources.environ.items() if name != STORE_VARIABLE}
    return None if _configured_url(replace(sources, environ=bare)) == store.url else store.url


def allows_pickle(habitat: str, sources: ProcessSources) -> bool:
    """Tell whether this process may decode pickles: its own configuration decides, never what a store says."""
    from oneml.habitats.settings.process import process_layers  # noqa: PLC0415  # only to read what was pickled

    # The model of the habitat is not known here, and is not imported to find out: of its own settings nothing is read.
    given = [layer.values.get("allow_pickle") for layer, _ in process_layers(PipelineSettings, habitat, sources)]
    return [value for value in (False, *given) if value is not None][-1] is True


def _configured_url(sources: ProcessSources) -> str:
    return default_store_url(sources.environ, setting=configured_store(sources))
