"""Analytic loss gradients of the differentiable families, with respect to the input."""

from typing import Protocol, cast

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from seclab.errors import NotEvaluated


class LossGradient(Protocol):
    """Cross-entropy loss of shape (n,) and its gradient of shape (n, d) at scaled inputs."""

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss and gradient at ``x`` (n, d) for class indexes ``y`` (n,)."""
        ...


def loss_gradient_of(estimator: object) -> LossGradient:
    """The loss gradient of a fitted softmax regression or ReLU MLP.

    The weights are read when called, not now: the gradient of a model that is still learning
    stays that of its current weights.

    Raises:
        NotEvaluated: The estimator has no gradient that could honestly be offered.
    """
    if isinstance(estimator, LogisticRegression):
        return lambda x, y: _affine_loss_gradient([(estimator.coef_.T, estimator.intercept_)], x, y)
    if isinstance(estimator, MLPClassifier) and estimator.activation == "relu":
        return lambda x, y: _affine_loss_gradient(
            list(zip(estimator.coefs_, estimator.intercepts_, strict=True)), x, y
        )
    raise NotEvaluated(f"{type(estimator).__name__} has no analytic loss gradient")


def _affine_loss_gradient(
    layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cross-entropy of affine layers with ReLU between them; softmax regression has one layer."""
    activations = [x]
    for weights, bias in layers[:-1]:
        activations.append(np.maximum(activations[-1] @ weights + bias, 0.0))
    weights, bias = layers[-1]
    probabilities = cast("np.ndarray", softmax(activations[-1] @ weights + bias, axis=1))
    rows = np.arange(len(x))
    loss = -np.log(np.maximum(probabilities[rows, y], np.finfo(float).tiny))
    delta = probabilities
    delta[rows, y] -= 1.0
    for (weights, _), below in zip(reversed(layers), reversed(activations), strict=True):
        delta = delta @ weights.T
        if below is not x:
            delta *= below > 0.0
    return loss, delta
