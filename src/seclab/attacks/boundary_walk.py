"""Black-box evasion from labels alone: a walk along the decision boundary, in L-infinity or L2."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from seclab.norms import Norm, lengths, shortened, uphill

Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]

# Features per call of the model, 32 MB for each array: bounds memory without costing a tree
# ensemble speed.
_IN_FLIGHT = 2**22


@dataclass(frozen=True, slots=True)
class Walk:
    """How long the boundary is walked.

    Attributes:
        iterations: Rounds of estimating a direction and stepping along it.
        directions: Random directions tried per row in the first round; grows with the root of
            the round.
        halvings: Steps of each binary search.
        probe: Length of a direction, as a fraction of the present distance. Tree ensembles are
            flat between thresholds: too short a probe sees nothing.
    """

    iterations: int = 10
    directions: int = 60
    halvings: int = 10
    probe: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Where the walks ended.

    Attributes:
        adversarial: Shape (n, d).
        queries: Rows sent to the model for each input, the input itself included; shape (n,), int.
        shared: Rows sent for all inputs together: the starts.
    """

    adversarial: np.ndarray
    queries: np.ndarray
    shared: int


def hop_skip_jump(
    predict: Predict,
    x: np.ndarray,
    y: np.ndarray,
    *,
    norm: Norm,
    starts: np.ndarray,
    bounds: tuple[float, float],
    walk: Walk,
    rng: np.random.Generator,
) -> Walked:
    """Walk along the decision boundary towards each input, all rows in one batch.

    Args:
        predict: Labels (n,) of inputs (n, d); the only thing asked of the model.
        x: Inputs of shape (n, d).
        y: Their true labels, shape (n,).
        norm: ``linf`` or ``l2``: the distance that is made small.
        starts: Candidate starting points of shape (m, d), for example images the attacker owns.
            The nearest one that is not labelled ``y`` starts the walk.
        bounds: Smallest and largest feature value.
        walk: Length of the search, and with it the number of queries.
        rng: Source of the random directions.

    Returns:
        Inputs of shape (n, d): misclassified and as near as the walk came, or ``x`` itself where
        the model misclassifies it already or no start was misclassified. With them the queries.

    References:
        Chen, Jordan and Wainwright (2020), HopSkipJumpAttack: a query-efficient decision-based
        attack, arXiv:1904.02144. Otherwise than there the length of a probe does not shrink with
        the number of features, and a step that leads no nearer is taken back.
    """
    found, queries = x.astype(float), np.ones(len(x), dtype=np.int64)
    start, startable = _nearest_starts(predict(starts), starts, x, y, norm)
    rows = np.flatnonzero(startable & (predict(x) == y))
    if not rows.size:
        return Walked(found, queries, len(starts))
    asked = 0

    def counted(points: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(points)
        return predict(points)

    search = _Search(counted, x[rows], y[rows], norm, bounds, walk.halvings)
    near = search.approach(start[rows])
    for iteration in range(1, walk.iterations + 1):
        directions = int(walk.directions * np.sqrt(iteration))
        slope = search.direction(near, directions, walk.probe, rng)
        near = search.step(near, slope, iteration)
    found[rows] = near
    # Every question is put for all rows that walk: each has its equal part.
    queries[rows] += asked // rows.size
    return Walked(found, queries, len(starts))


def _nearest_starts(
    labels: np.ndarray, starts: np.ndarray, x: np.ndarray, y: np.ndarray, norm: Norm
) -> tuple[np.ndarray, np.ndarray]:
    """For each row the nearest start of another label, and whether there is one."""
    distances = np.stack([lengths(starts - row, norm) for row in x])
    distances[labels[None, :] == y[:, None]] = np.inf
    nearest = distances.argmin(axis=1)
    return starts[nearest], np.isfinite(distances.min(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    predict: Predict
    x: np.ndarray
    y: np.ndarray
    norm: Norm
    bounds: tuple[float, float]
    halvings: int

    def fooled(self, points: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points of shape (n, ..., d) are not labelled ``y`` (n,), shape (n, ...)."""
        flat = points.reshape(-1, points.shape[-1])
        size = max(1, _IN_FLIGHT // flat.shape[1])
        labels = np.concatenate(
            [self.predict(flat[first : first + size]) for first in range(0, len(flat), size)]
        )
        per_row = labels.reshape(points.shape[:-1])
        truth = y.reshape(-1, *[1] * (per_row.ndim - 1))
        fooled: np.ndarray = per_row != truth
        return fooled

    def distance(self, points: np.ndarray) -> np.ndarray:
        return lengths(points - self.x, self.norm)

    def approach(self, points: np.ndarray) -> np.ndarray:
        """Shrink the ball around ``x`` by halving while what it leaves of ``points`` still fools.

        In L2 that leads straight to ``x``; in L-infinity it cuts off the features that stand out.
        """
        far, close = self.distance(points), np.zeros(len(points))
        best = points.copy()
        for _ in range(self.halvings):
            middle = (far + close) / 2
            nearer = self.x + shortened(best - self.x, middle, self.norm)
            # Rounding can put x + (best - x) a hair outside the box that both lie in.
            candidate = np.clip(nearer, *self.bounds)
            fooled = self.fooled(candidate, self.y)
            best[fooled] = candidate[fooled]
            far, close = np.where(fooled, middle, far), np.where(fooled, close, middle)
        return best

    def direction(
        self, points: np.ndarray, count: int, probe: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Average random direction that leads across the boundary, shape (n, d), of length 1."""
        reach = probe * self.distance(points)
        at_once = max(1, _IN_FLIGHT // (count * points.shape[1]))
        slope = np.empty_like(points)
        for first in range(0, len(points), at_once):
            rows = slice(first, first + at_once)
            here = points[rows, None, :]
            noise = _directions((len(here), count, points.shape[1]), self.norm, rng)
            probes = np.clip(here + reach[rows, None, None] * noise, *self.bounds)
            # The noise that was really applied: at the edge of the box part of it is cut away.
            applied = probes - here
            outcome = np.where(self.fooled(probes, self.y[rows]), 1.0, -1.0)
            outcome -= outcome.mean(axis=1, keepdims=True)
            slope[rows] = np.einsum("nc,ncd->nd", outcome, applied)
        return uphill(slope, self.norm)

    def step(self, points: np.ndarray, slope: np.ndarray, iteration: int) -> np.ndarray:
        """Step along ``slope``, halving until the step still fools, then approach again."""
        length = self.distance(points) / np.sqrt(iteration)
        stepped, pending = points.copy(), np.ones(len(points), dtype=bool)
        for _ in range(self.halvings):
            candidate = np.clip(points + length[:, None] * slope, *self.bounds)
            fooled = self.fooled(candidate, self.y) & pending
            stepped[fooled] = candidate[fooled]
            pending &= ~fooled
            if not pending.any():
                break
            length = np.where(pending, length / 2, length)
        nearer = self.approach(stepped)
        keep = self.distance(nearer) < self.distance(points)
        return np.where(keep[:, None], nearer, points)


def _directions(shape: tuple[int, int, int], norm: Norm, rng: np.random.Generator) -> np.ndarray:
    """Random directions of length 1: corners of the cube, or points spread over the sphere."""
    if norm == "linf":
        return rng.choice(np.array([-1.0, 1.0]), size=shape)
    noise = rng.normal(size=shape)
    noise /= lengths(noise, norm)[..., None]
    return noise
