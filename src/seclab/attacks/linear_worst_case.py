"""White-box evasion of a softmax regression, solved exactly: nothing in the ball does better.

For an affine model the margin over one other class is linear in the input. Its minimum over ball
and box moves every feature against its slope, each at its own rate until it meets the edge of the
box: at equal rates in the L-infinity norm, at the rate of the slope in the L2 norm (the conditions
of Karush, Kuhn and Tucker). How far is one number per row, found by sorting the features by when
they meet the edge; no iteration, no tolerance but that of float64.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

_CHUNK = 2_000_000  # entries of a temporary array: 16 MB each, however many rows and features

# By how much a smallest change goes on beyond the tie, as a fraction of what the margin can move
# inside the box: far above the rounding of the model's answer, far below what anybody measures.
_BEYOND = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class WorstCase:
    """The lowest margin inside ball and box, and where it is.

    Attributes:
        adversarial: Inputs inside ball and box, up to the last bits of a float64; shape (n, d).
        margin: Score of the true class less the highest other score there, shape (n,). Below 0
            the row is misclassified, above 0 nothing in the ball misclassifies it.
    """

    adversarial: np.ndarray
    margin: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class SmallestChange:
    """The smallest change that takes the margin to 0, and an input just beyond it.

    Attributes:
        adversarial: Inputs inside the box, shape (n, d): beyond the boundary by a billionth of
            what the margin can move inside the box, for at the tie itself rounding decides the
            answer. ``x`` where it is misclassified already or nothing in the box misclassifies.
        distance: Norm of the smallest change, shape (n,): 0 where the margin of ``x`` is not
            above 0, infinite where the margin is above 0 in all of the box. No change of a
            smaller norm is misclassified.
    """

    adversarial: np.ndarray
    distance: np.ndarray


def linf_linear_worst_case(
    weights: np.ndarray,
    bias: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    bounds: tuple[float, float],
) -> WorstCase:
    """The lowest margin of an affine model in an L-infinity ball, inside the box.

    Args:
        weights: Score per feature and class, shape (d, k) with k at least 2.
        bias: Score per class, shape (k,).
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Indexes of their true classes, shape (n,).
        epsilon: Radius of the ball in the unit of ``x``, at least 0 and finite.
        bounds: Smallest and largest feature value.

    Returns:
        The example and its margin, for the other class that comes closest.

    References:
        Goodfellow et al. (2015), Explaining and harnessing adversarial examples, arXiv:1412.6572,
        section 5, for the closed form without a box.
    """
    problem = _Problem(weights, bias, x, y, bounds, np.inf)
    return _worst_case(problem, epsilon, lambda pull: np.full(len(pull.room), epsilon))


def l2_linear_worst_case(
    weights: np.ndarray,
    bias: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    bounds: tuple[float, float],
) -> WorstCase:
    """The lowest margin of an affine model in an L2 ball, inside the box.

    Args:
        weights: Score per feature and class, shape (d, k) with k at least 2.
        bias: Score per class, shape (k,).
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Indexes of their true classes, shape (n,).
        epsilon: Radius of the ball in the unit of ``x``, at least 0 and finite.
        bounds: Smallest and largest feature value.

    Returns:
        The example and its margin, for the other class that comes closest.

    References:
        Boyd and Vandenberghe (2004), Convex optimization, section 5.5.3 (the conditions) and
        example 5.2 (water-filling, which has the same form).
    """

    def saturating(pull: _Pull) -> np.ndarray:
        # Of the squares, so that the norm is a sum over features that saturate one by one.
        budget = np.full(len(pull.room), epsilon**2)
        level: np.ndarray = np.sqrt(_level(pull.slope**2, pull.room**2, budget))
        return level

    return _worst_case(_Problem(weights, bias, x, y, bounds, 2.0), epsilon, saturating)


def linf_linear_minimal(
    weights: np.ndarray,
    bias: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    bounds: tuple[float, float],
) -> SmallestChange:
    """The smallest change in the L-infinity norm that an affine model gets wrong.

    Args:
        weights: Score per feature and class, shape (d, k) with k at least 2.
        bias: Score per class, shape (k,).
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Indexes of their true classes, shape (n,).
        bounds: Smallest and largest feature value.

    Returns:
        The example and its distance, towards the other class that is nearest.

    References:
        As :func:`linf_linear_worst_case`, solved for the radius.
    """
    return _smallest_change(_Problem(weights, bias, x, y, bounds, np.inf))


def l2_linear_minimal(
    weights: np.ndarray,
    bias: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    bounds: tuple[float, float],
) -> SmallestChange:
    """The smallest change in the L2 norm that an affine model gets wrong.

    Args:
        weights: Score per feature and class, shape (d, k) with k at least 2.
        bias: Score per class, shape (k,).
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Indexes of their true classes, shape (n,).
        bounds: Smallest and largest feature value.

    Returns:
        The example and its distance, towards the other class that is nearest.

    References:
        Moosavi-Dezfooli et al. (2016), DeepFool, arXiv:1511.04599, equation 4, for the closed
        form without a box; with a box as :func:`l2_linear_worst_case`, solved for the radius.
    """
    return _smallest_change(_Problem(weights, bias, x, y, bounds, 2.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Pull:
    """Towards one other class: how each feature moves the margin, and how far it can go.

    Attributes:
        sign: Direction in which the margin falls, (n, d).
        slope: By how much it falls per unit, (n, d), at least 0.
        room: Distance to the edge of the box in that direction, 0 without a slope; (n, d).
        rate: How fast each feature moves in the best change, (n, d).
        margin: Margin at the input, (n,).
    """

    sign: np.ndarray
    slope: np.ndarray
    room: np.ndarray
    rate: np.ndarray
    margin: np.ndarray

    def change(self, level: np.ndarray) -> np.ndarray:
        """How far each feature has moved, (n, d), at a level of shape (n,)."""
        with np.errstate(invalid="ignore"):  # an infinite level at no rate: fmin takes the room, 0
            moved: np.ndarray = np.fmin(level[:, None] * self.rate, self.room)
        return moved


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    weights: np.ndarray
    bias: np.ndarray
    x: np.ndarray
    y: np.ndarray
    bounds: tuple[float, float]
    order: float

    def pull(self, rows: np.ndarray, other: np.ndarray) -> _Pull:
        x, y, columns = self.x[rows], self.y[rows], self.weights.T
        toward = columns[other] - columns[y]
        margin = self.bias[y] - self.bias[other] - (x * toward).sum(axis=1)
        room = np.where(toward > 0.0, self.bounds[1] - x, x - self.bounds[0])
        sign, slope = np.sign(toward), np.abs(toward)
        rate = np.abs(sign) if np.isinf(self.order) else slope
        return _Pull(sign, slope, np.where(toward == 0.0, 0.0, room), rate, margin)

    def moved(self, rows: np.ndarray, pull: _Pull, change: np.ndarray) -> np.ndarray:
        # Rounding can put x + (bound - x) a hair outside the box that it is the edge of.
        moved: np.ndarray = np.clip(self.x[rows] + pull.sign * change, *self.bounds)
        return moved

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """A few rows at a time; other classes, margins and their dual norms of (m, k - 1)."""
        columns, classes = self.weights.T, len(self.bias)
        dual = 1.0 if np.isinf(self.order) else 2.0
        slopes = np.stack([np.linalg.norm(columns - own, ord=dual, axis=1) for own in columns])
        size = max(1, _CHUNK // self.x.shape[1])
        for start in range(0, len(self.x), size):
            rows = np.arange(start, min(start + size, len(self.x)))
            y, at = self.y[rows, None], np.arange(len(rows))[:, None]
            others = (y + np.arange(1, classes)) % classes
            scores = self.x[rows] @ self.weights + self.bias
            yield rows, others, scores[at, y] - scores[at, others], slopes[y, others]


def _worst_case(
    problem: _Problem, epsilon: float, level: Callable[[_Pull], np.ndarray]
) -> WorstCase:
    adversarial, margin = problem.x.copy(), np.full(len(problem.x), np.inf)
    for rows, others, margins, slopes in problem.batches():
        for some, other in _promising(margins - slopes * epsilon, rows, others, margin):
            pull = problem.pull(some, other)
            change = pull.change(level(pull))
            lowest = pull.margin - (pull.slope * change).sum(axis=1)
            better = lowest < margin[some]
            adversarial[some[better]] = problem.moved(some, pull, change)[better]
            margin[some[better]] = lowest[better]
    return WorstCase(adversarial, margin)


def _smallest_change(problem: _Problem) -> SmallestChange:
    adversarial, distance = problem.x.copy(), np.full(len(problem.x), np.inf)
    for rows, others, margins, slopes in problem.batches():
        least = np.where(margins > 0.0, np.inf, 0.0)
        np.divide(margins, slopes, out=least, where=slopes > 0.0)
        for some, other in _promising(least, rows, others, distance):
            pull = problem.pull(some, other)
            rate, gain = pull.rate * pull.slope, pull.slope * pull.room
            tie = _level(rate, gain, pull.margin)
            length = np.linalg.norm(pull.change(tie), ord=problem.order, axis=1)
            change = np.where(np.isinf(tie), np.inf, length)
            better = change < distance[some]
            beyond = np.where(pull.margin < 0.0, 0.0, pull.margin + _BEYOND * gain.sum(axis=1))
            past = pull.change(_level(rate, gain, beyond))
            adversarial[some[better]] = problem.moved(some, pull, past)[better]
            distance[some[better]] = change[better]
    return SmallestChange(adversarial, distance)


def _promising(
    promise: np.ndarray, rows: np.ndarray, others: np.ndarray, best: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows with another class each that, by its bound without a box, can still beat the best.

    The most promising class comes first: often it is the only one that has to be solved for.
    """
    at = np.arange(len(rows))
    for rank in promise.argsort(axis=1).T:
        live = promise[at, rank] < best[rows]
        if not live.any():
            return
        yield rows[live], others[at, rank][live]


def _level(rate: np.ndarray, cap: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest t, (n,), at which the sum over features of ``min(t * rate, cap)`` is the target.

    Rates and caps (n, d) are at least 0, a cap is 0 where the rate is. 0 where the target (n,) is
    not above 0, infinite where the caps together are less.
    """
    ends = np.divide(cap, rate, out=np.zeros_like(cap), where=rate > 0.0)
    order = ends.argsort(axis=1)
    ends, cap, rate = (np.take_along_axis(part, order, axis=1) for part in (ends, cap, rate))
    ended = np.cumsum(cap, axis=1) - cap
    growing = np.cumsum(rate[:, ::-1], axis=1)[:, ::-1]
    reached = ended + ends * growing >= target[:, None]
    rows, first = np.arange(len(target)), reached.argmax(axis=1)
    slope = growing[rows, first]
    missing = target - ended[rows, first]
    level = np.divide(missing, slope, out=np.zeros_like(target), where=slope > 0.0)
    return np.where(reached.any(axis=1), np.maximum(level, 0.0), np.inf)
