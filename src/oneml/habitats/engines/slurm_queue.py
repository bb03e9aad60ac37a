"""The jobs of one session in the queue of a cluster: which there are, and how they are ended."""

from collections.abc import Iterable

from oneml.habitats.engines.slurm_commands import Row, SlurmCommands
from oneml.habitats.engines.slurm_endings import is_alive


class Listing:
    """What the queue showed at one moment.

    Args:
        rows: Its rows.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[str, dict[int | None, Row]] = {}
        for row in rows:
            self._rows.setdefault(row.name, {})[row.place] = row

    def row(self, name: str, place: int | None) -> Row | None:
        """Return what it showed of a job; a row may stand for all of an array."""
        of_name = self._rows.get(name, {})
        return of_name.get(place) or of_name.get(None)


class SessionQueue:
    """The queue, as far as one session is concerned.

    Args:
        commands: How Slurm is talked to.
        prefix: What the names of its jobs start with.
    """

    def __init__(self, commands: SlurmCommands, prefix: str) -> None:
        self._commands = commands
        self._prefix = prefix

    def listing(self) -> Listing:
        """Look at it.

        Raises:
            CommandError: It cannot be read.
        """
        return Listing(self._commands.rows(self._prefix))

    def cancel(self, places: Iterable[tuple[str, int | None]]) -> None:
        """End jobs, named by name and place; what has ended is left alone.

        Their ids are looked up right before: one from before a controller was lost may be another job's by now.

        Args:
            places: The name, and the index in the array where there is one.

        Raises:
            CommandError: Some of them may go on.
        """
        listing = self.listing()
        found: list[str] = []
        for name, place in places:
            row = listing.row(name, place)
            if row is not None and is_alive(row):
                found.append(row.job_id if place is None else f"{row.job_id}_{place}")
        self._commands.cancel(found)
