"""Exact answers about decision trees: a leaf is a box, and boxes can be intersected."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

Norm: TypeAlias = Literal["linf", "l2"]

# A ball is widened by this fraction of the feature range before anything is certified in it: more
# than x + epsilon and the distances of attacks are rounded by.
_WIDER = 1e-9
# What the mean of a forest's probabilities may be off by; a smaller margin is no margin.
_ROUNDING = 1e-9


class Tree(Protocol):
    """A tree whose inner nodes send ``x[feature] <= threshold`` left and the rest right.

    Node 0 is the root, children come after their parent, ``left`` and ``right`` are -1 at a leaf.
    ``value`` (nodes, k) holds the class probabilities of each node.
    """

    @property
    def feature(self) -> np.ndarray:
        """Column compared, shape (nodes,)."""
        ...

    @property
    def threshold(self) -> np.ndarray:
        """Greatest value that goes left, shape (nodes,)."""
        ...

    @property
    def left(self) -> np.ndarray:
        """Child for smaller values, shape (nodes,)."""
        ...

    @property
    def right(self) -> np.ndarray:
        """Child for greater values, shape (nodes,)."""
        ...

    @property
    def value(self) -> np.ndarray:
        """Class probabilities, shape (nodes, k)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Closed boxes of rows and what a tree answers in each.

    Attributes:
        low: Smallest float64 of each feature inside, shape (m, d).
        high: Greatest one, shape (m, d), nowhere below ``low``.
        value: Class probabilities, or their sum over several trees, shape (m, k).
    """

    low: np.ndarray
    high: np.ndarray
    value: np.ndarray

    def take(self, chosen: np.ndarray) -> "Boxes":
        """Some of the boxes."""
        return Boxes(self.low[chosen], self.high[chosen], self.value[chosen])

    def distances(self, x: np.ndarray, *, norm: Norm) -> np.ndarray:
        """From each row of ``x`` (n, d) to the nearest point of each box, shape (n, m)."""
        found = np.zeros((len(x), len(self.low)))
        # Most features of most leaves are free; x lies inside the hull of all boxes.
        bound = (self.low > self.low.min(axis=0)) | (self.high < self.high.max(axis=0))
        for index, (low, high, near) in enumerate(zip(self.low, self.high, bound, strict=True)):
            beside = x[:, near]
            found[:, index] = _length(beside.clip(low[near], high[near]) - beside, norm)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class NearestExamples:
    """The nearest rows that a tree answers differently.

    Attributes:
        adversarial: Shape (n, d), inside the feature bounds; the input itself where it is
            misclassified already or nothing else can be answered.
        distance: From the input to it, in the unit of the features, shape (n,): 0 where it is
            misclassified already, infinite where nothing else can be answered.
    """

    adversarial: np.ndarray
    distance: np.ndarray


def leaf_boxes(tree: Tree, *, columns: int, bounds: tuple[float, float]) -> Boxes:
    """The leaves of a tree that rows inside the bounds can reach, in order of their nodes.

    The boxes are disjoint and hold every float64 row inside the bounds.

    Args:
        tree: The tree.
        columns: Features of a row.
        bounds: Smallest and largest feature value.
    """
    low = np.full((len(tree.left), columns), float(bounds[0]))
    high = np.full((len(tree.left), columns), float(bounds[1]))
    for node in np.flatnonzero(tree.left >= 0):
        feature, threshold = tree.feature[node], tree.threshold[node]
        left, right = tree.left[node], tree.right[node]
        low[[left, right]], high[[left, right]] = low[node], high[node]
        high[left, feature] = min(high[node, feature], threshold)
        # What goes right begins at the next number: "greater" is closed among float64.
        low[right, feature] = max(low[node, feature], np.nextafter(threshold, np.inf))
    kept = np.flatnonzero((tree.left < 0) & (low <= high).all(axis=1))
    return Boxes(low[kept], high[kept], tree.value[kept])


def nearest_in_tree(
    tree: Tree, x: np.ndarray, y: np.ndarray, *, bounds: tuple[float, float], norm: Norm
) -> NearestExamples:
    """The exact smallest change that alters the answer of a single tree.

    Every leaf of another class is a box; the nearest point of a box is the input clipped to it.

    Args:
        tree: The tree.
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Their true classes as columns of the probabilities, shape (n,).
        bounds: Smallest and largest feature value.
        norm: How a change is measured.

    Returns:
        The examples, and their distances: no float64 row that is nearer is misclassified.

    References:
        Kantchelian, Tygar and Joseph (2016), Evasion and hardening of tree ensemble classifiers,
        arXiv:1509.07892.
    """
    boxes = leaf_boxes(tree, columns=x.shape[1], bounds=bounds)
    distances = boxes.distances(x, norm=norm)
    distances[boxes.value.argmax(axis=1)[None, :] == y[:, None]] = np.inf
    nearest = distances.argmin(axis=1)
    distance = distances[np.arange(len(x)), nearest]
    found = x.clip(boxes.low[nearest], boxes.high[nearest])
    return NearestExamples(np.where(np.isfinite(distance)[:, None], found, x), distance)


def forest_margin_bounds(
    trees: Sequence[Tree],
    x: np.ndarray,
    y: np.ndarray,
    *,
    epsilons: Sequence[float],
    bounds: tuple[float, float],
    norm: Norm,
    cells: int = 1,
) -> np.ndarray:
    """What the margin of a forest cannot fall below anywhere in a ball.

    Each tree on its own gives its worst leaf that the ball reaches; no row need reach all of
    these at once. Where that certifies nothing and ``cells`` allows, trees are joined in groups
    whose leaves are intersected, so that a group gives its worst answer that exists.

    Args:
        trees: The trees of a forest that answers with the mean of their probabilities.
        x: Inputs of shape (n, d), inside ``bounds``.
        y: Their true classes as columns of the probabilities, shape (n,).
        epsilons: Radii of the balls in the unit of ``x``, each at least 0.
        bounds: Smallest and largest feature value: what lies outside is no input.
        norm: The norm of the ball.
        cells: Intersections that a group of trees may have, at least 1, which joins nothing.
            More give tighter bounds and take longer.

    Returns:
        Shape (len(epsilons), n): a lower bound on the probability of ``y`` less that of the
        likeliest other class, -1 to 1. Above 0 it is proven that no row in the ball and the
        bounds is misclassified; otherwise nothing is.

    References:
        Chen et al. (2019), Robustness verification of tree-based models, arXiv:1906.03849.
    """
    forest = [leaf_boxes(tree, columns=x.shape[1], bounds=bounds) for tree in trees]
    # One measurement serves all radii, which differ only in what they reach.
    distances = [boxes.distances(x, norm=norm) for boxes in forest]
    wider = _WIDER * (bounds[1] - bounds[0])
    found = np.empty((len(epsilons), len(x)))
    for index, epsilon in enumerate(epsilons):
        reached = [distance <= epsilon + wider for distance in distances]
        found[index] = _one_by_one(forest, reached, y)
        # Joining cannot help where the input itself is misclassified or all is certain already.
        for row in np.flatnonzero((found[index] <= 0.0) & (cells > 1)):
            near = [boxes.take(those[row]) for boxes, those in zip(forest, reached, strict=True)]
            ball = _Ball(x[row], epsilon + wider, norm)
            found[index, row] = max(found[index, row], ball.joined(near, int(y[row]), cells))
    return found


def _one_by_one(
    forest: Sequence[Boxes], reached: Sequence[np.ndarray], y: np.ndarray
) -> np.ndarray:
    """Sum over the trees of the worst leaf reached, by rival; the worst rival of each row."""
    classes = forest[0].value.shape[1]
    worst = np.zeros((len(y), classes))
    for boxes, those in zip(forest, reached, strict=True):
        for truth in np.unique(y):
            rows = np.flatnonzero(y == truth)
            leads = boxes.value[:, [truth]] - boxes.value
            masked = np.where(those[rows][:, :, None], leads[None], np.inf)
            worst[rows] += masked.min(axis=1)
    worst[np.arange(len(y)), y] = np.inf
    lowest: np.ndarray = worst.min(axis=1) / len(forest) - _ROUNDING
    return lowest


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """The ball around one row."""

    x: np.ndarray
    epsilon: float
    norm: Norm

    def joined(self, near: Sequence[Boxes], truth: int, cells: int) -> float:
        """The bound on the margin from trees joined in groups of at most so many cells."""
        worst = np.zeros(near[0].value.shape[1])
        # Trees of few leaves first: they make the large groups.
        pending = sorted(near, key=lambda boxes: len(boxes.value))
        group = pending[0]
        for boxes in pending[1:]:
            wider = self.intersected(group, boxes) if len(group.value) <= cells else None
            if wider is None or len(wider.value) > cells:
                worst += _leads(group, truth)
                wider = boxes
            group = wider
        worst += _leads(group, truth)
        worst[truth] = np.inf
        return float(worst.min() / len(near) - _ROUNDING)

    def intersected(self, one: Boxes, other: Boxes) -> Boxes:
        """The boxes that a box of each makes and the ball reaches; their values added."""
        low = np.maximum(one.low[:, None], other.low[None])
        high = np.minimum(one.high[:, None], other.high[None])
        first, second = np.nonzero((low <= high).all(axis=2))
        low, high = low[first, second], high[first, second]
        value = one.value[first] + other.value[second]
        within = _length(self.x.clip(low, high) - self.x, self.norm) <= self.epsilon
        return Boxes(low, high, value).take(within)


def _leads(boxes: Boxes, truth: int) -> np.ndarray:
    """The smallest lead of the true class over each class, shape (k,)."""
    leads: np.ndarray = (boxes.value[:, [truth]] - boxes.value).min(axis=0)
    return leads


def _length(change: np.ndarray, norm: Norm) -> np.ndarray:
    """Length of each change along the last axis; 0 for a change of no feature."""
    if norm == "linf":
        return np.asarray(np.abs(change).max(axis=-1, initial=0.0))
    return np.asarray(np.linalg.norm(change, axis=-1))
