"""Rates, and means of fractions."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from seclab.measurement import Estimate, Interval
from seclab.statistics.levels import LEVEL
from seclab.statistics.samples import mean_of


def proportion(successes: int, n: int, *, level: float = LEVEL) -> Estimate:
    """A rate with its Wilson score interval.

    Args:
        successes: How many of ``n`` succeeded, 0 to ``n``.
        n: Number of independent trials, at least 1.
        level: Confidence level, 0 to 1.

    Returns:
        The fraction ``successes / n``; whether higher is better depends on the metric.

    Raises:
        ValueError: ``n`` is 0 (nothing was measured) or ``successes`` is out of range.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Examples:
        >>> proportion(90, 100).interval.low.__round__(3)
        0.826
    """
    if n < 1:
        raise ValueError("a rate over no samples is not a measurement")
    ci = scipy.stats.binomtest(successes, n).proportion_ci(confidence_level=level, method="wilson")
    value = successes / n
    # At 0 and n successes rounding can leave the value a hair outside its own interval.
    return Estimate(
        value, Interval(min(float(ci.low), value), max(float(ci.high), value), level, "wilson"), n
    )


def proportion_of(outcomes: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """:func:`proportion` of a boolean array of shape (n,)."""
    flags = np.asarray(outcomes, dtype=bool)
    return proportion(int(flags.sum()), flags.size, level=level)


def mean_of_fractions(values: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """A mean of independent fractions, with an interval on the safe side.

    A fraction lies in 0 to 1 and varies at most as much as a yes or no of the same mean: Wilson's
    interval, which asks nothing else, holds however the fractions are spread.

    Args:
        values: Fractions of shape (n,), 0 to 1, n at least 1.
        level: Confidence level, 0 to 1.

    Raises:
        ValueError: No values, or one outside 0 to 1.

    Examples:
        >>> mean_of_fractions([1.0, 1.0, 0.5]).interval.low.__round__(3)
        0.31
    """
    sample = np.asarray(values, dtype=float)
    if not sample.size or not ((sample >= 0.0) & (sample <= 1.0)).all():
        raise ValueError(f"a mean of fractions needs some, each in 0 to 1, got {sample}")
    value, n = math.fsum(sample) / sample.size, sample.size
    # scipy's takes whole successes only.
    z = float(scipy.special.ndtri(0.5 + level / 2))
    middle = (value + z * z / (2 * n)) / (1.0 + z * z / n)
    reach = z / (1.0 + z * z / n) * math.sqrt(value * (1.0 - value) / n + (z / (2 * n)) ** 2)
    low, high = max(0.0, min(middle - reach, value)), min(1.0, max(middle + reach, value))
    return Estimate(value, Interval(low, high, level, "wilson"), n)


def mean_of_groups(hits: ArrayLike, sizes: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """A rate in groups of samples, every group counted alike.

    Samples of a group go together, so that the interval is as wide as the spread between groups
    asks for (Student's); where the groups agree by chance, never narrower than that of as many
    independent samples (Wilson's).

    Args:
        hits: How many samples of each group count, shape (k,).
        sizes: How many there are in each, shape (k,), at least 1; k at least 1. A single group
            has no spread: then the interval holds for that group alone.
        level: Confidence level, 0 to 1.

    Returns:
        The mean of the rates of the groups, 0 to 1; n is the number of samples.

    Raises:
        ValueError: No group, an empty one, or more hits than samples.
    """
    counted, of = np.asarray(hits, dtype=float), np.asarray(sizes, dtype=float)
    if counted.shape != of.shape or not of.size or not (of >= 1.0).all():
        raise ValueError(f"groups need samples, got {counted} of {of}")
    rates = counted / of
    pooled = mean_of_fractions(np.full(int(of.sum()), rates.mean()), level=level)
    low, high, method = pooled.low, pooled.high, "wilson"
    if rates.size > 1:
        spread = mean_of(rates, level=level)
        low, high = max(0.0, min(low, spread.low)), min(1.0, max(high, spread.high))
        method = "student-wilson"
    return Estimate(pooled.value, Interval(low, high, level, method), pooled.n)
