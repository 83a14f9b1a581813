"""What no attack inside a ball can do to a ReLU network: certified lower bounds of its margins.

A margin is the score of the true class less that of another; a bound above 0 proves that every
input inside ball and box is classified right. The bounds are conservative: what they do not
certify may still be robust, and some attack on it may still succeed.

Floating point does not certify by mistake: from every bound a multiple of the rounding error that
a sum of that many terms of that magnitude can have is taken away, in the bounds here and in the
answer of the model alike. The proof is about the model in float64.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seclab.norms import Norm

_CHUNK = 4_000_000  # entries of a temporary array: 32 MB each, whatever the rows and the widths
_HALVINGS = 10  # of the multiplier of the L2 ball; each value of it is a sound bound by itself


class Layer(Protocol):
    """``x @ weights + bias``, rectified unless it is the last layer."""

    @property
    def weights(self) -> np.ndarray:
        """Shape (d_in, d_out)."""
        ...

    @property
    def bias(self) -> np.ndarray:
        """Shape (d_out,)."""
        ...


def relaxed_margin_bounds(
    layers: Sequence[Layer],
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float | np.ndarray,
    bounds: tuple[float, float],
    norm: Norm = "linf",
) -> np.ndarray:
    """Lower bounds of the margins by linear relaxation.

    Every rectifier is put between two lines; the margin is then bounded by a linear function of
    the input, whose minimum over ball and box is known. The lower line is the identity or 0,
    whichever leaves out less. Hidden layers are bounded in the same way, one after the other, and
    by interval arithmetic, and the tighter of both is used.

    Args:
        layers: The network, inputs in the unit of ``x``, at least two classes.
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Indexes of their true classes, shape (n,).
        epsilon: Radius of the ball in the unit of ``x``, at least 0; one for all or shape (n,).
        bounds: Smallest and largest feature value.
        norm: Of the ball.

    Returns:
        Lower bound of the lowest margin over the other classes, shape (n,): above 0 is certified,
        higher is better. For a network of one layer and the L-infinity norm it is the lowest
        margin itself.

    References:
        Zhang et al. (2018), Efficient neural network robustness certification with general
        activation functions, arXiv:1811.00866 (CROWN).
    """
    budget = _Budget(epsilon, bounds, norm)
    found = np.empty(len(x))
    for rows in _batches(layers, len(x)):
        region = budget.region(x, rows)
        below: list[_Hidden] = []
        for depth, layer in enumerate(layers[:-1]):
            both = np.vstack([layer.weights.T, -layer.weights.T])[None]
            lowest = _lowest(region, below, both)
            low, minus_high = np.split(lowest, 2, axis=1)
            slack = _rounding(layers[: depth + 1], region)
            below.append(_Hidden(layer, low + layer.bias - slack, layer.bias - minus_high + slack))
        found[rows] = _lowest_margin(layers, region, below, y[rows])
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Budget:
    epsilon: float | np.ndarray
    bounds: tuple[float, float]
    norm: Norm

    def diameter(self, columns: int) -> float:
        """Of the box, in the norm of the ball."""
        width = self.bounds[1] - self.bounds[0]
        return width * float(np.sqrt(columns)) if self.norm == "l2" else width

    def region(self, x: np.ndarray, rows: np.ndarray) -> "_Region":
        epsilon = np.minimum(self.epsilon, self.diameter(x.shape[1]))
        radius = np.broadcast_to(epsilon, len(x))[rows, None]
        low = np.maximum(x[rows] - radius, self.bounds[0])
        high = np.minimum(x[rows] + radius, self.bounds[1])
        return _Region(x[rows], low, high, radius if self.norm == "l2" else None)


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """Where the inputs may be: the box from ``low`` to ``high``, and inside an L2 ball if given."""

    center: np.ndarray
    low: np.ndarray
    high: np.ndarray
    radius: np.ndarray | None

    def minimum(self, slopes: np.ndarray) -> np.ndarray:
        """Lower bounds, shape (n, m), of ``slopes @ x`` for slopes of shape (n or 1, m, d)."""
        lowest = _lowest_in_box(slopes, self.low, self.high)
        if self.radius is None:
            return lowest
        tighter: np.ndarray = np.maximum(lowest, self._minimum_in_ball(slopes, self.radius))
        return tighter

    def _minimum_in_ball(self, slopes: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """By weak duality: the box as it is, the ball for the price of a multiplier.

        Whatever the multiplier, this is a bound. The first is that of the dual norm alone; the
        best makes the minimiser as long as the radius, and is approached by halving.
        """
        down, up = (self.low - self.center)[:, None], (self.high - self.center)[:, None]
        dual_norm = np.sqrt((slopes**2).sum(axis=2))
        with np.errstate(divide="ignore", invalid="ignore"):
            above = dual_norm / radius
        # Without a slope or a radius there is nothing to weigh, and any multiplier will do.
        above = np.where(np.isfinite(above) & (above > 0.0), above, 1.0)
        below, price = np.zeros_like(above), above
        best: np.ndarray = np.full(above.shape, -np.inf)
        for _ in range(_HALVINGS):
            step = np.clip(slopes / -price[:, :, None], down, up)
            excess = np.einsum("nmd,nmd->nm", step, step) - radius**2
            gain = np.einsum("nmd,nmd->nm", np.broadcast_to(slopes, step.shape), step)
            best = np.maximum(best, gain + price / 2 * excess)
            inside = excess <= 1e-9 * radius**2
            above, below = np.where(inside, price, above), np.where(inside, below, price)
            price = (above + below) / 2
        best += (slopes @ self.center[:, :, None])[:, :, 0]
        return best


@dataclass(frozen=True, slots=True, eq=False)
class _Hidden:
    """A hidden layer and what its values may be before they are rectified."""

    layer: Layer
    low: np.ndarray
    high: np.ndarray


def _lowest_margin(
    layers: Sequence[Layer], region: _Region, below: Sequence[_Hidden], y: np.ndarray
) -> np.ndarray:
    scores, bias = layers[-1].weights.T, layers[-1].bias
    others = (y[:, None] + np.arange(1, len(bias))) % len(bias)
    lowest = _lowest(region, below, scores[y][:, None] - scores[others])
    slack = _rounding(layers, region)
    rows = np.arange(len(y))[:, None]
    lowest += bias[y][:, None] - bias[others] - slack[rows, y[:, None]] - slack[rows, others]
    return np.asarray(lowest.min(axis=1))


def _lowest(region: _Region, below: Sequence[_Hidden], slopes: np.ndarray) -> np.ndarray:
    """Lower bounds (n, m) of linear functions, (n or 1, m, d), of what the layers below give."""
    if not below:
        return region.minimum(slopes)
    low, high = np.maximum(below[-1].low, 0.0), np.maximum(below[-1].high, 0.0)
    lowest = _lowest_in_box(slopes, low, high)
    constant = np.zeros_like(lowest)
    for hidden in reversed(below):
        slopes, raised = _through_rectifier(hidden, slopes)
        constant += raised + slopes @ hidden.layer.bias
        slopes = slopes @ hidden.layer.weights.T
    tighter: np.ndarray = np.maximum(lowest, region.minimum(slopes) + constant)
    return tighter


def _through_rectifier(hidden: _Hidden, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes before the rectifiers that bound from below those after them, and the constants."""
    low, high = np.minimum(hidden.low, 0.0), np.maximum(hidden.high, 0.0)
    chord = np.divide(high, high - low, out=np.zeros_like(high), where=high > low)
    under = (high > -low).astype(float)
    falling = np.minimum(slopes, 0.0)
    before = np.where(slopes > 0.0, slopes * under[:, None], slopes * chord[:, None])
    return before, (falling @ (-low * chord)[:, :, None])[:, :, 0]


