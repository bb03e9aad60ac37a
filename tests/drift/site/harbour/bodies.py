"""What bodies have in common."""

from harbour.marking import mark


class Body:
    """Marks that it was built."""

    unit = "kg"

    def __init__(self) -> None:
        mark(type(self).__name__)

    def shown(self, value: float) -> str:
        """Return a value with its unit."""
        return f"{value:g} {self.unit}"
