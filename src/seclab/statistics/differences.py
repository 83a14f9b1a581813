"""Differences of two numbers, of the same samples or of others."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from seclab.measurement import Estimate, Interval
from seclab.statistics.levels import BOUND, LEVEL


def difference(first: Estimate, second: Estimate) -> Estimate:
    """Difference of two independent estimates by the square-and-add method (MOVER).

    Each limit joins the distances from the values to the limits of the two intervals, so that it
    keeps their asymmetry: with Wilson's intervals this is Newcombe's method 10. Where the two were
    measured on the same samples and go together, this interval is wider than that of
    :func:`paired_difference`, which errs on the side of caution.

    Args:
        first: A value with its interval; without one it counts as exact.
        second: The value that is taken away, at the same confidence level.

    Returns:
        ``first - second``; n is the size of the smaller sample. The interval is ``None`` when both
        are exact, and when one is a mere bound (:data:`BOUND`): how far above it the true value
        lies is not known, so nothing is known of the true difference.

    Raises:
        ValueError: The intervals are of different confidence levels.

    References:
        Newcombe (1998), Interval estimation for the difference between independent proportions,
        Statistics in Medicine 17:873-890, method 10. Zou and Donner (2008), Construction of
        confidence limits about effect measures: a general approach, doi 10.1002/sim.3095.

    Examples:
        >>> found = difference(proportion(56, 70), proportion(48, 80)).interval
        >>> found.low.__round__(4), found.high.__round__(4)
        (0.0524, 0.3339)
    """
    value, n = first.value - second.value, min(first.n, second.n)
    levels = {e.interval.level for e in (first, second) if e.interval}
    if len(levels) > 1:
        raise ValueError(f"intervals of different levels cannot be joined: {sorted(levels)}")
    bounds = any(e.interval and e.interval.method == BOUND for e in (first, second))
    if not levels or bounds:
        return Estimate(value, None, n)
    low = value - math.hypot(first.value - first.low, second.high - second.value)
    high = value + math.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, Interval(low, high, levels.pop(), "newcombe"), n)


def paired_difference(first: ArrayLike, second: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """Difference of two rates over the same samples with Tango's score interval.

    Only the samples on which the two disagree tell them apart; what is hard for both does not
    widen the interval as it does where the rates are taken for independent.

    Args:
        first: Boolean array of shape (n,), n at least 1: the samples that count for the first.
        second: The same samples in the same order, for the second.
        level: Confidence level, 0 to 1.

    Returns:
        ``mean(first) - mean(second)``, -1 to 1; n is the number of samples.

    Raises:
        ValueError: The two are not of equal length, or empty.

    References:
        Tango (1998), Equivalence test and confidence interval for the difference in proportions
        for the paired-sample design, Statistics in Medicine 17:891-908.

    Examples:
        >>> a, b = [True] * 48 + [False] * 2, [True] * 36 + [False] * 12 + [True] * 2
        >>> found = paired_difference(a, b).interval
        >>> found.low.__round__(4), found.high.__round__(4)
        (0.0611, 0.3447)
    """
    only_first, only_second, n = _disagreements(first, second)
    value = (only_first - only_second) / n
    z = float(scipy.special.ndtri(0.5 + level / 2))
    high = _tango_limit(only_first, only_second, n, z)
    low = -_tango_limit(only_second, only_first, n, z)
    return Estimate(value, Interval(min(low, value), max(high, value), level, "tango"), n)


def _disagreements(first: ArrayLike, second: ArrayLike) -> tuple[int, int, int]:
    """Samples that count for the first alone, those for the second alone, and all of them."""
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.shape != other.shape or one.ndim != 1 or not one.size:
        raise ValueError(f"pairs need equal lengths of at least 1, got {one.shape}, {other.shape}")
    return int((one & ~other).sum()), int((other & ~one).sum()), one.size


def _tango_limit(more: int, fewer: int, n: int, z: float) -> float:
    """The largest difference that the score test does not reject."""

    def score(delta: float) -> float:
        # The share of `fewer`, as likely as it can be when the difference is delta.
        b = (2 * n - more + fewer) * delta - more - fewer
        c = -fewer * delta * (1.0 - delta)
        # Where all pairs disagree one way, rounding can leave the square a hair below 0.
        share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2.0 * share + delta * (1.0 - delta))
        return (more - fewer - n * delta) / math.sqrt(variance)

    value, nearly_one = (more - fewer) / n, 1.0 - 1e-9
    start = value + (nearly_one - value) * 1e-9  # at the value itself the score is 0, or 0/0
    if start >= nearly_one or score(nearly_one) > -z:
        return 1.0
    return float(scipy.optimize.brentq(lambda delta: score(delta) + z, start, nearly_one))


def mcnemar(first: ArrayLike, second: ArrayLike) -> float:
    """McNemar's exact test of whether two rates over the same samples are equal.

    Args:
        first: Boolean array of shape (n,), n at least 1: the samples that count for the first.
        second: The same samples in the same order, for the second.

    Returns:
        Two-sided p-value, 0 to 1; 1 where the two agree on every sample.

    Raises:
        ValueError: The two are not of equal length, or empty.

    References:
        McNemar (1947), Note on the sampling error of the difference between correlated
        proportions or percentages, Psychometrika 12:153-157.

    Examples:
        >>> mcnemar([True] * 6 + [False], [False] * 6 + [True]).__round__(4)
        0.125
    """
    only_first, only_second, _ = _disagreements(first, second)
    if only_first == only_second:
        return 1.0
    return float(scipy.stats.binomtest(only_first, only_first + only_second).pvalue)


def mean_difference(first: ArrayLike, second: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """Difference of the means of two independent samples, Welch's interval.

    Args:
        first: Array of shape (n,), n at least 2.
        second: Array of shape (m,), m at least 2.
        level: Confidence level, 0 to 1.

    Returns:
        ``mean(first) - mean(second)``; n is the size of the smaller sample.

    Raises:
        ValueError: A sample of fewer than two, which has no spread to estimate.

    References:
        Welch (1947), The generalization of Student's problem.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if min(a.size, b.size) < 2:
        raise ValueError(f"a difference needs two values on each side, got {a.size} and {b.size}")
    value = float(a.mean() - b.mean())
    reach = 0.0
    # Scores equal but for their last bits have no spread that could be estimated.
    if max(np.ptp(a), np.ptp(b)) >= 1e-12:
        parts = np.array([a.var(ddof=1) / a.size, b.var(ddof=1) / b.size])
        freedom = parts.sum() ** 2 / (parts**2 / [a.size - 1, b.size - 1]).sum()
        reach = float(scipy.special.stdtrit(freedom, 0.5 + level / 2) * np.sqrt(parts.sum()))
    interval = Interval(value - reach, value + reach, level, "welch")
    return Estimate(value, interval, min(a.size, b.size))
