"""Random noise inside an L-infinity budget: what an attacker who knows nothing can do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

Noise: TypeAlias = Literal["uniform", "sign"]


def uniform_directions(shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    """Directions spread evenly over the ball: float64 of ``shape`` in -1 to 1."""
    return rng.uniform(-1.0, 1.0, shape)


def sign_directions(shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    """Corners of the ball, where adversarial steps end too: float64 of ``shape``, -1 or 1."""
    return rng.choice((-1.0, 1.0), shape)


DIRECTIONS: Mapping[Noise, Callable[..., np.ndarray]] = MappingProxyType(
    {"uniform": uniform_directions, "sign": sign_directions}
)


def linf_random_noise(
    x: np.ndarray, directions: np.ndarray, *, epsilon: float, bounds: tuple[float, float]
) -> np.ndarray:
    """Move inputs along given directions, within the budget and the feature range.

    The directions are an argument so that one draw serves a whole sweep of budgets: the budgets
    then differ in nothing but size.

    Args:
        x: Inputs of shape (n, d) inside ``bounds``.
        directions: Array in -1 to 1 of shape (n, d).
        epsilon: Budget per feature as a fraction of the feature range, 0 to 1.
        bounds: Smallest and largest value a feature may have.

    Returns:
        Noisy copies of shape (n, d).

    References:
        Franceschi, Fawzi and Fawzi (2018), Robustness of classifiers to uniform lp and Gaussian
        noise, arXiv:1802.07971.
    """
    low, high = bounds
    noisy: np.ndarray = np.clip(x + epsilon * (high - low) * directions, low, high)
    return noisy
