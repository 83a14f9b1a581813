"""Path finding: the leaves of a decision tree, box by box, from answers that tell them apart."""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from seclab.attacks.extraction.regions import Exploration, Region, same_answer

Ask: TypeAlias = Callable[[np.ndarray], np.ndarray]


def find_paths(
    ask: Ask,
    starts: np.ndarray,
    *,
    bounds: tuple[float, float],
    budget: int,
    precision: float,
    checks: int,
    rng: np.random.Generator,
) -> Exploration:
    """The boxes of the leaves of a decision tree, from answers that tell its leaves apart.

    Around each row the box grows to the whole feature range and is cut back: the row is moved
    to the lowest corner, all features at once, then to the highest. While the answer changes on
    the way, bisection over the features finds the one that changes it, and bisection over its
    values where. A leaf that tests p of d features so costs about p (log2 d - log2 precision)
    queries, where bisecting every feature would cost 2 d times as many as one bisection. Each cut
    leaves a row just beyond it, and these are explored in turn until none leads to a new box.

    Three things are never paid for: a row that was asked before, a row in a box that is known,
    and the face that a new box was entered through. Where other boxes were cut, a bisection tries
    the same value first, and features that were cut often are told apart first.

    The boxes are those of the leaves, up to the precision, where all leaves have answers of their
    own and the thresholds of each feature lie further apart than the precision. Neighbours of
    equal answers merge. That is harmless where they make up a box together; where they do not,
    the box found may reach over leaves of other answers, which ``checks`` makes less likely and
    cannot exclude. Of a model that is no tree the boxes mean little, and the budget ends the
    search.

    Args:
        ask: Rows (n, d) to answers (n, k), NaN where withheld; every row is one query. Answers
            must be the same for the same leaf: rounding may stay, noise makes each row a leaf.
        starts: Rows to explore first, shape (m, d), m at least 1, inside the bounds.
        bounds: Smallest and largest feature value.
        budget: Most queries, at least 1.
        precision: Size of the steps between which a threshold is bracketed, as a fraction of the
            feature range above 0. Steps count from the lowest value: no bracket separates data
            that lies on them, as whole numbers may.
        checks: Random corners of each box that are asked beyond the two; 0 is enough where all
            leaves differ.
        rng: Decides the corners.

    Returns:
        What was asked and found. A smaller budget asks the first of the same rows.

    References:
        Tramèr et al. (2016), Stealing machine learning models via prediction APIs,
        arXiv:1609.02943, section 4.2.
    """
    service = _Service(ask, budget)
    explorer = _Explorer(service, bounds, precision * (bounds[1] - bounds[0]), checks, rng)
    try:
        for start in starts:
            explorer.explore(_Seed(start))
        while explorer.seeds:
            explorer.explore(explorer.seeds.popleft())
    except _Spent:
        complete = False
    else:
        complete = True
    asked, answers = np.array(service.asked), np.array(service.answers)
    return Exploration(asked, answers, tuple(service.regions), complete)


class _Spent(Exception):
    """Nothing more may be asked."""


class _Service:
    """Answers a row from what is known, or else asks: at most the budget, and no row twice."""

    def __init__(self, ask: Ask, budget: int) -> None:
        self._ask, self._budget = ask, budget
        self._known: dict[bytes, np.ndarray] = {}
        self._boxes: np.ndarray | None = None
        self.asked: list[np.ndarray] = []
        self.answers: list[np.ndarray] = []
        self.regions: list[Region] = []

    def __call__(self, row: np.ndarray) -> np.ndarray:
        """The answer for a row of shape (d,), as shape (k,)."""
        key = (row + 0.0).tobytes()  # adding zero turns -0.0 into 0.0
        if key not in self._known:
            region = self._region(row)
            if region is not None:
                return region.answer
            if len(self.asked) == self._budget:
                raise _Spent
            self._known[key] = self._ask(row[None])[0]
            self.asked.append(row.copy())
            self.answers.append(self._known[key])
        return self._known[key]

    def add(self, region: Region) -> None:
        """From now on what lies within the box is known."""
        self.regions.append(region)
        box = region.inner[None]
        self._boxes = box if self._boxes is None else np.concatenate([self._boxes, box])

    def _region(self, row: np.ndarray) -> Region | None:
        if self._boxes is None:
            return None
        inside = ((self._boxes[:, 0] <= row) & (row <= self._boxes[:, 1])).all(axis=1)
        return self.regions[int(inside.argmax())] if inside.any() else None


class _Seed:
    """A row to explore, and the face that it was found behind: column and value before it."""

    def __init__(self, row: np.ndarray, column: int | None = None, before: float = 0.0) -> None:
        self.row, self.column, self.before = row, column, before


