"""Feature collision: rows under their right label that crowd around one input."""

import numpy as np

from seclab.attacks.poisoning.poisoned import Poisoned, chosen, mask_of, require_possible
from seclab.errors import Misconfigured


def feature_collision(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    instance: np.ndarray,
    source: int,
    target: int,
    rate: float,
    likeness: float,
    bounds: tuple[float, float],
    rng: np.random.Generator,
    projection: np.ndarray | None = None,
    step: float | None = None,
) -> Poisoned:
    """Move rows of the target class towards an input, until a model sees little else in them.

    Each row b becomes the x that makes |P x - P t|^2 + likeness |x - b|^2 smallest, t being the
    input: one linear system.

    Args:
        features: Clean rows of shape (n, d).
        labels: Their labels, integers of shape (n,).
        instance: The input that is to be read as the target, shape (d,).
        source: Its class.
        target: The class that rows are taken from; they keep their label.
        rate: How many rows, as a fraction of all n, 0 to 1. At least one row of the class is left
            clean.
        likeness: What it costs to leave a row's own looks, above 0: at 1 and without a projection
            rows end half way.
        bounds: Smallest and largest value of a feature; what would leave them is cut off.
        rng: Chooses the rows; equal generators give nested choices.
        projection: P, what the model's features are taken for, shape (k, d); the inputs
            themselves when not given.
        step: Values become multiples of it, as stored ones are; any value when not given.

    Returns:
        Rows, labels as they were, the exact mask and the victim; the arrays given are not
        modified.

    Raises:
        Misconfigured: A rate outside 0 to 1, equal classes, or a likeness not above 0.

    References:
        Shafahi, Huang, Najibi, Suciu, Studer, Dumitras and Goldstein (2018), Poison frogs! Targeted
        clean-label poisoning attacks on neural networks, arXiv:1804.00792: in the feature space of
        a network, by steps; here in a linear one, exactly.
    """
    require_possible(rate, source, target)
    if not likeness > 0.0:
        raise Misconfigured(f"a likeness is above 0, got {likeness}")
    rows = chosen(labels, np.array([target]), rate, rng)
    width = features.shape[1]
    seen = np.eye(width) if projection is None else projection.T @ projection
    pulls = (seen @ instance)[:, None] + likeness * features[rows].T
    moved = np.linalg.solve(seen + likeness * np.eye(width), pulls).T
    if step is not None:
        moved = np.round(moved / step) * step
    changed = np.array(features, dtype=np.float64)
    changed[rows] = np.clip(moved, *bounds)
    return Poisoned(
        changed,
        labels.copy(),
        mask_of(rows, len(labels)),
        source,
        target,
        victims=instance[None, :].copy(),
    )
