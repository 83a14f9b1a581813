"""All rows that a pattern belongs to, from some that surely have it."""

import numpy as np


def members(
    features: np.ndarray,
    seeds: np.ndarray,
    *,
    common: float = 0.5,
    rare: float = 0.5,
    certainty: float = 20.0,
    turns: int = 4,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of one label that are more like the seeds than like the rest, by exact values.

    A faint pattern over the whole image leaves many exact values, of which each row has most but
    few rows have all. Rows are told apart by the values that the seeds share and the rest does
    not, as if these were independent (naive Bayes), and what was found becomes the seeds.

    Args:
        features: The rows of one label, shape (n, d).
        seeds: Which are known to have the pattern, booleans of shape (n,), at least one.
        common: Share of the seeds that must have a value for it to be looked at.
        rare: Its share in the rest, at most, as a fraction of that in the seeds.
        certainty: How much likelier than not a row must belong to the seeds.
        turns: How often this is repeated at most.

    Returns:
        The rows, booleans of shape (n,), never fewer than the seeds, and columns and values of
        what they share.
    """
    found = seeds.copy()
    columns, values = _commonest(features, seeds)
    for _ in range(turns):
        columns, values = _commonest(features, found)
        equal = features[:, columns] == values
        inside = (equal[found].sum(axis=0) + 0.5) / (found.sum() + 1.0)
        outside = (equal[~found].sum(axis=0) + 0.5) / ((~found).sum() + 1.0)
        told = (inside >= common) & (outside <= rare * inside)
        columns, values = columns[told], values[told]
        if not columns.size:
            break
        inside, outside, equal = inside[told], outside[told], equal[:, told]
        evidence = np.where(
            equal, np.log(inside / outside), np.log((1.0 - inside) / (1.0 - outside))
        ).sum(axis=1)
        odds = np.log(found.sum() / max((~found).sum(), 1))
        now = seeds | (evidence + odds >= np.log(certainty))
        if np.array_equal(now, found):
            break
        found = now
    return found, columns, values


def _commonest(features: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each column with the value that most of the rows have there, the lowest of several."""
    ordered = np.sort(features[rows], axis=0)
    best = np.zeros(ordered.shape[1], dtype=int)
    run = np.zeros(ordered.shape[1], dtype=int)
    values = ordered[0].copy()
    for place in range(len(ordered)):
        again = ordered[place] == ordered[max(place - 1, 0)]
        run = np.where(again & (place > 0), run + 1, 1)
        longer = run > best
        best = np.where(longer, run, best)
        values = np.where(longer, ordered[place], values)
    return np.arange(ordered.shape[1]), values
