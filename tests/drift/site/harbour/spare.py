"""What an override puts in the place of a crane."""

from harbour.cranes import Crane, Log


class SpareCrane(Crane):
    """Lifts less far."""

    def __init__(self, reach: int = 2) -> None:
        super().__init__(Log(frozenset()), reach)
