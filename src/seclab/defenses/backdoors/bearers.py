"""The rows that bear what was found, and what they have in common."""

from dataclasses import dataclass

import numpy as np

from seclab.defenses.backdoors.enrichment import Excess
from seclab.defenses.backdoors.looks import Looks, distances, drawn_references
from seclab.defenses.backdoors.members import members
from seclab.defenses.backdoors.spikes import Spike
from seclab.defenses.suspicion import Pattern


def pattern_of_spike(features: np.ndarray, labels: np.ndarray, spike: Spike) -> Pattern:
    """A spike with all rows of its label that have most of it."""
    mine = np.flatnonzero(labels == spike.label)
    found, columns, values = members(features[mine], np.isin(mine, spike.rows))
    if not columns.size:
        columns, values = spike.columns, spike.values
    return Pattern(spike.label, columns, values, mine[found])


def pattern_of_excess(
    features: np.ndarray,
    labels: np.ndarray,
    seen: Looks,
    excess: Excess,
    *,
    trusted: np.ndarray | None,
    most_references: int,
    rng: np.random.Generator,
) -> Pattern:
    """An excess with the rows of its label that have the value and no support by the label.

    Args:
        features: Rows of shape (n, d).
        labels: Integers of shape (n,).
        seen: What the rows look like.
        excess: The value.
        trusted: Rows that may support others, booleans of shape (n,); None: all.
        most_references: Rows that support is looked for among; drawn, where there are more.
        rng: Draws them.

    Returns:
        The rows, perhaps none, with all that they have in common and the label has not.
    """
    references = drawn_references(len(labels), trusted, most_references, rng)
    rows = _bearers(features, labels, seen, excess, references=references)
    if not rows.size:
        nothing = np.empty(0, dtype=int)
        return Pattern(excess.label, nothing, nothing.astype(float), rows)
    return _shared(features, labels, excess, rows)


def _bearers(
    features: np.ndarray,
    labels: np.ndarray,
    seen: Looks,
    excess: Excess,
    *,
    references: np.ndarray,
    turns: int = 5,
    chunk: int = 2048,
) -> np.ndarray:
    """Rows with the value that are nearer to another label than to supporting ones of their own.

    Strange ones support nobody: next are those that only they supported, and so on.
    """
    mine = labels == excess.label
    bearing = np.flatnonzero(mine & excess.bearing(features))
    strange = seen.strange[:, bearing] & seen.without(excess.column)[:, None]
    out = seen.masks[int(strange.sum(axis=1).argmax())].copy()
    out[excess.column] = True
    unsupported: np.ndarray = strange.any(axis=0)
    if out.all():
        return _taken(bearing, unsupported)
    apart = _apart(features, bearing, references, mine, columns=np.flatnonzero(~out), chunk=chunk)
    for _ in range(turns):
        support = ~np.isin(apart.changing, bearing[unsupported])
        own = np.minimum(apart.own, apart.each[:, support].min(axis=1, initial=np.inf))
        now = apart.other < own
        if np.array_equal(now, unsupported):
            break
        unsupported = now
    return _taken(bearing, unsupported)


@dataclass(frozen=True, slots=True, eq=False)
class _Apart:
    """Squared distances of bearing rows from references.

    Only references that bear the value themselves ever change sides: what the others say is one
    number a row.

    Attributes:
        other: From the nearest of another label, shape (b,).
        own: From the nearest of the label without the value, shape (b,).
        changing: The references of the label with the value, indexes of shape (c,).
        each: From each of these, infinite from itself, shape (b, c).
    """

    other: np.ndarray
    own: np.ndarray
    changing: np.ndarray
    each: np.ndarray


def _apart(
    features: np.ndarray,
    bearing: np.ndarray,
    references: np.ndarray,
    mine: np.ndarray,
    *,
    columns: np.ndarray,
    chunk: int,
) -> _Apart:
    bears = np.isin(references, bearing)
    others, faithful, changing = (
        references[which] for which in (~mine[references], mine[references] & ~bears, bears)
    )
    other, own = np.empty((2, bearing.size), dtype=np.float32)
    each = np.empty((bearing.size, changing.size), dtype=np.float32)
    for start in range(0, bearing.size, chunk):
        part = slice(start, start + chunk)
        rows = _single(features, bearing[part], columns)
        for answer, rows_there in ((other, others), (own, faithful)):
            away = distances(rows, _single(features, rows_there, columns))
            answer[part] = away.min(axis=1, initial=np.inf)
        each[part] = distances(rows, _single(features, changing, columns))
    each[bearing[:, None] == changing] = np.inf
    return _Apart(other, own, changing, each)


def _single(features: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    taken: np.ndarray = features[np.ix_(rows, columns)].astype(np.float32)
    return taken


def _taken(rows: np.ndarray, which: np.ndarray) -> np.ndarray:
    taken: np.ndarray = rows[which]
    return taken


def _shared(
    features: np.ndarray,
    labels: np.ndarray,
    excess: Excess,
    rows: np.ndarray,
    common: float = 0.8,
) -> Pattern:
    """What at least that share of the rows has, and less than half of it in the label's rest."""
    values = np.median(features[rows], axis=0)
    values[excess.column] = excess.value
    far = excess.reach * (1.0 + 1e-9)
    rest = labels == excess.label
    rest[rows] = False
    shared = _near(features[rows], values, far) >= common
    if rest.any():
        shared &= _near(features[rest], values, far) < common / 2
    shared[excess.column] = True
    columns = np.flatnonzero(shared)
    return Pattern(excess.label, columns, values[columns], rows)


def _near(rows: np.ndarray, values: np.ndarray, reach: float) -> np.ndarray:
    """Share of the rows that come near each value, shape (d,)."""
    share: np.ndarray = (np.abs(rows - values) <= reach).mean(axis=0)
    return share
