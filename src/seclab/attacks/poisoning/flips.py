"""Label flips: the rows stay, what they are called does not."""

import numpy as np

from seclab.attacks.poisoning.poisoned import Poisoned, chosen, mask_of, require_possible


def random_flips(
    features: np.ndarray, labels: np.ndarray, *, rate: float, rng: np.random.Generator
) -> Poisoned:
    """Give rows of any class another label, every other class equally likely.

    Args:
        features: Clean rows of shape (n, d).
        labels: Their labels, integers of shape (n,).
        rate: How many rows, as a fraction of all n, 0 to 1. At least one row of each class keeps
            its label.
        rng: Chooses rows and labels; equal generators give nested choices.

    Returns:
        Rows, labels and the exact mask; the arrays given are not modified.

    Raises:
        Misconfigured: A rate outside 0 to 1.

    References:
        Biggio, Nelson and Laskov (2011), Support vector machines under adversarial label noise,
        ACML.
    """
    require_possible(rate)
    classes, codes = np.unique(labels, return_inverse=True)
    rows = chosen(labels, classes if classes.size > 1 else classes[:0], rate, rng)
    steps = rng.integers(1, max(classes.size, 2), len(labels))
    flipped = labels.copy()
    flipped[rows] = classes[(codes[rows] + steps[rows]) % classes.size]
    return Poisoned(np.array(features, dtype=np.float64), flipped, mask_of(rows, len(labels)))


def targeted_flips(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    source: int,
    target: int,
    rate: float,
    rng: np.random.Generator,
) -> Poisoned:
    """Label rows of one class as another.

    Args:
        features: Clean rows of shape (n, d).
        labels: Their labels, integers of shape (n,).
        source: The class that rows are taken from.
        target: The label they get.
        rate: How many rows, as a fraction of all n, 0 to 1. At least one row of the source class
            keeps its label.
        rng: Chooses the rows; equal generators give nested choices.

    Returns:
        Rows, labels and the exact mask; the arrays given are not modified.

    Raises:
        Misconfigured: A rate outside 0 to 1, or equal classes.

    References:
        Tolpegin, Truex, Gursoy and Liu (2020), Data poisoning attacks against federated learning
        systems, arXiv:2007.08432.
    """
    require_possible(rate, source, target)
    mask = mask_of(chosen(labels, np.array([source]), rate, rng), len(labels))
    return Poisoned(
        np.array(features, dtype=np.float64), np.where(mask, target, labels), mask, source, target
    )
