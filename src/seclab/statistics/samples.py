"""Means and medians of samples of any range."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from seclab.measurement import Estimate, Interval
from seclab.statistics.levels import LEVEL


def mean_of(values: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """A mean with Student's interval.

    Args:
        values: Independent values of shape (n,), n at least 2.
        level: Confidence level, 0 to 1.

    Raises:
        ValueError: Fewer than two values, which have no spread to estimate, or a NaN.

    References:
        Student (1908), The probable error of a mean.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size < 2 or np.isnan(sample).any():
        raise ValueError(f"a mean needs two values and no NaN, got {sample.size} values")
    value, error = float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(sample.size)
    reach = float(scipy.special.stdtrit(sample.size - 1, 0.5 + level / 2)) * error
    return Estimate(value, Interval(value - reach, value + reach, level, "student"), sample.size)


def median_of(values: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """A median with the exact interval between two order statistics, whatever the distribution.

    Args:
        values: Independent values of shape (n,), n at least 6 for a level of 0.95.
        level: Confidence level, 0 to 1; what is reached is at least that.

    Raises:
        ValueError: So few values that not even the least and the greatest reach the level, or a
            NaN.

    References:
        Conover (1999), Practical nonparametric statistics, 3rd edition, section 3.2.
    """
    sample = np.sort(np.asarray(values, dtype=float))
    if np.isnan(sample).any():
        raise ValueError("a value that is NaN ranks nowhere")
    # Each value lies below the true median half of the time.
    below = scipy.special.bdtr(np.arange(sample.size), sample.size, 0.5)
    rank = int((below <= (1.0 - level) / 2).sum())
    if rank == 0:
        raise ValueError(f"{sample.size} values cannot support a median at a level of {level}")
    low, high = float(sample[rank - 1]), float(sample[-rank])
    value = float(np.median(sample))
    return Estimate(value, Interval(low, high, level, "order-statistics"), sample.size)
