"""Injections: rows that are added, as copies of others or nearly so."""

import numpy as np

from seclab.attacks.poisoning.poisoned import Poisoned, chosen, require_possible, with_rows_added
from seclab.errors import Misconfigured


def injected_copies(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    source: int,
    target: int,
    rate: float,
    originals: int,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    noise: float = 0.0,
    step: float | None = None,
) -> Poisoned:
    """Add copies of a few rows of one class, so that these weigh more than all the others.

    Args:
        features: Clean rows of shape (n, d).
        labels: Their labels, integers of shape (n,).
        source: The class that rows are copied from.
        target: The label of the copies, which may be the class itself.
        rate: How many rows are added, as a fraction of the n there are, 0 to 1.
        originals: How many different rows are copied, in turn, at least 1.
        bounds: Smallest and largest value of a feature; what would leave them is cut off.
        rng: Chooses the rows and the noise; equal generators give nested additions.
        noise: Standard deviation of what is added to each value of each copy, as a fraction of
            the range: 0 for exact copies.
        step: Values become multiples of it, as stored ones are; any value when not given.

    Returns:
        All rows as they were and the copies after them, with the exact mask; the arrays given are
        not modified. A class of fewer than two rows gives no copies.

    Raises:
        Misconfigured: A rate outside 0 to 1, or no original.

    References:
        Steinhardt, Koh and Liang (2017), Certified defenses for data poisoning attacks,
        arXiv:1706.03691: the strongest poison against a linear model is a few points, many times.
    """
    require_possible(rate)
    if originals < 1:
        raise Misconfigured(f"copies need at least one original, got {originals}")
    models = chosen(labels, np.array([source]), 1.0, rng)[:originals]
    added = round(rate * len(labels)) if models.size else 0
    rows = models[np.arange(added) % models.size] if added else models[:0]
    copies = np.array(features[rows], dtype=np.float64)
    if noise:
        copies += noise * (bounds[1] - bounds[0]) * rng.normal(size=copies.shape)
    if step is not None:
        copies = np.round(copies / step) * step
    return with_rows_added(
        features,
        labels,
        np.clip(copies, *bounds),
        np.full(added, target, dtype=labels.dtype),
        source=source,
        target=target,
    )
