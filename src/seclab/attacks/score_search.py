"""Black-box evasion from class probabilities: random search under a budget of queries."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

PredictProba: TypeAlias = Callable[[np.ndarray], np.ndarray]

_FIRST_SHARE = 0.3  # of the features, changed by the first proposals
# The share halves where these fractions of the budget are spent: Square Attack's own schedule.
_HALVED_AT = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
_IN_FLIGHT = 2**22  # features proposed in one call: 32 MB for each array, however many rows
_STRETCHES = 4  # the box cuts off what was stretched: each turn gives the rest back to the others


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """Where a search ended.

    Attributes:
        adversarial: Shape (n, d), inside ball and bounds: a misclassified row where the search
            found one, otherwise the row of smallest margin that it saw.
        queries: Rows sent to the model for each row until it was broken or the budget was spent,
            the question for the unchanged row included; shape (n,), int, each at least 1.
    """

    adversarial: np.ndarray
    queries: np.ndarray


def linf_square_search(
    predict_proba: PredictProba,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    bounds: tuple[float, float],
    queries: int,
    rng: np.random.Generator,
    image_shape: tuple[int, int] | None = None,
    start: np.ndarray | None = None,
    proposals: int = 5,
    lead: float = 0.0,
) -> SearchResult:
    """Move blocks of features from one face of the L-infinity ball to the other, keep what helps.

    What helps is a margin (probability of ``y`` less that of the likeliest other class) that does
    not grow: the probabilities of a tree ensemble are flat between thresholds, and a search that
    refuses equal margins stands still there. All rows that are not broken yet are asked about in
    one call, since the price of a call of a tree ensemble hardly depends on its rows; only where
    millions of features would be in flight are the rows searched in batches, one after the other.

    Args:
        predict_proba: Class probabilities (n, k) of inputs (n, d); the only thing asked.
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Their true classes as columns of the probabilities, shape (n,).
        epsilon: Radius of the ball in the unit of ``x``, at least 0.
        bounds: Smallest and largest feature value.
        queries: Rows that may be sent to the model for each row of ``x``, at least 1.
        rng: Source of the blocks.
        image_shape: (height, width) where rows are images: blocks are squares then, and the
            search starts from vertical stripes. Otherwise both are random features.
        start: Rows of shape (n, d) worth trying first, for example what broke a smaller ball.
            They are drawn into ball and bounds.
        proposals: Candidates for each row in one call, at least 1. More make fewer calls of the
            same budget and lose a little of what the search learns between calls.
        lead: How far the likeliest other class must lead the true one before a row is left
            alone, 0 to 1. What is to fool another model must do more than just fool this one.

    Returns:
        The rows found, and the queries spent on each.

    References:
        Andriushchenko et al. (2020), Square Attack: a query-efficient black-box adversarial
        attack via random search, arXiv:1912.00049.
    """

    def cube(rows: np.ndarray) -> _Cube:
        return _Cube(np.maximum(rows - epsilon, bounds[0]), np.minimum(rows + epsilon, bounds[1]))

    search = _Search(predict_proba, cube, _Blocks(x.shape[1], image_shape), rng, lead)
    return search.run(x, y, start=start, queries=queries, proposals=proposals)


def l2_square_search(
    predict_proba: PredictProba,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    bounds: tuple[float, float],
    queries: int,
    rng: np.random.Generator,
    image_shape: tuple[int, int] | None = None,
    start: np.ndarray | None = None,
    proposals: int = 5,
    lead: float = 0.0,
) -> SearchResult:
    """Move length from one block of features to another on the L2 sphere, keep what helps.

    Args:
        predict_proba: Class probabilities (n, k) of inputs (n, d); the only thing asked.
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Their true classes as columns of the probabilities, shape (n,).
        epsilon: Euclidean radius of the ball in the unit of ``x``, at least 0.
        bounds: Smallest and largest feature value.
        queries: Rows that may be sent to the model for each row of ``x``, at least 1.
        rng: Source of the blocks.
        image_shape: As for :func:`linf_square_search`.
        start: As for :func:`linf_square_search`.
        proposals: As for :func:`linf_square_search`.
        lead: As for :func:`linf_square_search`.

    Returns:
        The rows found, and the queries spent on each.

    References:
        Andriushchenko et al. (2020), arXiv:1912.00049.
    """

    def sphere(rows: np.ndarray) -> _Sphere:
        return _Sphere(rows, epsilon, bounds)

    search = _Search(predict_proba, sphere, _Blocks(x.shape[1], image_shape), rng, lead)
    return search.run(x, y, start=start, queries=queries, proposals=proposals)


class _Ball(Protocol):
    """Ball and box around every input; ``rows`` says which inputs the points belong to."""

    def inside(self, points: np.ndarray) -> np.ndarray:
        """One point (n, d) for every input, drawn into its ball and the box."""
        ...

    def edge(self, signs: np.ndarray) -> np.ndarray:
        """The points (n, d) farthest out in directions of -1 and 1, one for every input."""
        ...

    def proposals(
        self, rows: np.ndarray, points: np.ndarray, blocks: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Points of shape (m, c, d) that change ``points`` (m, d) within ``blocks`` (m, c, d)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Cube:
    low: np.ndarray
    high: np.ndarray

    def inside(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(points, self.low, self.high))

    def edge(self, signs: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(signs > 0, self.high, self.low))

    def proposals(
        self, rows: np.ndarray, points: np.ndarray, blocks: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        low, high, points = self.low[rows][:, None], self.high[rows][:, None], points[:, None]
        # The other face, not a random one: where the box cuts the ball, half of the random ones
        # would change nothing. What lies on no face yet may have to go either way.
        either = np.where(rng.random((*blocks.shape[:2], 1)) < 0.5, low, high)
        other = np.where(points >= high, low, np.where(points <= low, high, either))
        return np.asarray(np.where(blocks, other, points))


@dataclass(frozen=True, slots=True, eq=False)
class _Sphere:
    x: np.ndarray
    epsilon: float
    bounds: tuple[float, float]

    def inside(self, points: np.ndarray) -> np.ndarray:
        change = np.clip(points, *self.bounds) - self.x
        length = np.linalg.norm(change, axis=1, keepdims=True)
        change *= np.divide(
            self.epsilon, length, out=np.ones_like(length), where=length > self.epsilon
        )
        return np.asarray(np.clip(self.x + change, *self.bounds))

    def edge(self, signs: np.ndarray) -> np.ndarray:
        return self._stretched(self.x, signs.astype(float))

    def proposals(
        self, rows: np.ndarray, points: np.ndarray, blocks: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        x, points = self.x[rows][:, None], points[:, None]
        added = rng.normal(size=blocks.shape)
        # Outwards from the box there is nothing to gain.
        added = np.where(points <= self.bounds[0], np.abs(added), added)
        added = np.where(points >= self.bounds[1], -np.abs(added), added)
        sizes = self.epsilon * rng.uniform(0.1, 1.0, (*blocks.shape[:2], 1))
        added *= sizes * blocks / np.sqrt(blocks.sum(axis=2, keepdims=True))
        emptied = rng.permuted(blocks, axis=2)
        return self._stretched(x, np.where(emptied, 0.0, points - x) + added)

    def _stretched(self, x: np.ndarray, change: np.ndarray) -> np.ndarray:
        """``x`` plus ``change`` at full length, as far as the box allows."""
        for _ in range(_STRETCHES):
            length = np.linalg.norm(change, axis=-1, keepdims=True)
            longer = np.divide(self.epsilon, length, out=np.zeros_like(length), where=length > 0)
            change = np.clip(x + change * longer, *self.bounds) - x
        return np.asarray(np.clip(x + change, *self.bounds))


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Which features are changed together: those of a square, or any."""

    columns: int
    image_shape: tuple[int, int] | None

    def signs(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """-1 or 1 for each feature, (rows, columns): the same along each column of an image."""
        height, width = self.image_shape or (1, self.columns)
        stripes = rng.choice(np.array([-1, 1]), size=(rows, 1, width))
        return np.asarray(np.repeat(stripes, height, axis=1).reshape(rows, self.columns))

    def draw(self, shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
        """Masks of shape (*shape, columns), each of about ``share`` of the features, never none."""
        if self.image_shape is None:
            count = max(1, round(share * self.columns))
            ranks = rng.random((*shape, self.columns)).argsort(axis=-1)
            return np.asarray(ranks < count)
        height, width = self.image_shape
        side = max(1, min(round(np.sqrt(share * self.columns)), height, width))
        tall = _runs(height, side, rng.integers(height - side + 1, size=shape))
        wide = _runs(width, side, rng.integers(width - side + 1, size=shape))
        square = tall[..., :, None] & wide[..., None, :]
        return np.asarray(square.reshape(*shape, self.columns))


def _runs(length: int, run: int, first: np.ndarray) -> np.ndarray:
    """Masks of shape (*first.shape, length) that hold from ``first`` on for ``run`` places."""
    after = np.arange(length) - first[..., None]
    return np.asarray((after >= 0) & (after < run))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    predict_proba: PredictProba
    around: Callable[[np.ndarray], _Ball]
    blocks: _Blocks
    rng: np.random.Generator
    lead: float

    def run(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        start: np.ndarray | None,
        queries: int,
        proposals: int,
    ) -> SearchResult:
        """Batch by batch."""
        found, spent = x.astype(float), np.zeros(len(x), dtype=np.int64)
        size = max(1, _IN_FLIGHT // (proposals * x.shape[1]))
        for first in range(0, len(x), size):
            rows = slice(first, first + size)
            begin = None if start is None else start[rows]
            found[rows], spent[rows] = self._batch(
                x[rows], y[rows], start=begin, queries=queries, proposals=proposals
            )
        return SearchResult(found, spent)

    def _batch(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        start: np.ndarray | None,
        queries: int,
        proposals: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows that are broken are asked about no more; the others have all been asked as often."""
        best, ball = x.astype(float), self.around(x)
        margin, fooled = self._judge(x, y)
        spent = np.ones(len(x), dtype=np.int64)
        alive = np.flatnonzero(~fooled)
        firsts = [] if start is None else [ball.inside(start)]
        firsts.append(ball.edge(self.blocks.signs(len(x), self.rng)))
        used = 1
        while alive.size and used < queries:
            count = min(proposals, queries - used)
            if firsts:
                candidates = firsts.pop(0)[alive][:, None]
            else:
                blocks = self.blocks.draw((alive.size, count), _share(used / queries), self.rng)
                candidates = ball.proposals(alive, best[alive], blocks, self.rng)
            used += candidates.shape[1]
            spent[alive] = used
            reached, at, fooled = self._best(candidates, y[alive])
            taken = fooled | (reached <= margin[alive])
            best[alive[taken]], margin[alive[taken]] = at[taken], reached[taken]
            alive = alive[~fooled]
        return best, spent

    def _best(
        self, candidates: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The best candidate of (m, c, d) for each row: its margin, itself, whether it fools."""
        m, c, d = candidates.shape
        flat, fooled = self._judge(candidates.reshape(-1, d), np.repeat(y, c))
        # A tie of two classes is broken by the model: it can fool at a margin of exactly 0.
        order = np.where(fooled, -2.0, flat).reshape(m, c)
        chosen = order.argmin(axis=1) + c * np.arange(m)
        return flat[chosen], candidates.reshape(-1, d)[chosen], fooled[chosen]

    def _judge(self, points: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Margin of the true class over the likeliest other, and whether it is wrong enough."""
        probabilities = self.predict_proba(points)
        rows = np.arange(len(points))
        others = probabilities.copy()
        others[rows, y] = -np.inf
        margin = probabilities[rows, y] - others.max(axis=1)
        return margin, (probabilities.argmax(axis=1) != y) & (margin <= -self.lead)


def _share(progress: float) -> float:
    """Share of the features that a proposal changes, by the fraction of the budget spent."""
    return float(_FIRST_SHARE / 2 ** np.searchsorted(_HALVED_AT, progress))
