"""Networks with at most one hidden layer, fitted to distributions instead of labels.

scikit-learn's classifiers take one label a row. A served confidence row tells k - 1 numbers: the
cross-entropy against it uses them all, needs no copy of each row per class, and can leave open
how what was withheld is divided.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

_TINY = np.finfo(float).tiny


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Affine layers with ReLU between them; one layer is a softmax regression.

    Attributes:
        layers: One matrix a layer of shape (inputs + 1, outputs), the biases in its last row.
        bounds: Smallest and largest feature value; the first layer takes inputs scaled by them
            to -1..1.
    """

    layers: tuple[np.ndarray, ...]
    bounds: tuple[float, float]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Logits of shape (n, k) of inputs of shape (n, d)."""
        return self._activations(x)[-1]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Labels of shape (n,)."""
        labels: np.ndarray = self(x).argmax(axis=1)
        return labels

    def loss_gradient(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cross-entropy of shape (n,) for labels (n,), and its gradient (n, d) per native unit."""
        *below, logits = self._activations(x)
        log_q = log_softmax(logits, axis=1)
        rows = np.arange(len(x))
        slope = np.exp(log_q)
        slope[rows, y] -= 1.0
        for matrix, inputs in zip(reversed(self.layers), reversed(below), strict=True):
            slope = slope @ matrix[:-1].T
            if inputs is not below[0]:
                slope *= inputs > 0.0
        return -log_q[rows, y], slope * 2.0 / (self.bounds[1] - self.bounds[0])

    def _activations(self, x: np.ndarray) -> list[np.ndarray]:
        activations = [scaled(x, self.bounds)]
        for depth, matrix in enumerate(self.layers, start=1):
            sums = activations[-1] @ matrix[:-1] + matrix[-1]
            activations.append(sums if depth == len(self.layers) else np.maximum(sums, 0.0))
        return activations


def scaled(x: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Inputs of shape (n, d) from the feature range to -1..1."""
    low, high = bounds
    centred: np.ndarray = (2.0 * x - low - high) / (high - low)
    return centred


def fit_network(
    queries: np.ndarray,
    targets: np.ndarray,
    *,
    bounds: tuple[float, float],
    hidden: int,
    penalty: float,
    iterations: int,
    seed: int,
) -> Network:
    """The network most likely to have given the answers.

    Args:
        queries: Rows asked, shape (n, d), n at least 1.
        targets: What was answered, shape (n, k), as :func:`as_targets` gives it. What is left of
            a row counts for the withheld classes together: how it is divided is not held against
            the network.
        bounds: Smallest and largest feature value.
        hidden: Units of the hidden layer; 0 for a softmax regression.
        penalty: Weight of the squared weights against the summed cross-entropy, at least 0.
        iterations: Most steps of L-BFGS.
        seed: Decides the start of the hidden layer.
    """
    widths = (queries.shape[1], *((hidden,) if hidden else ()), targets.shape[1])
    shapes = [(below + 1, above) for below, above in pairwise(widths)]
    loss = _Likelihood(scaled(queries, bounds), targets, shapes, penalty)
    start = np.concatenate([layer.ravel() for layer in _start(shapes, seed)])
    limits = {"maxiter": iterations, "maxfun": 2 * iterations}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=limits)
    return Network(tuple(layers_of(found.x, shapes)), bounds)


def _start(shapes: list[tuple[int, int]], seed: int) -> list[np.ndarray]:
    """Zeros for one layer, where the loss is convex; otherwise He's random weights."""
    layers = [np.zeros(shape) for shape in shapes]
    if len(layers) > 1:
        rng = np.random.default_rng(seed)
        for layer in layers:
            inputs = len(layer) - 1
            layer[:-1] = rng.normal(0.0, np.sqrt(2.0 / inputs), layer[:-1].shape)
    return layers


def layers_of(flat: np.ndarray, shapes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Matrices of the given shapes from one vector that holds them all."""
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


class _Likelihood:
    """Penalised negative log-likelihood of all weights in one vector, and its gradient."""

    def __init__(
        self, x: np.ndarray, targets: np.ndarray, shapes: list[tuple[int, int]], penalty: float
    ) -> None:
        self.x, self.shapes, self.penalty = x, shapes, penalty
        self.withheld = np.isnan(targets)
        self.served = np.where(self.withheld, 0.0, targets)
        left = np.maximum(1.0 - self.served.sum(axis=1), 0.0)
        self.left = np.where(self.withheld.any(axis=1), left, 0.0)

    def __call__(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        layers = layers_of(flat, self.shapes)
        inputs = [self.x]
        for layer in layers[:-1]:
            inputs.append(np.maximum(inputs[-1] @ layer[:-1] + layer[-1], 0.0))
        log_q = log_softmax(inputs[-1] @ layers[-1][:-1] + layers[-1][-1], axis=1)
        loss, slope = self._of_outputs(log_q)
        gradients = []
        for layer, below in zip(reversed(layers), reversed(inputs), strict=True):
            gradients.append(np.vstack([below.T @ slope, slope.sum(axis=0)]).ravel())
            if below is not self.x:
                slope = (slope @ layer[:-1].T) * (below > 0.0)
        gradient = np.concatenate(gradients[::-1]) + self.penalty * flat
        return loss + self.penalty / 2.0 * float(flat @ flat), gradient

    def _of_outputs(self, log_q: np.ndarray) -> tuple[float, np.ndarray]:
        q = np.exp(log_q)
        loss, targets = -float((self.served * log_q).sum()), self.served
        if self.left.any():
            hidden = np.where(self.withheld, q, 0.0)
            together = np.maximum(hidden.sum(axis=1), _TINY)
            loss -= float(self.left @ np.log(together))
            targets = targets + hidden * (self.left / together)[:, None]
        return loss, q * targets.sum(axis=1, keepdims=True) - targets
