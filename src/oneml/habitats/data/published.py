"""What stands in a result for an output that was published before the body returned."""

from typing import NamedTuple


class Published(NamedTuple):
    """An output that is published.

    Attributes:
        port: Where it belongs.
        value: Its port record; the value itself where outputs stay in memory.
    """

    port: str
    value: object
