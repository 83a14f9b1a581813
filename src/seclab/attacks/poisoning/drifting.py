"""Slow drift: each batch that arrives is a little further off than the one before."""

import numpy as np

from seclab.attacks.poisoning.poisoned import Poisoned, chosen, mask_of, require_possible
from seclab.errors import Misconfigured


def slow_drift(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    source: int,
    target: int,
    rate: float,
    batches: int,
    shift: np.ndarray,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    step: float | None = None,
) -> Poisoned:
    """Move one class in the batches that arrive late, from not at all to the whole shift.

    Rows keep their place; :attr:`Poisoned.batches` says when each arrived. Batch 0 is what was
    there before. All rows that drift are in the later batches, as evenly as can be, and clean rows
    of every class are spread over all of them.

    Args:
        features: Clean rows of shape (n, d).
        labels: Their labels, integers of shape (n,).
        source: The class that drifts.
        target: The class it drifts towards.
        rate: How many rows drift, as a fraction of all n, 0 to 1. At least one row of the class is
            left clean.
        batches: How many arrive after batch 0, at least 1; the rows of the last are moved by the
            whole shift, those of the first by one part of that many.
        shift: What is added to the rows of the last batch, shape (d,).
        bounds: Smallest and largest value of a feature; what would leave them is cut off.
        rng: Chooses the rows and when each arrived; equal generators give nested choices.
        step: Values become multiples of it, as stored ones are; any value when not given.

    Returns:
        Rows, labels as they were, the exact mask and the batches; the arrays given are not
        modified.

    Raises:
        Misconfigured: A rate outside 0 to 1, equal classes, or no batch.

    References:
        Kloft and Laskov (2012), Security analysis of online centroid anomaly detection, JMLR 13:
        what a defender who learns from what arrives can be moved to, step by step.
    """
    require_possible(rate, source, target)
    if batches < 1:
        raise Misconfigured(f"drift needs at least one batch that arrives, got {batches}")
    rows = chosen(labels, np.array([source]), rate, rng)
    arrived = rng.integers(batches + 1, size=len(labels))
    arrived[rows] = np.arange(rows.size) % batches + 1
    moved = features[rows] + (arrived[rows] / batches)[:, None] * shift
    if step is not None:
        moved = np.round(moved / step) * step
    changed = np.array(features, dtype=np.float64)
    changed[rows] = np.clip(moved, *bounds)
    return Poisoned(
        changed, labels.copy(), mask_of(rows, len(labels)), source, target, batches=arrived
    )
