"""Values that the strange rows of a label have in common, and neither class has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.defenses.backdoors.looks import Looks
from seclab.defenses.backdoors.tails import surprise
from seclab.defenses.backdoors.tallies import Tally


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
    reaches: Sequence[float],
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
        reaches: Values as near as this count as the same, in native units; 0 only equal ones,
            infinite all from a value upwards, and then rows are strange in any look.
        fewest_rows: Strange rows that have to share a value.
        most_rows: Strange rows of a label looked at, the first ones: bounds the time.
        each: Values answered for each label and reach.

    Returns:
        Values of all labels, those of the first reach first, the most surprising first.
    """
    known = np.unique(labels)
    own = np.searchsorted(known, labels)
    looks_like = np.searchsorted(known, seen.nearest)
    found: list[list[Excess]] = [[] for _ in reaches]
    by_windows: dict[bytes, _Strange] = {}
    for column in range(features.shape[1]):
        tally = Tally(features[:, column])
        for answer, reach in zip(found, reaches, strict=True):
            used = seen.without(None if np.isinf(reach) else column)
            key = used.tobytes()
            if key not in by_windows:
                by_windows[key] = _strange(seen, used, (own, looks_like), known.size, most_rows)
            answer.extend(
                Excess(int(known[place]), column, value, reach, evidence)
                for place, value, evidence in _in_column(tally, by_windows[key], reach, fewest_rows)
            )
    return tuple(excess for answer in found for excess in _strongest(answer, each))


def _strongest(found: list[Excess], each: int) -> list[Excess]:
    """The most surprising of each label, the most surprising first."""
    taken: dict[int, int] = {}
    kept = []
    for excess in sorted(found, key=lambda excess: -excess.surprise):
        taken[excess.label] = taken.get(excess.label, 0) + 1
        if taken[excess.label] <= each:
            kept.append(excess)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Strange:
    """Rows that are strange for some features, and those that are not, by the place of the label.

    Attributes:
        rows: Strange rows, of each label the first ones, shape (s,).
        own: The label of each.
        calm: Rows that are not strange.
        calm_own: The label of each.
        like: Share of each label's strange rows that look like each other one, shape (labels,
            labels).
    """

    rows: np.ndarray
    own: np.ndarray
    calm: np.ndarray
    calm_own: np.ndarray
    like: np.ndarray


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
    rows = np.concatenate(
        [np.flatnonzero(any_look & (own == label))[:most_rows] for label in range(labels)]
    )
    like = looks_like[used][strange[:, rows].argmax(axis=0), rows]
    pairs = np.bincount(own[rows] * labels + like, minlength=labels * labels)
    share = pairs.reshape(labels, labels)
    calm = np.flatnonzero(~any_look)
    return _Strange(
        rows, own[rows], calm, own[calm], share / np.maximum(share.sum(axis=1, keepdims=True), 1)
    )


def _in_column(
    tally: Tally, strange: _Strange, reach: float, fewest: int
) -> Iterator[tuple[int, float, float]]:
    """Place of the label, value and surprise of the best value of each label."""
    labels = len(strange.like)
    first, last = tally.reaching(reach * (1.0 + 1e-9))
    below = tally.below(strange.own, labels, strange.rows)
    hits = below[:, last] - below[:, first]
    calm = tally.below(strange.calm_own, labels, strange.calm)
    counts, sizes = calm[:, last] - calm[:, first], calm[:, -1]
    pooled = (counts.sum(axis=0) + 0.5) / (sizes.sum() + 1.0)
    rates = (counts + pooled) / (sizes + 1.0)[:, None]
    for label in np.flatnonzero(below[:, -1] >= fewest):
        # Only values that a strange row has, not those between two of them.
        asked = np.flatnonzero((np.diff(below[label]) > 0) & (hits[label] >= fewest))
        if not asked.size:
            continue
        mine = rates[:, asked]
        rate = strange.like[label] @ np.maximum(mine, mine[label])
        evidence = surprise(hits[label, asked], below[label, -1], rate)
        best = int(evidence.argmax())
        yield int(label), float(tally.values[asked[best]]), float(evidence[best])
