"""How many rows of each group lie near each value of a feature, from one sorting of it."""

import numpy as np


class Tally:
    """The distinct values of one feature, and where each row has its own among them.

    Sorted once for all groups of rows that are counted: a feature costs n log n, whatever the
    number of labels and of distances asked about.

    Attributes:
        values: Distinct values, ascending, shape (v,).
    """

    __slots__ = ("_place", "values")

    def __init__(self, column: np.ndarray) -> None:
        """Sort the feature, finite numbers of shape (n,)."""
        self.values, self._place = np.unique(column, return_inverse=True)

    def below(self, groups: np.ndarray, count: int, rows: np.ndarray | None = None) -> np.ndarray:
        """How many rows of each group have one of the first values.

        Args:
            groups: Group of each row counted, 0 to ``count`` - 1.
            count: Number of groups.
            rows: Indexes of the rows counted; None: all.

        Returns:
            Integers of shape (count, v + 1): column i counts the rows with one of the first i
            values, so that a range of values costs one subtraction.
        """
        place = self._place if rows is None else self._place[rows]
        size = self.values.size
        counts = np.bincount(groups * size + place, minlength=count * size).reshape(count, size)
        sums = np.zeros((count, size + 1), dtype=np.int64)
        np.cumsum(counts, axis=1, out=sums[:, 1:])
        return sums

    def reaching(self, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """For each value the first and the last place, exclusive, of those within reach of it.

        An infinite reach is that of all values from each upwards.
        """
        places = np.arange(self.values.size)
        if np.isinf(reach):
            return places, np.full_like(places, self.values.size)
        if reach == 0.0:
            return places, places + 1
        first: np.ndarray = np.searchsorted(self.values, self.values - reach, "left")
        last: np.ndarray = np.searchsorted(self.values, self.values + reach, "right")
        return first, last
