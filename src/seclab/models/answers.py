"""Answers of a service as rows to learn from: one share per class, NaN where it was withheld."""

import numpy as np

_RAISED = 1e-9  # far below what any control leaves of a confidence


def as_targets(labels: np.ndarray, confidences: np.ndarray | None, *, classes: int) -> np.ndarray:
    """What a model answered, as a distribution over the classes as far as it was told.

    Args:
        labels: Labels of shape (n,), each from 0 to ``classes`` - 1.
        confidences: Served confidences of shape (n, k), NaN where withheld; ``None`` when labels
            were all that was served.
        classes: Number of classes k.

    Returns:
        Array of shape (n, k): one-hot rows without confidences; rows that sum to 1 where every
        confidence was served, rounded or not; otherwise the confidences as they were served. A
        row whose confidences were all rounded to zero is one-hot at its label.
    """
    one_hot: np.ndarray = np.eye(classes)[labels]
    if confidences is None:
        return one_hot
    total = confidences.sum(axis=1, keepdims=True)  # NaN where anything was withheld
    scaled = confidences / np.where(total > 0.0, total, 1.0)
    complete = ~np.isnan(total)
    targets = np.where(complete, scaled, confidences)
    return np.where(complete & (total <= 0.0), one_hot, targets)


def filled(targets: np.ndarray) -> np.ndarray:
    """Targets of shape (n, k) with what is left of each row spread evenly over the withheld."""
    withheld = np.isnan(targets)
    rest = np.maximum(1.0 - np.nansum(targets, axis=1), 0.0)
    share = rest / np.maximum(withheld.sum(axis=1), 1)
    return np.where(withheld, share[:, None], targets)


def believed(labels: np.ndarray, confidences: np.ndarray | None, *, classes: int) -> np.ndarray:
    """What a client makes of label and confidences together: a distribution led by the label.

    Args:
        labels: Labels of shape (n,), each from 0 to ``classes`` - 1.
        confidences: Served confidences of shape (n, k), NaN where withheld, or ``None``.
        classes: Number of classes k.

    Returns:
        Rows of shape (n, k), 0 to 1, each summing to 1. Where rounding or noise left another
        class as high as the label, the label is raised to just above it.
    """
    shares = filled(as_targets(labels, confidences, classes=classes))
    rows = np.arange(len(shares))
    others = shares.copy()
    others[rows, labels] = -np.inf
    led = shares[rows, labels] > others.max(axis=1)
    shares[rows, labels] = np.where(led, shares[rows, labels], others.max(axis=1) + _RAISED)
    normalised: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return normalised
