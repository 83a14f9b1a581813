"""Values that rows of one label share exactly, where genuine rows would only come near."""

from dataclasses import dataclass, replace

import numpy as np

from seclab.defenses.backdoors.tails import surprise


@dataclass(frozen=True, slots=True, eq=False)
class Spike:
    """A conjunction of exact values inside one label.

    Attributes:
        label: The label.
        columns: Indexes of the features, shape (m,), m at least 2.
        values: What the rows share there, shape (m,).
        rows: Indexes of the rows of that label that have all of them, ascending.
        surprise: Minus the logarithm of the chance of so many exact hits among the near ones.
    """

    label: int
    columns: np.ndarray
    values: np.ndarray
    rows: np.ndarray
    surprise: float


@dataclass(frozen=True, slots=True, eq=False)
class _Items:
    """Single values of single features, of one label.

    Attributes:
        columns: Feature of each item, shape (items,).
        values: Its value.
        exact: Whether a row of the label has it, float32 of shape (rows, items).
        near: Whether it comes near, likewise.
        rates: How often near is exact in other labels, 0 to 1, shape (items,).
    """

    columns: np.ndarray
    values: np.ndarray
    exact: np.ndarray
    near: np.ndarray
    rates: np.ndarray


def spikes(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    near: float = 1 / 16,
    slack: float = 1.3,
    fewest_rows: int = 4,
    most_items: int = 1500,
    most_pixels: int = 16,
    most_rows: int = 5000,
    each: int = 2,
) -> tuple[Spike, ...]:
    """Conjunctions of exact values that are too frequent for how often rows come near them.

    A trigger sets features to constants. Genuine values vary: where 25 rows lie within one grey
    level of two given values, about a ninth of them hits both exactly. The test is inside one
    label and needs neither a model nor that rows look like another class, so that clean-label
    triggers and such as make up half of a class are seen too. It is blind at the ends of the
    range, where genuine values pile up as well, and to single features.

    Args:
        features: Finite rows of shape (n, d).
        labels: Integers of shape (n,).
        near: What counts as near, as a fraction of the range of all features.
        slack: How much more often than in other labels near may be exact in this one, for each
            feature; at least 1. Writing has such habits, and in large sets any habit is certain.
        fewest_rows: Rows that have to share something.
        most_items: Single values looked at for each label, the ones most exact among near first.
        most_pixels: Features of a conjunction at most.
        most_rows: Rows of a label that pairs are counted in, the first ones: bounds the time.
        each: Conjunctions answered for each label.

    Returns:
        The conjunctions of all labels, the most surprising first.
    """
    low, high = float(features.min()), float(features.max())
    if high <= low:
        return ()
    found: list[Spike] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)[:most_rows]
        others = np.flatnonzero(labels != label)
        if rows.size < fewest_rows:
            continue
        # Others are only counted, so a part of them will do.
        step = max(1, others.size // (4 * most_rows))
        items = _items(
            features[rows],
            features[others[::step]],
            reach=near * (high - low) * (1.0 + 1e-9),
            ends=(low, high),
            slack=slack,
            fewest=fewest_rows,
            most=most_items,
        )
        found += [
            replace(spike, label=int(label), rows=rows[spike.rows])
            for spike in _grown(items, fewest_rows, most_pixels, each)
        ]
    return tuple(sorted(found, key=lambda spike: -spike.surprise))


def _items(
    inside: np.ndarray,
    outside: np.ndarray,
    *,
    reach: float,
    ends: tuple[float, float],
    slack: float,
    fewest: int,
    most: int,
) -> _Items:
    """Values inside the range that enough rows of the label share, with their rates elsewhere."""
    columns, values, rates, excess = [], [], [], []
    for column in range(inside.shape[1]):
        kept, counts, close = _shared(inside[:, column], reach, ends, fewest)
        if not kept.size:
            continue
        ordered = np.sort(outside[:, column])
        exact, close_by = (_between(ordered, kept, far, ends) for far in (0.0, reach))
        rate = np.minimum(slack * (exact + 1.0) / (close_by + 2.0), 1.0)
        columns.append(np.full(kept.size, column))
        values.append(kept)
        rates.append(rate)
        excess.append(surprise(counts, close, rate))
    if not columns:
        empty = np.empty(0)
        return _Items(empty.astype(int), empty, *(np.empty((len(inside), 0)),) * 2, empty)
    best = np.argsort(-np.concatenate(excess), kind="stable")[:most]
    chosen = np.concatenate(columns)[best]
    exact_values = np.concatenate(values)[best]
    picked = inside[:, chosen]
    away = np.abs(picked - exact_values)
    within = (picked > ends[0]) & (picked < ends[1])
    return _Items(
        chosen,
        exact_values,
        (away == 0).astype(np.float32),
        ((away <= reach) & within).astype(np.float32),
        np.concatenate(rates)[best],
    )


def _shared(
    column: np.ndarray, reach: float, ends: tuple[float, float], fewest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values that enough rows share, how many do, and how many come near."""
    values, counts = np.unique(column, return_counts=True)
    kept = (counts >= fewest) & (values > ends[0]) & (values < ends[1])
    ordered = np.sort(column)
    return values[kept], counts[kept], _between(ordered, values[kept], reach, ends)


def _between(
    ordered: np.ndarray, values: np.ndarray, reach: float, ends: tuple[float, float]
) -> np.ndarray:
    """How many of the ordered numbers lie within reach of each value, ends of the range apart."""
    first = np.maximum(
        np.searchsorted(ordered, values - reach, "left"), np.searchsorted(ordered, ends[0], "right")
    )
    last = np.minimum(
        np.searchsorted(ordered, values + reach, "right"), np.searchsorted(ordered, ends[1], "left")
    )
    return last - first


def _grown(items: _Items, fewest: int, most_pixels: int, each: int) -> list[Spike]:
    """The most surprising pairs, grown as long as that makes them more surprising."""
    if items.columns.size < 2:
        return []
    hits, trials = items.exact.T @ items.exact, items.near.T @ items.near
    first, second = np.nonzero((hits >= fewest) & (items.columns[:, None] < items.columns[None, :]))
    evidence = surprise(
        hits[first, second],
        trials[first, second],
        items.rates[first] * items.rates[second],
    )
    answer: list[Spike] = []
    taken = np.zeros(len(items.exact), dtype=bool)
    for pair in np.argsort(-evidence, kind="stable")[: 4 * each]:
        spike = _grow(items, [first[pair], second[pair]], float(evidence[pair]), most_pixels)
        if taken[spike.rows].mean() <= 0.5:
            answer.append(spike)
            taken[spike.rows] = True
        if len(answer) == each:
            break
    return answer


def _grow(items: _Items, chosen: list[int], evidence: float, most_pixels: int) -> Spike:
    exact = items.exact[:, chosen].all(axis=1)
    near = items.near[:, chosen].all(axis=1)
    rate = float(items.rates[chosen].prod())
    while len(chosen) < most_pixels:
        free = ~np.isin(items.columns, items.columns[chosen])
        gain = surprise(
            items.exact[exact].sum(axis=0), items.near[near].sum(axis=0), rate * items.rates
        )
        gain[~free] = 0.0
        best = int(gain.argmax())
        if gain[best] <= evidence:
            break
        evidence, rate = float(gain[best]), rate * float(items.rates[best])
        chosen = [*chosen, best]
        exact &= items.exact[:, best] > 0
        near &= items.near[:, best] > 0
    order = np.argsort(items.columns[chosen])
    picked = np.array(chosen)[order]
    return Spike(0, items.columns[picked], items.values[picked], np.flatnonzero(exact), evidence)
