"""Whether the library of an engine is installed, told without importing it."""

from importlib.util import find_spec

from oneml.habitats.errors import MissingLibraryError


def check_installed(module: str, *, library: str, extra: str) -> None:
    """Let pass where a library is installed.

    Args:
        module: What it is imported as.
        library: Its name, for people.
        extra: What installs it.

    Raises:
        MissingLibraryError: It is not.
    """
    if find_spec(module) is None:
        raise MissingLibraryError(library=library, extra=extra)
