"""What a session would be, told without creating it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from oneml.habitats.sessions.identification import SessionIdentity
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPreview:
    """What a session would be.

    Attributes:
        habitat: Name of the habitat.
        plan: Its checked DAG.
        settings: Its effective settings.
        container: ``module:QualifiedName`` of its container.
        identify: Gives what it would be known by; computed once.
    """

    habitat: str
    plan: Plan
    settings: EffectiveSettings[PipelineSettings]
    container: str
    identify: Callable[[], SessionIdentity] = field(repr=False)

    @property
    def fingerprint(self) -> SessionIdentity:
        """What it would be known by.

        Raises:
            UsageError: What the container declares as first party, or as package data, cannot be found.
        """
        return self.identify()
