"""Where a provider is assigned in the body of its class, found from the source only when a problem is told."""

from oneml.habitats.settings.class_lines import assigned_at
from oneml.habitats.values.place import Place


class SourcePlaces:
    """Finds where providers are assigned.

    Args:
        container: The class whose providers are asked for.
    """

    def __init__(self, container: type) -> None:
        self._container = container

    def of(self, name: str) -> Place | None:
        """Return where the provider is assigned; None where its source cannot be had.

        Args:
            name: Dotted name; of one inside another, the outer one is found.
        """
        attribute = name.partition("[")[0].partition(".")[0]
        for owner in self._container.__mro__:
            if attribute in vars(owner) and (place := assigned_at(owner, attribute)) is not None:
                return place
        return None
