"""A package that the harbour declares as its own."""


def weight() -> float:
    """Return a weight."""
    return 7.0
