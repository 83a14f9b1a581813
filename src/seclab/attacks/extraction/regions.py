"""Boxes that answer alike, and the copy that they make together with single rows."""

from dataclasses import dataclass

import numpy as np

from seclab.attacks.extraction.surrogates import Copy
from seclab.models.answers import filled


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A box in which every answer was the same.

    Attributes:
        answer: What was answered there, shape (k,), NaN where withheld.
        inner: Lowest and highest values that are known to belong to the box, shape (2, d).
        outer: The nearest values known not to, shape (2, d); those of ``inner`` where the box
            ends with the feature range.
        queries: Rows that had been asked when the box was finished.
    """

    answer: np.ndarray
    inner: np.ndarray
    outer: np.ndarray
    queries: int

    def holds(self, row: np.ndarray, answer: np.ndarray) -> bool:
        """Whether a row of shape (d,) with this answer is one of the box, or of its gaps."""
        above = (self.inner[0] <= row) | (self.outer[0] < row)
        below = (row <= self.inner[1]) | (row < self.outer[1])
        return bool((above & below).all()) and same_answer(answer, self.answer)


@dataclass(frozen=True, slots=True, eq=False)
class Exploration:
    """What path finding asked and found.

    Attributes:
        asked: The rows in the order they were asked, shape (q, d); none is asked twice.
        answers: What was told of them, shape (q, k).
        regions: The boxes that were finished, in that order.
        complete: Whether nothing was left to explore: every face of every box leads to a box.
    """

    asked: np.ndarray
    answers: np.ndarray
    regions: tuple[Region, ...]
    complete: bool

    @property
    def queries(self) -> int:
        """How many rows were asked."""
        return len(self.asked)

    def copy(self, budget: int | None = None) -> Copy:
        """What the first questions alone make of the model.

        Args:
            budget: How many of the questions count, at least 1; ``None`` for all of them.

        Returns:
            Rows of shape (n, d) to scores of shape (n, k): the answer of the box that a row lies
            in, of the smallest where boxes overlap; outside of them that of whatever is nearest
            by Euclidean distance, a box or a row that was asked. What was withheld is spread
            evenly.
        """
        limit = self.queries if budget is None else budget
        found = [region for region in self.regions if region.queries <= limit]
        found.sort(key=lambda region: float(np.log(region.outer[1] - region.outer[0]).sum()))
        asked, answers = self.asked[:limit], self.answers[:limit]
        boxes = np.array([(region.inner + region.outer) / 2.0 for region in found])
        boxes = boxes.reshape(-1, 2, asked.shape[1])
        low, high = boxes[:, 0], boxes[:, 1]
        alone = [not ((low <= row) & (row <= high)).all(axis=1).any() for row in asked]
        every = np.concatenate([boxes, np.stack([asked[alone]] * 2, axis=1)])
        scores = filled(np.vstack([*(region.answer for region in found), answers[alone]]))
        return lambda rows: scores[_nearest(every, rows)]


def same_answer(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two answers of shape (k,) are one: summing in another order makes no difference."""
    return np.allclose(one, other, rtol=0.0, atol=1e-9, equal_nan=True)


def _nearest(boxes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The index of the nearest box for each row, the first of several, shape (n,)."""
    nearest = np.zeros(len(rows), dtype=int)
    least = np.full(len(rows), np.inf)
    for index, (low, high) in enumerate(boxes):
        distance = ((rows - np.clip(rows, low, high)) ** 2).sum(axis=1)
        nearest[distance < least] = index
        least = np.minimum(least, distance)
    return nearest
