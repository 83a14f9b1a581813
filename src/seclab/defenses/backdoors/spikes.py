"""Values that rows of one label share exactly, where genuine rows would only come near."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seclab.defenses.backdoors.tails import surprise
from seclab.defenses.backdoors.tallies import Tally


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
    reach = near * (high - low) * (1.0 + 1e-9)
    known, own = np.unique(labels, return_inverse=True)
    members = [np.flatnonzero(own == label)[:most_rows] for label in range(known.size)]
    found = _shared(features, own, members, (low, high), reach, slack=slack, fewest=fewest_rows)
    answer: list[Spike] = []
    for label, rows in enumerate(members):
        mine = found[found["label"] == label]
        mine = mine[np.argsort(-mine["surprise"], kind="stable")[:most_items]]
        items = _items(features, rows, mine, (low, high), reach)
        answer += [
            replace(spike, label=int(known[label]), rows=rows[spike.rows])
            for spike in _grown(items, fewest_rows, most_pixels, each)
        ]
    return tuple(sorted(answer, key=lambda spike: -spike.surprise))


_SHARED = np.dtype(
    [("label", int), ("column", int), ("value", float), ("rate", float), ("surprise", float)]
)


def _shared(
    features: np.ndarray,
    own: np.ndarray,
    members: Sequence[np.ndarray],
    ends: tuple[float, float],
    reach: float,
    *,
    slack: float,
    fewest: int,
) -> np.ndarray:
    """Values inside the range that enough rows of a label share, with their rates elsewhere.

    Returns:
        Records of the place of the label, the feature, the value, how often near is exact in
        other labels, and how surprising its frequency is; by feature, then label, then value.
    """
    rows, labels = np.concatenate(members), len(members)
    parts = [np.empty(0, dtype=_SHARED)]
    for column in range(features.shape[1]):
        tally = Tally(features[:, column])
        first, last = tally.reaching(reach)
        first = np.maximum(first, np.searchsorted(tally.values, ends[0], "right"))
        last = np.minimum(last, np.searchsorted(tally.values, ends[1], "left"))
        below = tally.below(own[rows], labels, rows)
        counts, close = np.diff(below, axis=1), below[:, last] - below[:, first]
        inside = (tally.values > ends[0]) & (tally.values < ends[1])
        label, place = np.nonzero((counts >= fewest) & inside)
        if not label.size:
            continue
        everywhere = tally.below(own, labels)
        all_rows = everywhere.sum(axis=0)
        exact, close_by = (
            all_rows[end] - all_rows[start] - everywhere[label, end] + everywhere[label, start]
            for start, end in ((place, place + 1), (first[place], last[place]))
        )
        part = np.empty(label.size, dtype=_SHARED)
        part["label"], part["column"], part["value"] = label, column, tally.values[place]
        part["rate"] = np.minimum(slack * (exact + 1.0) / (close_by + 2.0), 1.0)
        part["surprise"] = surprise(counts[label, place], close[label, place], part["rate"])
        parts.append(part)
    return np.concatenate(parts)


def _items(
    features: np.ndarray,
    rows: np.ndarray,
    shared: np.ndarray,
    ends: tuple[float, float],
    reach: float,
) -> _Items:
    picked = features[np.ix_(rows, shared["column"])]
    away = np.abs(picked - shared["value"])
    within = (picked > ends[0]) & (picked < ends[1])
    return _Items(
        shared["column"],
        shared["value"],
        (away == 0).astype(np.float32),
        ((away <= reach) & within).astype(np.float32),
        shared["rate"],
    )


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
