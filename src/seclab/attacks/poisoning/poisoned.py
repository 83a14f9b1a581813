"""What every way of poisoning answers, and how rows are chosen for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True, eq=False)
class Poisoned:
    """Training rows after the attack, in their old order, added rows at the end.

    Attributes:
        features: float64 of shape (n, d).
        labels: int64 of shape (n,).
        mask: Boolean of shape (n,), true for exactly the rows that were changed, in features or
            label, or added.
        source: Class that the attack is to have misread, where it aims at one.
        target: What it is to be read as, where the attack aims at one.
        trigger: Puts the trigger on clean images of shape (m, d) and gives copies; none where the
            attack has no trigger. Images of class ``source`` that it was put on are to be read as
            ``target``; of any other class, where there is no source.
        victims: Clean inputs of shape (m, d) that are to be read as ``target`` without a trigger,
            where the attack is after single inputs.
        batches: When each row arrived, numbers of shape (n,) from 0 on, where that matters.
        added: How many rows were added.
    """

    features: np.ndarray
    labels: np.ndarray
    mask: np.ndarray
    source: int | None = None
    target: int | None = None
    trigger: Callable[[np.ndarray], np.ndarray] | None = None
    victims: np.ndarray | None = None
    batches: np.ndarray | None = None
    added: int = 0


def require_possible(rate: float, source: int | None = None, target: int | None = None) -> None:
    """Refuse what cannot be, all of it at once.

    Raises:
        Misconfigured: A rate outside 0 to 1, or equal classes.
    """
    problems = []
    if not 0.0 <= rate <= 1.0:
        problems.append(f"a poison rate is a fraction from 0 to 1, got {rate}")
    if source is not None and source == target:
        problems.append(f"source and target class are both {source}: choose two different ones")
    if problems:
        raise Misconfigured(problems)


def chosen(
    labels: np.ndarray, classes: np.ndarray, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Rows to poison, in the order in which a rising rate takes them.

    Args:
        labels: Of all rows, shape (n,).
        classes: Those that rows are taken from. One row of each is never taken: a class that
            vanished is noticed at once.
        rate: How many rows, as a fraction of all n.
        rng: Equal generators give nested choices, and are moved on alike by every rate.

    Returns:
        Indexes of shape (m,).
    """
    order = rng.permutation(np.flatnonzero(np.isin(labels, classes)))
    # The last row of each class in the order stays clean: lower rates never get that far.
    last = order.size - 1 - np.unique(labels[order[::-1]], return_index=True)[1]
    return np.delete(order, last)[: round(rate * len(labels))]


def mask_of(rows: np.ndarray, size: int) -> np.ndarray:
    """Booleans of shape (size,), true at the rows."""
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask


def with_rows_added(
    features: np.ndarray,
    labels: np.ndarray,
    new: np.ndarray,
    new_labels: np.ndarray,
    *,
    source: int | None = None,
    target: int | None = None,
) -> Poisoned:
    """All the old rows as they were, and new ones after them."""
    size = len(features) + len(new)
    return Poisoned(
        np.vstack([features, new]),
        np.concatenate([labels, new_labels]),
        np.arange(size) >= len(features),
        source,
        target,
        added=len(new),
    )
