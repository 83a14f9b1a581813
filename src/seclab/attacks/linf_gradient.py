"""White-box evasion inside an L-infinity ball by a single gradient step."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

LossGradient: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def linf_fast_gradient_sign(
    loss_gradient: LossGradient,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    bounds: tuple[float, float],
) -> np.ndarray:
    """One step of length ``epsilon`` along the sign of the loss gradient.

    Args:
        loss_gradient: Loss (n,) and gradient (n, d) at inputs (n, d) for labels (n,).
        x: Inputs of shape (n, d).
        y: Their true labels, shape (n,).
        epsilon: Radius of the ball in the unit of ``x``, at least 0.
        bounds: Smallest and largest feature value.

    Returns:
        Perturbed inputs of shape (n, d), inside ball and bounds.

    References:
        Goodfellow et al. (2015), Explaining and harnessing adversarial examples, arXiv:1412.6572.
    """
    _, slope = loss_gradient(x, y)
    return np.clip(x + epsilon * np.sign(slope), *bounds)