class _Explorer:
    """Finds the box around a row, and rows just outside it."""

    def __init__(
        self,
        service: _Service,
        bounds: tuple[float, float],
        step: float,
        checks: int,
        rng: np.random.Generator,
    ) -> None:
        self._service, self._bounds, self._step = service, bounds, step
        self._checks, self._rng = checks, rng
        self._cuts: dict[int, set[tuple[float, float]]] = {}
        self.seeds: deque[_Seed] = deque()

    def explore(self, seed: _Seed) -> None:
        """Find the box around a row, unless it is known."""
        answer = self._service(seed.row)
        if any(region.holds(seed.row, answer) for region in self._service.regions):
            return
        box = _Box(seed, answer, self._bounds)
        for side in (0, 1):
            self._walk(box, box.inner[side].copy())
        for _ in range(self._checks):
            lowest = self._rng.random(len(seed.row)) < 0.5
            self._walk(box, np.where(lowest, *box.inner))
        queries = len(self._service.asked)
        self._service.add(Region(answer, box.inner, box.outer, queries))

    def _walk(self, box: "_Box", corner: np.ndarray) -> None:
        """Move from the row to a corner of its box, and cut the box wherever the answer changes."""
        here, left = box.row.copy(), self._often_cut_first(np.flatnonzero(corner != box.row))
        while left.size:
            first = self._first_that_matters(box, here, corner, left)
            if first is None:
                return
            here[left[:first]] = corner[left[:first]]
            column = int(left[first])
            inside, outside = self._bisect(box, here, column, float(corner[column]))
            box.cut(column, inside, outside)
            self._cuts.setdefault(column, set()).add((min(inside, outside), max(inside, outside)))
            self.seeds.append(_Seed(_moved(here, column, outside), column, inside))
            here[column] = inside
            left = left[first + 1 :]

    def _often_cut_first(self, columns: np.ndarray) -> np.ndarray:
        return columns[np.argsort(-self._weights(columns), kind="stable")]

    def _weights(self, columns: np.ndarray) -> np.ndarray:
        return np.array([1.0 + len(self._cuts.get(int(column), ())) for column in columns])

    def _first_that_matters(
        self, box: "_Box", here: np.ndarray, corner: np.ndarray, columns: np.ndarray
    ) -> int | None:
        """How many of the columns can be moved to the corner before the answer changes."""

        def changes(count: int) -> bool:
            moved = here.copy()
            moved[columns[:count]] = corner[columns[:count]]
            return not same_answer(self._service(moved), box.answer)

        if not changes(len(columns)):
            return None
        share = np.concatenate([[0.0], np.cumsum(self._weights(columns))])
        same, other = 0, len(columns)
        while other - same > 1:
            middle = int(np.searchsorted(share, (share[same] + share[other]) / 2.0))
            middle = min(max(middle, same + 1), other - 1)
            same, other = (same, middle) if changes(middle) else (middle, other)
        return same

    def _bisect(
        self, box: "_Box", here: np.ndarray, column: int, outside: float
    ) -> tuple[float, float]:
        """The values of a column between which the answer changes, inside and outside the box."""
        inside = float(here[column])
        while True:
            value = self._next_value(column, inside, outside)
            if not min(inside, outside) < value < max(inside, outside):
                return inside, outside
            if same_answer(self._service(_moved(here, column, value)), box.answer):
                inside = value
            else:
                outside = value

    def _next_value(self, column: int, inside: float, outside: float) -> float:
        """An end of a cut that is known to lie between, otherwise a step near the middle."""
        low, high = min(inside, outside), max(inside, outside)
        between = sorted(
            cut for cut in self._cuts.get(column, ()) if low <= cut[0] and cut[1] <= high
        )
        if not between:
            steps = round(((low + high) / 2.0 - self._bounds[0]) / self._step)
            return self._bounds[0] + steps * self._step
        near, far = between[len(between) // 2][:: 1 if inside < outside else -1]
        return near if far == outside else far


class _Box:
    """What is left of the feature range around a row."""

    def __init__(self, seed: _Seed, answer: np.ndarray, bounds: tuple[float, float]) -> None:
        self.row, self.answer = seed.row, answer
        self.inner = np.repeat(np.array(bounds)[:, None], len(seed.row), axis=1)
        self.outer = self.inner.copy()
        if seed.column is not None:
            self.cut(seed.column, float(seed.row[seed.column]), seed.before)

    def cut(self, column: int, inside: float, outside: float) -> None:
        """End the box between two values of a column."""
        side = int(outside > inside)
        self.inner[side, column], self.outer[side, column] = inside, outside


def _moved(row: np.ndarray, column: int, value: float) -> np.ndarray:
    moved = row.copy()
    moved[column] = value
    return moved
