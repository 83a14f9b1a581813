"""How well scores tell two groups apart, and what that says of a leak."""

import numpy as np
import scipy
from numpy.typing import ArrayLike

from seclab.measurement import Estimate, Interval
from seclab.statistics.differences import difference
from seclab.statistics.levels import LEVEL
from seclab.statistics.rates import proportion_of


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
