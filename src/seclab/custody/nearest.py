"""Nearest partners among rows that have no equal."""

from dataclasses import dataclass

import numpy as np

_ROWS_AT_ONCE = 256


def nearest_partners(
    before: np.ndarray,
    after: np.ndarray,
    olds: np.ndarray,
    news: np.ndarray,
    *,
    feature_range: tuple[float, float],
    farthest: float,
    comparisons: int,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Pair rows greedily, the nearest first, the same position first among equals.

    Args:
        before: Features of shape (n, d).
        after: Features of shape (m, d).
        olds: Positions before that need a partner, ascending.
        news: Positions after that need a partner, ascending.
        feature_range: What distances are a share of.
        farthest: Largest distance of partners, 0 to 1.
        comparisons: Largest number of distances between rows at any positions.

    Returns:
        Pairs of positions, shape (k, 2), ascending; their distances, shape (k,); and whether all
        positions were compared.
    """
    pairs = np.zeros((0, 2), dtype=np.int64)
    distances = np.zeros(0)
    rows = _Rows(before, after, feature_range)
    if len(olds) * len(news) > comparisons:
        pairs, distances = _same_position(rows, np.intersect1d(olds, news), farthest)
        olds, news = np.setdiff1d(olds, pairs[:, 0]), np.setdiff1d(news, pairs[:, 1])
    compared = len(olds) * len(news) <= comparisons
    if compared and len(olds) and len(news):
        more, apart = _greedy(rows, olds, news, farthest)
        pairs, distances = np.concatenate([pairs, more]), np.concatenate([distances, apart])
    order = np.argsort(pairs[:, 0])
    return pairs[order], distances[order], compared


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Features of both versions, as a share of the feature range."""

    before: np.ndarray
    after: np.ndarray
    feature_range: tuple[float, float]

    def old(self, at: np.ndarray) -> np.ndarray:
        return self._unit(self.before[at])

    def new(self, at: np.ndarray) -> np.ndarray:
        return self._unit(self.after[at])

    def _unit(self, features: np.ndarray) -> np.ndarray:
        """NaN equals NaN only; infinity is one range away from the nearer end."""
        low, high = self.feature_range
        unit = np.clip((features - low) / (high - low), -1.0, 2.0)
        return np.where(np.isnan(unit), 3.0, unit)


def _same_position(rows: _Rows, both: np.ndarray, farthest: float) -> tuple[np.ndarray, np.ndarray]:
    apart = np.zeros(len(both))
    for start in range(0, len(both), _ROWS_AT_ONCE):
        at = both[start : start + _ROWS_AT_ONCE]
        apart[start : start + len(at)] = np.abs(rows.old(at) - rows.new(at)).mean(axis=1)
    near = apart <= farthest
    return np.column_stack([both[near], both[near]]), apart[near]


def _greedy(
    rows: _Rows, olds: np.ndarray, news: np.ndarray, farthest: float
) -> tuple[np.ndarray, np.ndarray]:
    # Imported here: whoever only reads manifests must not wait for scipy.
    from scipy.spatial.distance import cdist  # noqa: PLC0415

    targets = rows.new(news)
    found = []
    for start in range(0, len(olds), _ROWS_AT_ONCE):
        at = olds[start : start + _ROWS_AT_ONCE]
        apart = cdist(rows.old(at), targets, "cityblock") / targets.shape[1]
        mine, theirs = np.nonzero(apart <= farthest)
        found.append((apart[mine, theirs], at[mine], news[theirs]))
    apart, firsts, seconds = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((seconds, firsts, firsts != seconds, apart))
    pairs, distances, used_before, used_after = [], [], set(), set()
    for index in order.tolist():
        a, b = int(firsts[index]), int(seconds[index])
        if a not in used_before and b not in used_after:
            used_before.add(a)
            used_after.add(b)
            pairs.append((a, b))
            distances.append(float(apart[index]))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(distances)
