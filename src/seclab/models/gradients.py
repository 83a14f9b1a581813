"""Analytic gradients of the differentiable families, with respect to the input."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from sklearn.neural_network import MLPClassifier

from seclab.errors import NotEvaluated


class LossGradient(Protocol):
    """A loss of shape (n,) that an attack raises, and its gradient (n, d) at scaled inputs."""

    def __call__(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss and gradient at ``x`` (n, d) for class indexes ``y`` (n,), both of ``x``'s dtype."""
        ...


_DUST = 1e-20  # of the largest weight of a layer
_Layers: TypeAlias = list[tuple[np.ndarray, np.ndarray]]
# Scores (k, n), which it may overwrite, and classes (n,) to loss (n,) and its slope (k, n).
_Top: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def loss_gradient_of(estimator: object) -> LossGradient:
    """The gradient of the cross-entropy of a fitted ReLU MLP.

    The weights are read when called, not now: the gradient of a model that is still learning
    stays that of its current weights.

    Returns:
        A function of inputs and class indexes. The loss is at least 0, and at least log 2 wherever
        the model is wrong.

    Raises:
        NotEvaluated: The estimator has no gradient that could honestly be offered.
    """
    if not isinstance(estimator, MLPClassifier) or estimator.activation != "relu":
        raise NotEvaluated(f"{type(estimator).__name__} has no analytic loss gradient")

    def gradient(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        *hidden, last = zip(estimator.coefs_, estimator.intercepts_, strict=True)
        return _affine_gradient([*hidden, with_two_outputs(*last)], x, y, top=_cross_entropy)

    return gradient


def with_two_outputs(weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A last layer with a score for each class: a model of two classes may have only one output.

    The logistic function of z is the softmax of 0 and z.

    Args:
        weights: Shape (inputs, outputs), with outputs at least 1.
        bias: Shape (outputs,).

    Returns:
        Weights and bias of the same layer, with at least two outputs.
    """
    if weights.shape[1] > 1:
        return weights, bias
    return np.column_stack([np.zeros(len(weights)), weights]), np.concatenate([[0.0], bias])


def fixed_gradients(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[LossGradient, LossGradient]:
    """Both gradients, cross-entropy and margin, of a network that learns no more.

    The weights are prepared once for each precision. Scaling that is folded into the first layer
    costs nothing then, and the gradient is the one per native unit. Inputs are float32 or float64.

    Where probabilities round to 0 and 1 the slope of the cross-entropy vanishes, and an attack
    that follows it mistakes a confident model for a robust one. The margin is taken on the scores
    before softmax, which never saturate.

    Args:
        layers: Weights (inputs, outputs) and bias (outputs,) of each layer, ReLU between them.

    Returns:
        Two functions of inputs and class indexes. The first is that of :func:`loss_gradient_of`.
        The loss of the second is the score of the best other class less that of the true one: at
        least 0 exactly where the model is wrong or undecided.

    References:
        Carlini and Wagner (2017), Towards evaluating the robustness of neural networks,
        arXiv:1608.04644.
    """
    prepared = {
        np.dtype(dtype): [(_without_dust(w).astype(dtype), b.astype(dtype)) for w, b in layers]
        for dtype in (np.float32, np.float64)
    }
    return (
        lambda x, y: _affine_gradient(prepared[x.dtype], x, y, top=_cross_entropy),
        lambda x, y: _affine_gradient(prepared[x.dtype], x, y, top=_margin),
    )


def _without_dust(weights: np.ndarray) -> np.ndarray:
    """Weights that decayed to nothing are nothing: their products are subnormal, and slow."""
    size = np.abs(weights)
    return np.where(size < _DUST * size.max(), 0.0, weights)


def _affine_gradient(
    layers: _Layers, x: np.ndarray, y: np.ndarray, *, top: _Top
) -> tuple[np.ndarray, np.ndarray]:
    """Of affine layers with ReLU between them; softmax regression has one layer.

    Activations are kept with one column per row of ``x``: reductions over a few classes are many
    times faster down the columns of a C array than along its rows.
    """
    # An attack may search in single precision, which takes half the time.
    layers = [(w.astype(x.dtype, copy=False), b.astype(x.dtype, copy=False)) for w, b in layers]
    activations = [x.T]
    for weights, bias in layers:
        scores = weights.T @ activations[-1]
        scores += bias[:, None]
        activations.append(scores)
        if weights is not layers[-1][0]:
            np.maximum(scores, 0.0, out=scores)
    loss, delta = top(activations.pop(), y)
    for (weights, _), below in zip(layers[:0:-1], activations[:0:-1], strict=True):
        delta = weights @ delta
        # In place and without a change of type, which would take as long as the product.
        delta *= np.greater(below, 0.0, out=below)
    return loss, delta.T @ layers[0][0].T


def _cross_entropy(scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    columns = np.arange(len(y))
    scores -= scores.max(axis=0)
    true = scores[y, columns]
    probabilities = np.exp(scores, out=scores)
    total = probabilities.sum(axis=0)
    probabilities /= total
    # The slope at the true class is its probability less one, which rounds to nothing long before
    # the sum of the others does.
    probabilities[y, columns] = 0.0
    probabilities[y, columns] = -probabilities.sum(axis=0)
    return np.log(total) - true, probabilities


def _margin(scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    columns = np.arange(len(y))
    true = scores[y, columns]
    scores[y, columns] = -np.inf
    rival = scores.argmax(axis=0)
    margin = scores[rival, columns] - true
    slope = np.zeros_like(scores)
    slope[rival, columns] = 1.0
    slope[y, columns] = -1.0
    return margin, slope
