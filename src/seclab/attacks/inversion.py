"""Model inversion: inputs that a model is sure of, kept near to what such inputs look like."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np

LossGradient: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
PredictProba: TypeAlias = Callable[[np.ndarray], np.ndarray]

_LEAST = 1e-6  # a tree ensemble may give a class no probability at all, which has no logarithm
# Adam's, but for the step: coordinates have a spread of 1, whatever the features are.
_STEP, _FIRST, _SECOND, _TINY = 0.1, 0.9, 0.999, 1e-8
# The search by scores: how far the first proposals go, and how that changes with their success.
_REACH, _LONGER, _SHORTER, _SHORTEST, _LONGEST = 0.5, 1.5, 0.9, 0.01, 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What an attacker knows of the inputs before the first question: a normal distribution.

    Attributes:
        mean: The mean input, shape (d,).
        axes: Principal axes, each as long as the standard deviation along it, shape (k, d).
        bounds: Smallest and largest feature value.
    """

    mean: np.ndarray
    axes: np.ndarray
    bounds: tuple[float, float]

    @classmethod
    def of(cls, rows: np.ndarray, *, variance: float, bounds: tuple[float, float]) -> Self:
        """Fit the prior to rows without labels.

        Args:
            rows: Shape (n, d), n at least 2, not all equal.
            variance: Share of the variance that the axes have to cover, above 0, at most 1.
            bounds: Smallest and largest feature value.
        """
        mean = rows.mean(axis=0)
        _, lengths, directions = np.linalg.svd(rows - mean, full_matrices=False)
        used = lengths > lengths[0] * 1e-9
        covered = np.cumsum(lengths**2) / np.sum(lengths**2)
        count = min(int(np.searchsorted(covered, variance)) + 1, int(used.sum()))
        spread = lengths[:count] / np.sqrt(len(rows) - 1)
        return cls(mean, directions[:count] * spread[:, None], bounds)

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Rows (n, d) in standard deviations along the axes, shape (n, k)."""
        inverse = self.axes / np.sum(self.axes**2, axis=1, keepdims=True)
        found: np.ndarray = (rows - self.mean) @ inverse.T
        return found

    def rows(self, coordinates: np.ndarray) -> np.ndarray:
        """Rows (n, d) inside the bounds for coordinates (n, k)."""
        found: np.ndarray = np.clip(self.mean + coordinates @ self.axes, *self.bounds)
        return found


def invert_by_gradient(
    loss_gradient: LossGradient,
    labels: np.ndarray,
    *,
    prior: Prior,
    start: np.ndarray,
    weight: float,
    steps: int,
) -> np.ndarray:
    """Follow the gradient to inputs of high probability, for the model and under the prior.

    Minimised is the cross-entropy plus ``weight`` times half the squared length of the
    coordinates, by Adam. A row that the bounds cut off keeps its gradient, so that it can come
    back from them.

    Args:
        loss_gradient: Cross-entropy (n,) and gradient (n, d) at inputs (n, d) for labels (n,).
        labels: The class that each row is to belong to, shape (n,).
        prior: What is known of the inputs.
        start: Rows to start from, shape (n, d).
        weight: How much the prior counts; at 1 the result is the likeliest input given the class.
        steps: Gradients asked for each row, at least 1.

    Returns:
        Rows of shape (n, d) inside the bounds: the best that each start came by.

    References:
        Fredrikson, Jha and Ristenpart (2015), Model inversion attacks that exploit confidence
        information and basic countermeasures, doi 10.1145/2810103.2813677. Kingma and Ba (2015),
        Adam: a method for stochastic optimization, arXiv:1412.6980.
    """
    at = prior.coordinates(start)
    first, second = np.zeros_like(at), np.zeros_like(at)
    best, lowest = at.copy(), np.full(len(at), np.inf)
    for step in range(1, steps + 1):
        loss, slope = loss_gradient(prior.rows(at), labels)
        cost = loss + _length(at, weight)
        better = cost < lowest
        best[better], lowest[better] = at[better], cost[better]
        slope = slope @ prior.axes.T + weight * at
        first = _FIRST * first + (1.0 - _FIRST) * slope
        second = _SECOND * second + (1.0 - _SECOND) * slope**2
        ahead = first / (1.0 - _FIRST**step)
        at = at - _STEP * ahead / (np.sqrt(second / (1.0 - _SECOND**step)) + _TINY)
    return prior.rows(best)


def invert_by_scores(
    predict_proba: PredictProba,
    columns: np.ndarray,
    *,
    prior: Prior,
    start: np.ndarray,
    weight: float,
    queries: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Search the same inputs by probabilities alone: step in a random direction, keep what helps.

    A step that helps makes the next one longer, one that does not makes it shorter. Equal values
    count as help: the probabilities of a tree ensemble are flat between thresholds.

    Args:
        predict_proba: Class probabilities (n, c) of inputs (n, d); the only thing asked.
        columns: The column of the probabilities that each row is to raise, shape (n,).
        prior: What is known of the inputs.
        start: Rows to start from, shape (n, d).
        weight: As for :func:`invert_by_gradient`.
        queries: Answers for each row, at least 1.
        rng: Draws the directions.

    Returns:
        Rows of shape (n, d) inside the bounds: the best that each start came by.

    References:
        Fredrikson, Jha and Ristenpart (2015), doi 10.1145/2810103.2813677. Schumer and Steiglitz
        (1968), Adaptive step size random search, doi 10.1109/TAC.1968.1098903.
    """

    def cost(coordinates: np.ndarray) -> np.ndarray:
        answers = predict_proba(prior.rows(coordinates))[np.arange(len(columns)), columns]
        found: np.ndarray = _length(coordinates, weight) - np.log(np.maximum(answers, _LEAST))
        return found

    at = prior.coordinates(start)
    lowest, reach = cost(at), np.full(len(at), _REACH)
    for _ in range(queries - 1):
        tried = at + reach[:, None] * rng.normal(size=at.shape)
        costs = cost(tried)
        better = costs <= lowest
        at[better], lowest[better] = tried[better], costs[better]
        reach = np.clip(reach * np.where(better, _LONGER, _SHORTER), _SHORTEST, _LONGEST)
    return prior.rows(at)


def _length(coordinates: np.ndarray, weight: float) -> np.ndarray:
    """The price of being unlikely under the prior, shape (n,)."""
    price: np.ndarray = weight / 2.0 * np.sum(coordinates**2, axis=1)
    return price
