"""Probabilities that are too small for anything but their logarithm."""

import numpy as np
from scipy.special import betainc

_SMALLEST = 1e-300


def surprise(hits: np.ndarray, trials: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """How surprising it is to hit at least that often.

    Args:
        hits: Counts of hits.
        trials: Counts of trials, not below the hits; broadcast against them.
        rate: Chance of a hit, 0 to 1, likewise.

    Returns:
        Minus the natural logarithm of the upper tail of the binomial distribution, 0 to 691: 0
        where nothing was hit, and cut off where the tail is below 1e-300.
    """
    hits, trials, rate = np.broadcast_arrays(
        np.asarray(hits, dtype=float), np.asarray(trials, dtype=float), np.asarray(rate, float)
    )
    tail = betainc(np.maximum(hits, 1.0), trials - hits + 1.0, np.clip(rate, 0.0, 1.0))
    answer: np.ndarray = np.where(hits > 0, -np.log(np.clip(tail, _SMALLEST, 1.0)), 0.0)
    return answer
