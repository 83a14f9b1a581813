"""What a model is made of, in native features: affine layers, or decision trees."""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from seclab.errors import NotEvaluated
from seclab.models.gradients import with_two_outputs
from seclab.models.training import CLASSIFY, SCALE


@dataclass(frozen=True, slots=True, eq=False)
class AffineLayer:
    """One layer of a network: ``x @ weights + bias``, rectified unless it is the last.

    Attributes:
        weights: Shape (d_in, d_out).
        bias: Shape (d_out,).
    """

    weights: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class DecisionTree:
    """A tree over native features. Node 0 is the root; children come after their parent.

    A row of float64 goes left where ``x[feature] <= threshold`` and right otherwise. That is the
    model's own decision for every finite float64, not an approximation to it: scikit-learn
    scales the row, rounds it to float32 and compares that, each of which keeps the order of
    numbers, so that some native number is the last to go left. ``threshold`` is that number. A
    leaf is therefore reached by exactly the rows of a box, ``low < x <= high``.

    Attributes:
        feature: Column compared, -1 at a leaf; shape (nodes,).
        threshold: Greatest native value that goes left, NaN at a leaf; shape (nodes,).
        left: Index of the child for smaller values, -1 at a leaf; shape (nodes,).
        right: Index of the child for greater values, -1 at a leaf; shape (nodes,).
        value: Class probabilities of the training rows in each node; shape (nodes, k). A leaf
            answers with its own, a forest with the mean over its trees.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    @property
    def leaves(self) -> np.ndarray:
        """Indexes of the leaves, ascending."""
        return np.flatnonzero(self.left < 0)

    def leaf_of(self, x: np.ndarray) -> np.ndarray:
        """The leaf, shape (n,), that each row of ``x`` (n, d) in native features reaches."""
        node = np.zeros(len(x), dtype=np.intp)
        walking = np.flatnonzero(self.left[node] >= 0)
        while walking.size:
            at = node[walking]
            goes_left = x[walking, self.feature[at]] <= self.threshold[at]
            node[walking] = np.where(goes_left, self.left[at], self.right[at])
            walking = walking[self.left[node[walking]] >= 0]
        return node


def is_layered(pipeline: Pipeline) -> bool:
    """Whether :func:`affine_layers` can take the model apart."""
    estimator = pipeline[CLASSIFY]
    rectified = isinstance(estimator, MLPClassifier) and estimator.activation == "relu"
    return rectified or isinstance(estimator, LogisticRegression)


def is_made_of_trees(pipeline: Pipeline) -> bool:
    """Whether :func:`decision_trees` can take the model apart."""
    return isinstance(pipeline[CLASSIFY], DecisionTreeClassifier | RandomForestClassifier)


def affine_layers(pipeline: Pipeline) -> tuple[AffineLayer, ...]:
    """The layers of a softmax regression (one) or a ReLU network (several).

    The scaling is folded into the first layer, which takes native features. The softmax of what
    the last layer gives are the model's probabilities, up to rounding, classes in the model's
    order; a model of two classes with a single output is given its second column.

    Args:
        pipeline: Fixed scaling, then the classifier.

    Raises:
        NotEvaluated: The model is not made of such layers.
    """
    estimator = pipeline[CLASSIFY]
    if not is_layered(pipeline):
        raise NotEvaluated(f"{type(estimator).__name__} is not made of affine layers")
    if isinstance(estimator, LogisticRegression):
        weights, biases = [estimator.coef_.T], [estimator.intercept_]
    else:
        # Copies: what scikit-learn hands out is the memory of the model itself.
        weights = [layer.copy() for layer in estimator.coefs_]
        biases = [layer.copy() for layer in estimator.intercepts_]
    scaler = pipeline[SCALE]
    # In this order: the bias takes the weights as they are before they are scaled.
    biases[0] = biases[0] + scaler.min_ @ weights[0]
    weights[0] = scaler.scale_[:, None] * weights[0]
    weights[-1], biases[-1] = with_two_outputs(weights[-1], biases[-1])
    return tuple(AffineLayer(w, b) for w, b in zip(weights, biases, strict=True))


def decision_trees(pipeline: Pipeline) -> tuple[DecisionTree, ...]:
    """The trees of a random forest, or the one decision tree.

    Args:
        pipeline: Fixed scaling, then the classifier.

    Returns:
        Trees over native features, classes in the model's order. The mean over the trees of
        ``value[leaf_of(x)]`` are the model's probabilities, up to the rounding of the mean.

    Raises:
        NotEvaluated: The model is not made of decision trees.
    """
    estimator = pipeline[CLASSIFY]
    if not is_made_of_trees(pipeline):
        raise NotEvaluated(f"{type(estimator).__name__} is not made of decision trees")
    grown = estimator.estimators_ if isinstance(estimator, RandomForestClassifier) else [estimator]
    return tuple(_tree(one, pipeline[SCALE]) for one in grown)


def _tree(estimator: DecisionTreeClassifier, scaler: MinMaxScaler) -> DecisionTree:
    grown = estimator.tree_
    inner = grown.children_left >= 0
    feature = np.where(inner, grown.feature, -1)
    threshold = np.full(len(feature), np.nan)
    threshold[inner] = _last_to_go_left(
        grown.threshold[inner], scaler.scale_[feature[inner]], scaler.min_[feature[inner]]
    )
    # Copies, as above.
    left, right = grown.children_left.copy(), grown.children_right.copy()
    return DecisionTree(feature, threshold, left, right, grown.value[:, 0, :].copy())


def _last_to_go_left(threshold: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The greatest float64 that, scaled and rounded to float32, is not above each threshold."""
    about = (threshold - offset) / scale
    # Rounding to float32 moves a number by at most 2**-24 of itself, or 2**-150 near 0.
    hair = (1e-6 * (np.abs(threshold) + np.abs(offset)) + 1e-30) / scale
    low: np.ndarray = about - hair
    high = about + hair
    while True:
        middle = low + (high - low) / 2
        between = (low < middle) & (middle < high)
        if not between.any():
            return low
        goes_left = (middle * scale + offset).astype(np.float32) <= threshold
        low = np.where(between & goes_left, middle, low)
        high = np.where(between & ~goes_left, middle, high)
