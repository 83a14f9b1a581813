"""White-box evasion inside an L-infinity ball: one gradient step, and many."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

LossGradient: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]


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


def linf_projected_gradient_descent(
    loss_gradient: LossGradient,
    predict: Predict,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float,
    bounds: tuple[float, float],
    steps: int,
    restarts: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Ascend the loss from several starts; rows that are broken are left alone afterwards.

    The first start is the input itself, the others are uniform in the ball. Steps begin at half
    the radius and shrink with the cosine of the progress, so that the search ends fine-grained.

    Args:
        loss_gradient: Loss (n,) and gradient (n, d) at inputs (n, d) for labels (n,).
        predict: Labels (n,) of inputs (n, d).
        x: Inputs of shape (n, d).
        y: Their true labels, shape (n,).
        epsilon: Radius of the ball in the unit of ``x``, at least 0.
        bounds: Smallest and largest feature value.
        steps: Gradient steps per start, at least 1.
        restarts: Number of starts, at least 1.
        rng: Source of the random starts.

    Returns:
        Perturbed inputs of shape (n, d), inside ball and bounds: a misclassified one where any
        start found it, otherwise the one of highest loss.

    References:
        Madry et al. (2018), Towards deep learning models resistant to adversarial attacks,
        arXiv:1706.06083.
    """
    low, high = np.maximum(x - epsilon, bounds[0]), np.minimum(x + epsilon, bounds[1])
    best, best_loss = x.copy(), np.full(len(x), -np.inf)
    alive = np.arange(len(x))
    for restart in range(restarts):
        start = x[alive] if restart == 0 else rng.uniform(low[alive], high[alive])
        found = _ascend(loss_gradient, start, y[alive], low[alive], high[alive], epsilon, steps)
        loss, _ = loss_gradient(found, y[alive])
        broken = predict(found) != y[alive]
        better = broken | (loss > best_loss[alive])
        best[alive[better]], best_loss[alive[better]] = found[better], loss[better]
        alive = alive[~broken]
        if not alive.size:
            break
    return best


def _ascend(  # noqa: PLR0917 - an inner loop: the ball, the labels and the step, all needed
    loss_gradient: LossGradient,
    start: np.ndarray,
    y: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    epsilon: float,
    steps: int,
) -> np.ndarray:
    x = start
    for step in range(steps):
        length = epsilon * 0.25 * (1.0 + np.cos(np.pi * step / steps))
        _, slope = loss_gradient(x, y)
        x = np.clip(x + length * np.sign(slope), low, high)
    return x