def _lowest_in_box(slopes: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    rising, falling = np.maximum(slopes, 0.0), np.minimum(slopes, 0.0)
    lowest: np.ndarray = (rising @ low[:, :, None] + falling @ high[:, :, None])[:, :, 0]
    return lowest


def _rounding(layers: Sequence[Layer], region: _Region) -> np.ndarray:
    """More than all the rounding on the way to each output, shape (n, d_out).

    A sum of m terms is off by at most m units in the last place of the sum of their magnitudes
    (Higham, Accuracy and stability of numerical algorithms, section 3.1); no term here is larger
    than that which the same layers without signs give. The rest is for the softmax.
    """
    magnitude = np.maximum(np.abs(region.low), np.abs(region.high))
    terms = magnitude.shape[1]
    for layer in layers:
        magnitude = magnitude @ np.abs(layer.weights) + np.abs(layer.bias)
        terms += len(layer.bias)
    error: np.ndarray = 16 * np.finfo(float).eps * terms * len(layers) * magnitude
    return error + 1e-14


def _batches(layers: Sequence[Layer], rows: int) -> Iterator[np.ndarray]:
    """Indexes of as many rows at a time as fit: twice each width times the one before it."""
    widest = max(2 * layer.weights.size for layer in layers)
    across = 2 * max(len(layer.bias) for layer in layers) * len(layers[0].weights)
    size = max(1, _CHUNK // max(widest, across))
    for start in range(0, rows, size):
        yield np.arange(start, min(start + size, rows))
