"""Values that the strange rows of a label have in common, and neither class has."""

from dataclasses import dataclass

import numpy as np

from seclab.defenses.backdoors.looks import Looks
from seclab.defenses.backdoors.tails import surprise


@dataclass(frozen=True, slots=True, eq=False)
class Excess:
    """A value of one feature that rows share which look like another class than their label.

    Attributes:
        label: The label.
        column: The feature.
        value: The value.
        reach: How far from it still counts, in native units; 0 for that very value, infinite
            for all from it upwards.
        surprise: Minus the logarithm of the chance that so many strange rows have it.
    """

    label: int
    column: int
    value: float
    reach: float
    surprise: float

    def bearing(self, features: np.ndarray) -> np.ndarray:
        """Which rows have the value, booleans of shape (n,)."""
        column = features[:, self.column]
        if np.isinf(self.reach):
            above: np.ndarray = column >= self.value
            return above
        near: np.ndarray = np.abs(column - self.value) <= self.reach * (1.0 + 1e-9)
        return near


def excesses(
    features: np.ndarray,
    labels: np.ndarray,
    seen: Looks,
    *,
    reach: float,
    fewest_rows: int = 3,
    most_rows: int = 2000,
    each: int = 3,
) -> tuple[Excess, ...]:
    """Values that strange rows have more often than their label, and than what they look like.

    A row is strange, for a feature, when it is nearer to another label in any look that leaves
    this feature out, or in the one that leaves out nothing. Genuine strange rows are somewhere
    between two classes and have the values of one or the other; a trigger's are of neither.

    Args:
        features: Finite rows of shape (n, d).
        labels: Integers of shape (n,).
        seen: What the rows look like.
        reach: Values as near as this count as the same, in native units; 0 only equal ones,
            infinite all from a value upwards.
        fewest_rows: Strange rows that have to share a value.
        most_rows: Strange rows of a label looked at, the first ones: bounds the time.
        each: Values answered for each label.

    Returns:
        Values of all labels, the most surprising first.
    """
    known = np.unique(labels)
    own = np.searchsorted(known, labels)
    looks_like = np.searchsorted(known, seen.nearest)
    found: list[Excess] = []
    by_windows: dict[bytes, _Strange] = {}
    for column in range(features.shape[1]):
        used = seen.without(None if np.isinf(reach) else column)
        key = used.tobytes()
        if key not in by_windows:
            by_windows[key] = _strange(seen, used, (own, looks_like), known.size, most_rows)
        for place, value, evidence in _in_column(
            features[:, column], by_windows[key], reach, fewest_rows
        ):
            found.append(Excess(int(known[place]), column, value, reach, evidence))
    found.sort(key=lambda excess: -excess.surprise)
    kept = [
        excess for label in known for excess in [one for one in found if one.label == label][:each]
    ]
    return tuple(sorted(kept, key=lambda excess: -excess.surprise))


@dataclass(frozen=True, slots=True, eq=False)
class _Strange:
    """Rows that are strange for some features, and those that are not.

    Attributes:
        rows: Strange rows of each label, and the place of the label each looks like.
        calm: Rows of each label that are not strange.
    """

    rows: tuple[tuple[np.ndarray, np.ndarray], ...]
    calm: tuple[np.ndarray, ...]


def _strange(
    seen: Looks,
    used: np.ndarray,
    places: tuple[np.ndarray, np.ndarray],
    labels: int,
    most_rows: int,
) -> _Strange:
    own, looks_like = places
    strange = seen.strange[used]
    any_look = strange.any(axis=0)
    like = looks_like[used][strange.argmax(axis=0), np.arange(own.size)]
    chosen = [np.flatnonzero(any_look & (own == label))[:most_rows] for label in range(labels)]
    return _Strange(
        tuple((rows, like[rows]) for rows in chosen),
        tuple(np.flatnonzero(~any_look & (own == label)) for label in range(labels)),
    )


def _in_column(
    column: np.ndarray, strange: _Strange, reach: float, fewest: int
) -> list[tuple[int, float, float]]:
    """Place of the label, value and surprise of the best value of each label."""
    far = reach * (1.0 + 1e-9)
    calm = [np.sort(column[rows]) for rows in strange.calm]
    found = []
    for label, (rows, like) in enumerate(strange.rows):
        if rows.size < fewest:
            continue
        mine = np.sort(column[rows])
        values = np.unique(mine)
        hits = _within(mine, values, far)
        values, hits = values[hits >= fewest], hits[hits >= fewest]
        if not values.size:
            continue
        counts = np.stack([_within(ordered, values, far) for ordered in calm])
        sizes = np.array([ordered.size for ordered in calm])
        pooled = (counts.sum(axis=0) + 0.5) / (sizes.sum() + 1.0)
        rates = (counts + pooled) / (sizes + 1.0)[:, None]
        share = np.bincount(like, minlength=sizes.size) / like.size
        rate = share @ np.maximum(rates, rates[label])
        evidence = surprise(hits, np.array(rows.size), rate)
        best = int(evidence.argmax())
        found.append((label, float(values[best]), float(evidence[best])))
    return found


def _within(ordered: np.ndarray, values: np.ndarray, reach: float) -> np.ndarray:
    low = values if np.isinf(reach) else values - reach
    counts: np.ndarray = np.searchsorted(ordered, values + reach, "right") - np.searchsorted(
        ordered, low, "left"
    )
    return counts
