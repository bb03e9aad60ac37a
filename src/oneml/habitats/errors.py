"""Every error of the package.

    OnemlError                          never raised itself
    ├── UsageError              exit 2  usage, settings, unknown name, invalid pipeline
    │   ├── InvalidNodePathError
    │   ├── InvalidSessionIdError
    │   └── InvalidDocumentError
    ├── RunError                exit 1  the pipeline or a node failed
    ├── RefusalError            exit 3  a worker is not what the recipe says
    └── BackendError            exit 4  an engine or a store failed

A message says what is wrong, what is known, and what to do next.
"""

from typing import ClassVar


class OnemlError(Exception):
    """Root of the tree; catch it to catch everything that this package raises on purpose."""

    exit_code: ClassVar[int]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[OnemlError], args: tuple[object, ...], fields: dict[str, object]) -> OnemlError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class UsageError(OnemlError):
    """Something that was given is wrong."""

    exit_code = 2


class RunError(OnemlError):
    """A pipeline or a node failed."""

    exit_code = 1


class RefusalError(OnemlError):
    """A worker refuses, because it is not what the recipe says."""

    exit_code = 3


class BackendError(OnemlError):
    """An engine or a store failed."""

    exit_code = 4


class InvalidNodePathError(UsageError):
    """A text is no node path, or no segment of one."""

    def __init__(self, *, path: str, rule: str) -> None:
        self.path = path
        super().__init__(f"{path[:80]!r} is not a node path. {rule}")


class InvalidSessionIdError(UsageError):
    """A text is no session id."""

    def __init__(self, *, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(
            f"{session_id[:80]!r} is not a session id. "
            "An id has 1 to 64 of A-Z a-z 0-9 _ - and starts with a letter or a digit."
        )


class InvalidDocumentError(UsageError):
    """A document of ours cannot be read."""

    def __init__(self, *, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"The {what} cannot be read: {reason}.")
