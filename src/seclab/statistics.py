"""Confidence intervals: no number leaves an evaluation without one."""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from seclab.measurement import Estimate, Interval

LEVEL = 0.95
# The method of a number that the true value is no lower than: both its ends are itself.
BOUND = "clopper-pearson-bound"
# scipy.stats is reached through scipy, which imports it when it is first used: that takes a second,
# and the gate compares numbers without it.


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


def auc(positives: ArrayLike, negatives: ArrayLike, *, level: float = LEVEL) -> Estimate:
    """Area under the ROC curve with DeLong's interval.

    Args:
        positives: Scores of shape (m,) that should be higher, m at least 2.
        negatives: Scores of shape (n,) that should be lower, n at least 2.
        level: Confidence level, 0 to 1.

    Returns:
        Probability that a positive outranks a negative, ties counted half: 0.5 is guessing. The
        interval is computed on the logit scale so that it stays inside 0 to 1; n is the size of
        the smaller sample.

    Raises:
        ValueError: A sample of fewer than two, or a NaN.

    References:
        DeLong, DeLong and Clarke-Pearson (1988), Comparing the areas under two or more correlated
        receiver operating characteristic curves. Sun and Xu (2014), doi 10.1109/LSP.2014.2337313.
    """
    pos, neg = _scores(positives, negatives)
    m, n = pos.size, neg.size
    if min(m, n) < 2:
        raise ValueError(f"an AUC needs two scores on each side, got {m} and {n}")
    ranks = scipy.stats.rankdata(np.concatenate([pos, neg]))
    within_pos, within_neg = scipy.stats.rankdata(pos), scipy.stats.rankdata(neg)
    value = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    v10 = (ranks[:m] - within_pos) / n
    v01 = 1.0 - (ranks[m:] - within_neg) / m
    error = float(np.sqrt(v10.var(ddof=1) / m + v01.var(ddof=1) / n))
    return Estimate(value, _logit_interval(value, error, min(m, n), level), min(m, n))


def _logit_interval(value: float, error: float, n: int, level: float) -> Interval:
    """DeLong's interval on the logit scale, at a perfect or inverted AUC the exact binomial one."""
    if error == 0.0 or not 0.0 < value < 1.0:
        ci = scipy.stats.binomtest(round(value * n), n).proportion_ci(level, method="exact")
        return Interval(min(float(ci.low), value), max(float(ci.high), value), level, "binomial")
    z = float(scipy.stats.norm.ppf(0.5 + level / 2))
    logit, width = np.log(value / (1 - value)), z * error / (value * (1 - value))
    low, high = 1 / (1 + np.exp(-(logit - width))), 1 / (1 + np.exp(-(logit + width)))
    return Interval(min(float(low), value), max(float(high), value), level, "delong-logit")


def tpr_at_fpr(
    positives: ArrayLike, negatives: ArrayLike, *, fpr: float, level: float = LEVEL
) -> Estimate:
    """True-positive rate at the loosest threshold that keeps false positives within ``fpr``.

    Args:
        positives: Scores of shape (m,) that should be higher.
        negatives: Scores of shape (n,); ``n * fpr`` must be at least 1, otherwise the sample
            cannot support the claim.
        fpr: False-positive rate allowed, 0 to 1.
        level: Confidence level, 0 to 1.

    Returns:
        Fraction of positives strictly above the threshold; guessing gives about ``fpr``. The
        Wilson interval is conditional on the threshold.

    Raises:
        ValueError: Too few negatives for this false-positive rate, no positives, or a NaN.

    References:
        Carlini et al. (2022), Membership inference attacks from first principles,
        arXiv:2112.03570.
    """
    pos, neg = _scores(positives, negatives)
    allowed = int(np.floor(neg.size * fpr + 1e-9))
    if allowed < 1:
        raise ValueError(f"{neg.size} negatives cannot support a false-positive rate of {fpr}")
    threshold = np.sort(neg)[::-1][allowed] if allowed < neg.size else -np.inf
    return proportion_of(pos > threshold, level=level)


def _scores(positives: ArrayLike, negatives: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays. A NaN would sort to one end, where it could pass for a harmless score."""
    pos, neg = np.asarray(positives, dtype=float), np.asarray(negatives, dtype=float)
    if np.isnan(pos).any() or np.isnan(neg).any():
        raise ValueError("a score that is NaN ranks nowhere")
    return pos, neg


def balanced_accuracy(
    positives: ArrayLike, negatives: ArrayLike, *, level: float = LEVEL
) -> Estimate:
    """Mean of the true-positive and the true-negative rate, whatever the sizes of the two samples.

    Args:
        positives: Boolean array of shape (m,): which of them were called positive, m at least 1.
        negatives: Boolean array of shape (n,): which of them were called positive, n at least 1.
        level: Confidence level, 0 to 1.

    Returns:
        0 to 1, guessing gives 0.5; n is the size of the smaller sample. The interval is
        Newcombe's of the difference of the two rates, moved and halved as the value is.

    Raises:
        ValueError: One of the two is empty.
    """
    gap = difference(proportion_of(positives, level=level), proportion_of(negatives, level=level))
    low, high = (1.0 + gap.low) / 2, (1.0 + gap.high) / 2
    return Estimate((1.0 + gap.value) / 2, Interval(low, high, level, "newcombe"), gap.n)


def epsilon_lower_bound(
    positives: ArrayLike,
    m: int,
    negatives: ArrayLike,
    n: int,
    *,
    delta: float = 0.0,
    level: float = LEVEL,
) -> np.ndarray:
    """The epsilon of differential privacy that a membership attack proves a training to exceed.

    Under (epsilon, delta) differential privacy every attack has a true-positive rate of at most
    exp(epsilon) times its false-positive rate plus delta, and the same of its negative answers.
    Both rates are bounded by Clopper and Pearson's exact limits, each at half of the error, so
    that they hold together. The answers count as independent, and the threshold must have been
    chosen on other rows.

    Args:
        positives: How many of ``m`` members were called members, an integer or an array of them.
        m: Number of members, at least 1.
        negatives: How many of ``n`` non-members were called members, of the same shape.
        n: Number of non-members, at least 1.
        delta: Probability with which the guarantee may fail, 0 to 1.
        level: Confidence level, 0 to 1.

    Returns:
        Lower bounds in nats, at least 0, of the shape of the counts; 0 says that nothing is
        proven, not that anything is private.

    References:
        Jagielski, Ullman and Oprea (2020), Auditing differentially private machine learning,
        arXiv:2006.07709. Nasr et al. (2021), Adversary instantiation, arXiv:2101.04535.
    """
    error = (1.0 - level) / 2
    hits, false_alarms = np.asarray(positives, dtype=float), np.asarray(negatives, dtype=float)
    # At 0 of m and n of n the limits are 0 and 1: the beta distributions have no second parameter.
    tpr = np.where(hits > 0, scipy.special.betaincinv(np.maximum(hits, 1), m - hits + 1, error), 0)
    left = np.maximum(n - false_alarms, 1)
    fpr = np.where(
        false_alarms < n, scipy.special.betaincinv(false_alarms + 1, left, 1.0 - error), 1.0
    )
    tiny = np.finfo(float).tiny
    accused = np.log(np.maximum(tpr - delta, tiny) / fpr)
    cleared = np.log(np.maximum(1.0 - fpr - delta, tiny) / (1.0 - tpr))
    return np.maximum(np.maximum(accused, cleared), 0.0)


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
