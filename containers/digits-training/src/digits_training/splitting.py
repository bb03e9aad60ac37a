"""Splitting a table into parts that have no row in common."""

from dataclasses import dataclass
from typing import NamedTuple, cast

from pandas import DataFrame
from sklearn.model_selection import train_test_split

from digits_training.clients import LABEL


class Parts(NamedTuple):
    """What the rows of each table are for.

    Attributes:
        train: Fitting models.
        validation: Telling which model is the best.
        held_out: Telling how good that model is; nothing before sees them.
    """

    train: DataFrame
    validation: DataFrame
    held_out: DataFrame


@dataclass(frozen=True, kw_only=True)
class Splitter:
    """Splits at random, each label in proportion.

    Attributes:
        seed: The same seed gives the same parts.
        held_out: Share of all rows.
        validation: Share of the rows that are not held out.
    """

    seed: int
    held_out: float
    validation: float

    def split(self, table: DataFrame) -> Parts:
        """Return the parts of ``table``, which has a column of labels."""
        seen, held_out = self._in_two(table, self.held_out)
        train, validation = self._in_two(seen, self.validation)
        return Parts(train=train, validation=validation, held_out=held_out)

    def _in_two(self, table: DataFrame, share: float) -> tuple[DataFrame, DataFrame]:
        parts = train_test_split(table, test_size=share, random_state=self.seed, stratify=table[LABEL])
        rest, taken = cast("list[DataFrame]", parts)
        return rest, taken
