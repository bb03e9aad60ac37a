"""Another container, which gives the same nodes."""

from harbour.containers import Harbour


class Twin(Harbour):
    """As the harbour."""
