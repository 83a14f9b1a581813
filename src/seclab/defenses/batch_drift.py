"""Slow drift: rows of a class that wander further with each batch that arrives."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from seclab.defenses.suspicion import Suspicion
from seclab.errors import Misconfigured

_CONSTANT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Trend:
    """Where the rows of one class wander to.

    Attributes:
        standing: How far the trend stands out, in standard deviations of what deals by chance
            give; the true one first, shape (1 + permutations,).
        position: How far each row lies in its direction, in standard deviations, shape (n,).
    """

    standing: np.ndarray
    position: np.ndarray


def batch_drift(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    batches: np.ndarray,
    rng: np.random.Generator,
    level: float = 0.004,
    permutations: int = 499,
    tail: float = 0.2,
    rare_share: float = 0.05,
) -> Suspicion:
    """Whether rows of a class wander as batches arrive.

    Within each class every feature is replaced by its ranks, which no outlier bends: by all of
    them, by the upper tail and by the lower one, and each is correlated with the number of the
    batch. The fourth powers, summed over features, are large when one wanders far or many a
    little. What they are by chance is seen when batches are dealt out anew within the classes;
    the class that stands out most is held to the one that does so in each of these deals, which
    corrects for all classes and features whatever their dependence (Westfall and Young).

    Args:
        features: Rows of shape (n, d), finite.
        labels: Their labels, integers of shape (n,).
        batches: When each row arrived, numbers of shape (n,), later is higher. Alarms mean
            something only where clean rows arrive in no order.
        rng: Deals out the batches.
        level: Probability of an alarm where nothing wanders, at most, 0 to 1.
        permutations: How often they are dealt out, at least 1 / ``level``.
        tail: Share of the rows that a tail is made of, above 0 to 1.
        rare_share: Share of the rows of the first batch, in a class that wanders, that may look as
            far off as those flagged, 0 to 1. Of the rows of later batches that lie further off,
            those beyond this share are flagged, the furthest first.

    Returns:
        Scores: how far a row lies where its class wanders to, in standard deviations of the rows
        of its class, 0 for classes that do not. Nothing is flagged without alarm.

    Raises:
        Misconfigured: A parameter outside its range, or batches of another number of rows.

    References:
        Westfall and Young (1993), Resampling-based multiple testing, Wiley.
    """
    _require_possible(level, rare_share, tail, permutations)
    if len(batches) != len(labels):
        raise Misconfigured(f"{len(labels)} rows need as many batches, got {len(batches)}")
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    owns = [own for own in classes if np.unique(batches[own]).size > 1]
    trends = [_trend(features[own], batches[own], permutations, tail, rng) for own in owns]
    if not trends:
        zeros = np.zeros(len(labels))
        found = "no class has rows in several batches: nothing can wander"
        return Suspicion("batch_drift", zeros, zeros > 0.0, alarm=False, found=found)
    standing = np.stack([trend.standing for trend in trends])
    by_chance = standing[:, 1:].max(axis=0)
    p_values = (1 + (by_chance >= standing[:, :1]).sum(axis=1)) / (1 + permutations)
    scores, flagged = np.zeros(len(labels)), np.zeros(len(labels), dtype=bool)
    wandering = [index for index in range(len(owns)) if p_values[index] <= level]
    for index in wandering:
        own, trend = owns[index], trends[index]
        scores[own] = trend.position
        flagged[own] = _too_many(trend.position, batches[own], rare_share)
    names = ", ".join(str(labels[owns[index][0]]) for index in wandering)
    return Suspicion(
        "batch_drift",
        scores,
        flagged,
        bool(wandering),
        f"rows of the classes {names} wander from batch to batch"
        if wandering
        else f"no class wanders from batch to batch (smallest p-value {p_values.min():.3g})",
    )


def _require_possible(level: float, rare_share: float, tail: float, permutations: int) -> None:
    problems = [
        f"{name} is a fraction from 0 to 1, got {value}"
        for name, value in (("level", level), ("rare_share", rare_share))
        if not 0.0 <= value <= 1.0
    ]
    if not 0.0 < tail <= 1.0:
        problems.append(f"a tail is a share above 0 and up to 1, got {tail}")
    if permutations < 1 or (permutations + 1) * level < 1.0:
        problems.append(
            f"{permutations} permutations cannot show a p-value of {level}: take at least 1 / level"
        )
    if problems:
        raise Misconfigured(problems)


def _trend(
    rows: np.ndarray, batches: np.ndarray, deals: int, tail: float, rng: np.random.Generator
) -> _Trend:
    ranks = (stats.rankdata(rows, axis=0) - 0.5) / len(rows)
    views = _standardised(
        np.hstack([ranks, np.maximum(ranks - (1.0 - tail), 0.0), np.minimum(ranks - tail, 0.0)])
    )
    dealt = np.stack([batches, *(rng.permutation(batches) for _ in range(deals))]).astype(float)
    correlations = _standardised(dealt.T).T @ views * (np.sqrt(len(rows)) / len(rows))
    energy = np.log((correlations**4).sum(axis=1) + np.finfo(float).tiny)
    by_chance = energy[1:]
    spread = max(float(by_chance.std()), np.finfo(float).tiny)
    weights = correlations[0] ** 3
    position = views @ weights
    return _Trend(
        (energy - by_chance.mean()) / spread,
        (position - position.mean()) / max(float(position.std()), np.finfo(float).tiny),
    )


def _too_many(position: np.ndarray, batches: np.ndarray, rare_share: float) -> np.ndarray:
    """The rows furthest off, as many as later batches have beyond what the first one has."""
    later = batches > batches.min()
    usual = np.quantile(position[~later], 1.0 - rare_share, method="higher")
    beyond = np.flatnonzero(later & (position > usual))
    count = max(beyond.size - round(rare_share * later.sum()), 0)
    flagged = np.zeros(len(position), dtype=bool)
    flagged[beyond[np.argsort(-position[beyond], kind="stable")][:count]] = True
    return flagged


def _standardised(columns: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and variance 1; constant ones become 0."""
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    standardised: np.ndarray = centred / np.where(spread > _CONSTANT, spread, np.inf)
    return standardised
