"""Membership from labels alone: rows of the training lie further from the decision boundary."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_AT_ONCE = 2**22  # values of noise held at once, 32 MB: memory does not grow with the rows


@dataclass(frozen=True, slots=True)
class NoiseProbe:
    """How much noise is tried on a row.

    Attributes:
        directions: Random directions, at least 1.
        sizes: Sizes tried along each, evenly up to the width of the feature range, at least 1.
    """

    directions: int = 20
    sizes: int = 16


def noise_robustness(
    predict: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    bounds: tuple[float, float],
    probe: NoiseProbe,
    rng: np.random.Generator,
) -> np.ndarray:
    """How large noise must be until the label is wrong: a cheap distance to the boundary.

    Noise is uniform, of directions of its own for each row, and grows in steps along each until
    the first wrong label; what is past that is not asked.

    Args:
        predict: Labels (n,) of rows (n, d), the only thing asked of the model: once for all rows,
            and for as many of them as are tried together once for each size with what is still
            alive of rows and directions. At most ``n * (1 + directions * sizes)`` queries.
        x: Rows of shape (n, d), inside the bounds.
        y: Their true labels, shape (n,).
        bounds: Smallest and largest feature value; noise is clipped to them.
        probe: How many directions and sizes.
        rng: Source of the directions.

    Returns:
        Scores of shape (n,), 0 to 1: the mean share of sizes, size 0 included, that the right
        label survives. 0 where it is wrong without noise; higher means "more likely a member".

    References:
        Choquette-Choo et al. (2021), Label-only membership inference attacks, arXiv:2007.14321.
    """
    right = predict(x) == y
    together = max(1, _AT_ONCE // (probe.directions * x.shape[1]))
    survived = [
        _survived(predict, x[rows], y[rows], right[rows], bounds=bounds, probe=probe, rng=rng)
        for rows in (slice(start, start + together) for start in range(0, len(x), together))
    ]
    scores: np.ndarray = np.concatenate(survived).mean(axis=1) / (probe.sizes + 1)
    return scores


def _survived(
    predict: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    right: np.ndarray,
    *,
    bounds: tuple[float, float],
    probe: NoiseProbe,
    rng: np.random.Generator,
) -> np.ndarray:
    """How many sizes, 0 included, the right label survives, shape (n, directions)."""
    low, high = bounds
    survived = np.where(right[:, None], 1, 0).repeat(probe.directions, axis=1)
    noise = rng.uniform(low - high, high - low, (len(x), probe.directions, x.shape[1]))
    rows, directions = np.nonzero(survived)
    for size in range(1, probe.sizes + 1):
        if not rows.size:
            break
        moved = x[rows] + size / probe.sizes * noise[rows, directions]
        alive = predict(np.clip(moved, low, high)) == y[rows]
        rows, directions = rows[alive], directions[alive]
        survived[rows, directions] += 1
    return survived
