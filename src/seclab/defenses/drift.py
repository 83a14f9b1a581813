"""Distribution shift: rows of a class that are no longer what a baseline recorded."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from seclab.defenses.class_profiles import ClassProfile, counted
from seclab.defenses.suspicion import Suspicion
from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """One class held to its profile.

    Attributes:
        own: Which rows are of the class, booleans of shape (n,).
        label: The class.
        p_values: That this feature is as it was, corrected for the cuts and sides, shape (d,).
        place: The cut of each feature beyond which rows have become most, shape (d,).
        side: 1 where beyond is above, -1 where it is below, shape (d,).
        before: What share of rows lay beyond it, shape (d,).
        grown: By how much that share has grown, shape (d,).
    """

    own: np.ndarray
    label: int
    p_values: np.ndarray
    place: np.ndarray
    side: np.ndarray
    before: np.ndarray
    grown: np.ndarray


def distribution_shift(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    baseline: tuple[ClassProfile, ...],
    level: float = 0.004,
    rare_share: float = 0.05,
) -> Suspicion:
    """Hold the rows of every class, and how many there are, to a recorded baseline.

    For each class and feature it is asked whether more rows than before lie below, or above, each
    recorded cut, by Fisher's exact test, which holds for any distribution and any number of
    rows; each class's share of all rows is tested alike. There is an alarm when the smallest
    p-value is below ``level`` after a correction by Bonferroni, the sharper one where a single
    feature is enough; which features have changed is then told by Benjamini and Yekutieli, who
    control the share of false ones under any dependence. Where the rows contain those of the
    baseline the test is cautious: it takes them for others.

    Args:
        features: Rows of shape (n, d), finite.
        labels: Their labels, integers of shape (n,).
        baseline: From :func:`~seclab.defenses.class_profiles.profile_classes`, at least one class.
        level: Probability of an alarm over rows like those of the baseline, at most, 0 to 1.
        rare_share: Rows are flagged only where at most this share of the baseline lay and now more
            do, 0 to 1: what was common before tells nothing about a single row. Of these rows
            as many are flagged as the share has grown by, those with the highest scores.

    Returns:
        Scores: decades of p-values below 1, summed over changed features on whose growing side a
        row lies. Nothing is flagged without alarm.

    Raises:
        Misconfigured: Fractions outside 0 to 1, or a baseline of another number of features.

    References:
        Rabanser, Guennemann and Lipton (2019), Failing loudly: an empirical study of methods for
        detecting dataset shift, arXiv:1810.11953: univariate tests with a correction hold their
        own against multivariate ones.
        Benjamini and Yekutieli (2001), The control of the false discovery rate in multiple testing
        under dependency, Annals of Statistics 29.
    """
    _require_fractions(level=level, rare_share=rare_share)
    if any(profile.mean.size != features.shape[1] for profile in baseline):
        raise Misconfigured(
            f"the baseline is not about rows of {features.shape[1]} features; record it anew"
        )
    known, shares = _class_shares(labels, baseline)
    compared = [
        _compared(features, labels == profile.label, profile)
        for profile in baseline
        if (labels == profile.label).any()
    ]
    p_values = np.concatenate([shares, *(each.p_values for each in compared)])
    alarm = bool(p_values.min(initial=1.0) * p_values.size <= level)
    adjusted = stats.false_discovery_control(p_values, method="by")
    ends = np.cumsum([shares.size, *(each.p_values.size for each in compared)])[:-1]
    changed = np.split((adjusted <= level) & alarm, ends)
    scores, flagged = np.zeros(len(labels)), np.zeros(len(labels), dtype=bool)
    for each, columns in zip(compared, changed[1:], strict=True):
        scores[each.own], flagged[each.own] = _rows(features[each.own], each, columns, rare_share)
    return Suspicion(
        "distribution_shift", scores, flagged, alarm, _told(changed, known, compared, p_values)
    )


def _require_fractions(**fractions: float) -> None:
    problems = [
        f"{name} is a fraction from 0 to 1, got {value}"
        for name, value in fractions.items()
        if not 0.0 <= value <= 1.0
    ]
    if problems:
        raise Misconfigured(problems)


def _class_shares(
    labels: np.ndarray, baseline: tuple[ClassProfile, ...]
) -> tuple[list[int], np.ndarray]:
    """All classes, known or new, and p-values that each has the share of all rows that it had."""
    recorded = {profile.label: profile.count for profile in baseline}
    known = sorted({*recorded, *np.unique(labels).tolist()})
    before = np.array([recorded.get(label, 0) for label in known])
    now = np.array([(labels == label).sum() for label in known])
    sizes = before.sum(), now.sum()
    more = _grown(before, now, sizes)
    fewer = _grown(sizes[0] - before, sizes[1] - now, sizes)
    return known, np.minimum(2.0 * np.minimum(more, fewer), 1.0)


def _compared(features: np.ndarray, own: np.ndarray, profile: ClassProfile) -> _Compared:
    rows = features[own]
    below, through = counted(rows, profile.cuts)
    sizes = profile.count, len(rows)
    before = np.hstack([profile.below, sizes[0] - profile.through])
    now = np.hstack([below, sizes[1] - through])
    p_values = _grown(before, now, sizes)
    best, each = p_values.argmin(axis=1), np.arange(len(p_values))
    levels = profile.cuts.shape[1]
    return _Compared(
        own=own,
        label=profile.label,
        p_values=np.minimum(p_values[each, best] * p_values.shape[1], 1.0),
        place=profile.cuts[each, best % levels],
        side=np.where(best < levels, -1, 1),
        before=before[each, best] / sizes[0],
        grown=now[each, best] / sizes[1] - before[each, best] / sizes[0],
    )


def _grown(before: np.ndarray, now: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """P-values that a share has not grown: Fisher's exact test, one-sided."""
    by_chance = stats.hypergeom.sf(now - 1, sum(sizes), before + now, sizes[1])
    p_values: np.ndarray = np.clip(by_chance, np.finfo(float).tiny, 1.0)
    return p_values


def _rows(
    rows: np.ndarray, compared: _Compared, changed: np.ndarray, rare_share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the rows of one class, and which to set aside: as many as there are too many."""
    beyond = (rows - compared.place) * compared.side > 0.0
    scores = beyond[:, changed] @ -np.log10(compared.p_values[changed])
    rare = changed & (compared.before <= rare_share)
    eligible = np.where(beyond[:, rare].any(axis=1), scores, 0.0)
    too_many = int(np.ceil(compared.grown[changed].max(initial=0.0) * len(rows)))
    least = np.sort(eligible)[::-1][too_many - 1] if too_many else np.inf
    return scores, (eligible > 0.0) & (eligible >= least)


def _told(
    changed: list[np.ndarray],
    known: list[int],
    compared: list[_Compared],
    p_values: np.ndarray,
) -> str:
    parts = [
        f"{columns.sum()} features of class {each.label}"
        for each, columns in zip(compared, changed[1:], strict=True)
        if columns.any()
    ]
    parts += [
        f"the share of class {label} in all rows"
        for label, different in zip(known, changed[0], strict=True)
        if different
    ]
    if parts:
        return f"changed since the baseline: {', '.join(parts)}"
    smallest = min(p_values.min(initial=1.0) * p_values.size, 1.0)
    return f"no class has changed since the baseline (smallest p-value {smallest:.3g})"
