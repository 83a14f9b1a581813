"""Shadow models: trained as the target was, on halves of a pool whose members are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Shadows:
    """What is kept of m shadow models: which of n rows they learned, and what they say.

    Attributes:
        inside: Whether a row was in the training of a shadow, shape (m, n).
        answers: Class probabilities by shadow and row, shape (m, n, k).
    """

    inside: np.ndarray
    answers: np.ndarray


def shadow_plan(labels: np.ndarray, *, shadows: int, rng: np.random.Generator) -> np.ndarray:
    """Choose which rows of a pool each shadow is trained on.

    Shadows come in pairs that halve the pool at random, class by class: every row is in exactly
    half of the shadows, and every shadow has half of the pool and of each class, give or take a
    row.

    Args:
        labels: Labels of the pool, shape (n,).
        shadows: How many shadows, even and at least 2.
        rng: Draws the halves.

    Returns:
        Boolean array of shape (shadows, n), true where a row is in the training.

    Raises:
        ValueError: A number of shadows that is odd or below 2.
    """
    if shadows < 2 or shadows % 2:
        raise ValueError(f"shadows come in pairs: an even number from 2 on, got {shadows}")
    inside = np.zeros((shadows, len(labels)), dtype=bool)
    for pair in range(0, shadows, 2):
        # Every second row of an order that is random within each class.
        order = np.lexsort((rng.random(len(labels)), labels))
        inside[pair, order[::2]] = True
        inside[pair + 1] = ~inside[pair]
    return inside


def ask_shadows(
    fit: Callable[[np.ndarray], Predict], plan: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Train shadows one after the other and keep nothing of them but their answers.

    Args:
        fit: Trains on the pool's rows of the given indexes and returns rows (n, d) to class
            probabilities (n, k).
        plan: Which rows of the pool are in which training, shape (m, size of the pool), of
            :func:`shadow_plan`.
        x: Rows to ask all shadows about, shape (n, d).

    Returns:
        Class probabilities of shape (m, n, k).

    References:
        Shokri et al. (2017), Membership inference attacks against machine learning models,
        arXiv:1610.05820.
    """
    return np.stack([fit(np.flatnonzero(inside))(x) for inside in plan])
