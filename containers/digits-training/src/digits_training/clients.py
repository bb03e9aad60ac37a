"""Where the digits come from."""

from typing import TYPE_CHECKING, cast

from pandas import DataFrame

if TYPE_CHECKING:
    from sklearn.utils import Bunch

LABEL = "label"
"""Column that says which digit an image shows, 0 to 9; every other column is a feature."""


class DigitsClient:
    """Reads the handwritten digits that ship inside scikit-learn: 1,797 images of 8 x 8 pixels, no download.

    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
    """

    def read(self) -> DataFrame:
        """Return one row an image: 64 pixels (float64, 0 to 16) and its label (int64)."""
        from sklearn.datasets import load_digits  # noqa: PLC0415  # a fake client needs no scikit-learn

        digits = cast("Bunch", load_digits(as_frame=True))
        frame = cast("DataFrame", digits.frame)
        return frame.rename(columns={"target": LABEL})
