"""Errors on their way through click, with their exit codes."""

import click

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_BACKEND = 4
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 141
"""128 and the number of SIGPIPE: what a shell says of any tool whose reader went away."""


class ReportedError(click.ClickException):
    """An error of this package as click shows it: ``Error:`` and the message, then the exit code."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance  # pyright: ignore[reportAttributeAccessIssue]  # likewise


class ReaderGoneError(click.ClickException):
    """Whoever read the output has gone: nothing more can be told, so nothing is shown."""

    exit_code = EXIT_READER_GONE

    def __init__(self) -> None:
        super().__init__("the reader of the output went away")

    def show(self, file: object = None) -> None:
        """Show nothing."""
