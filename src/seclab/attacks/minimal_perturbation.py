"""White-box search for the smallest perturbation of each row, in the L-infinity or L2 norm."""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from seclab.errors import Misconfigured
from seclab.norms import Norm, lengths, shortened, uphill

LossGradient: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
Predict: TypeAlias = Callable[[np.ndarray], np.ndarray]

_TINY = 1e-30  # instead of a slope of zero
_FIRST, _LAST = 0.1, 0.001  # by which share a ball shrinks or grows, at the first step and the last


def minimal_perturbation(
    margin_gradient: LossGradient,
    predict: Predict,
    x: np.ndarray,
    y: np.ndarray,
    *,
    norm: Norm,
    bounds: tuple[float, float],
    steps: int = 40,
) -> np.ndarray:
    """Climb in a ball of each row's own that shrinks while the model is fooled and else grows.

    One search gives the robust accuracy at every radius, where projected gradient has to be run
    for each. Until a row is broken its ball reaches as far as the boundary would be if the margin
    were linear, so that a linear model takes a few steps.

    Args:
        margin_gradient: Lead (n,) of the best other class over the true one, on scores, and its
            gradient (n, d), at inputs (n, d) for labels (n,).
        predict: Labels (n,) of inputs (n, d). It is asked about every point whose margin is not
            clearly below zero, about one a row and step.
        x: Inputs of shape (n, d), inside the bounds.
        y: Their true labels, shape (n,).
        norm: ``linf`` or ``l2``: what is made small.
        bounds: Smallest and largest feature value.
        steps: Gradient steps, at least 1.

    Returns:
        Inputs of shape (n, d), inside the bounds: the nearest misclassified one that was met, or
        ``x`` itself where it is misclassified already or none was met.

    Raises:
        Misconfigured: No steps.

    References:
        Rony et al. (2019), Decoupling direction and norm for efficient gradient-based L2
        adversarial attacks and defenses, arXiv:1811.09600. Pintor et al. (2021), Fast
        minimum-norm adversarial attacks through adaptive norm constraints, arXiv:2102.12827.
    """
    if steps < 1:
        raise Misconfigured(f"minimal perturbation: steps must be at least 1, got {steps}")
    points, found = x.astype(float), x.astype(float)
    nearest = np.full(len(x), np.inf)
    radius = np.zeros(len(x))
    widest = lengths(np.maximum(x - bounds[0], bounds[1] - x), norm)
    for step in range(steps + 1):
        margin, slope = margin_gradient(points, y)
        distance = lengths(points - x, norm)
        wrong = _wrong(predict, points, y, margin)
        better = wrong & (distance < nearest)
        found[better], nearest[better] = points[better], distance[better]
        fade = 0.5 + 0.5 * math.cos(math.pi * step / steps)
        share = _LAST + (_FIRST - _LAST) * fade
        linear = distance + np.abs(margin) / np.maximum(_gain(slope, norm), _TINY)
        radius = np.where(
            np.isfinite(nearest),
            np.where(wrong, np.minimum(radius, nearest) * (1.0 - share), radius * (1.0 + share)),
            np.maximum(linear, radius) * (1.0 + share),
        )
        radius = np.minimum(np.minimum(radius, nearest), widest)
        points = points + (radius * max(fade, 0.01))[:, None] * uphill(slope, norm)
        points = np.clip(x + shortened(points - x, radius, norm), *bounds)
    return found


def _wrong(predict: Predict, points: np.ndarray, y: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Which points (n, d) are misclassified; only those that may be are asked about."""
    wrong = np.zeros(len(y), dtype=bool)
    # A margin this close to zero may be one of either sign, after rounding in the model.
    asked = np.flatnonzero(margin >= -1e-9)
    if asked.size:
        wrong[asked] = predict(points[asked]) != y[asked]
    return wrong


def _gain(slope: np.ndarray, norm: Norm) -> np.ndarray:
    """How much a step of length 1 along slope (n, d) gains, shape (n,): the dual norm."""
    return np.abs(slope).sum(axis=1) if norm == "linf" else lengths(slope, norm)
