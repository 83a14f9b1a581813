"""Exact answers about decision trees: a leaf is a box, and boxes can be intersected."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seclab.norms import Norm, lengths

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
            found[:, index] = lengths(beside.clip(low[near], high[near]) - beside, norm)
        return found

    def by_answer(self, x: np.ndarray, *, norm: Norm) -> tuple[np.ndarray, np.ndarray]:
        """The different values, (u, k), and from each row of ``x`` to the nearest box of each."""
        values, which = np.unique(self.value, axis=0, return_inverse=True)
        order = which.ravel().argsort(kind="stable")
        firsts = np.searchsorted(which.ravel()[order], np.arange(len(values)))
        distances = self.distances(x, norm=norm)[:, order]
        return values, np.minimum.reduceat(distances, firsts, axis=1)


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
    possible = np.isfinite(distances[np.arange(len(x)), nearest])
    clipped = x.clip(boxes.low[nearest], boxes.high[nearest])
    found = np.where(possible[:, None], clipped, x)
    return NearestExamples(found, np.where(possible, lengths(found - x, norm), np.inf))


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredForest:
    """The trees of a forest, which answers with the mean of their probabilities, around inputs.

    One measurement serves balls of every size. What is proven is that no row in ball and bounds
    is misclassified, which is where a lower bound on the margin is above 0: the probability of
    the true class less that of the likeliest other class, -1 to 1.

    Attributes:
        x: Inputs of shape (n, d), inside the bounds.
        y: Their true classes as columns of the probabilities, shape (n,).
        norm: The norm of the balls.
        slack: By how much balls are widened, in the unit of ``x``.
        leaves: The leaves of every tree.
        answers: The different answers of every tree, (answers, k).
        distances: From every input to the nearest leaf of every answer, (n, answers) a tree.

    References:
        Chen et al. (2019), Robustness verification of tree-based models, arXiv:1906.03849.
    """

    x: np.ndarray
    y: np.ndarray
    norm: Norm
    slack: float
    leaves: tuple[Boxes, ...]
    answers: tuple[np.ndarray, ...]
    distances: tuple[np.ndarray, ...]

    @classmethod
    def around(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        trees: Sequence[Tree],
        *,
        bounds: tuple[float, float],
        norm: Norm,
    ) -> "MeasuredForest":
        """Measure a forest.

        Args:
            x: Inputs of shape (n, d), inside ``bounds``.
            y: Their true classes as columns of the probabilities, shape (n,).
            trees: The trees, at least one.
            bounds: Smallest and largest feature value: what lies outside is no input.
            norm: The norm of the balls.
        """
        leaves = tuple(leaf_boxes(tree, columns=x.shape[1], bounds=bounds) for tree in trees)
        # Fully grown trees have hundreds of leaves and as many answers as there are classes.
        answers, distances = zip(*(boxes.by_answer(x, norm=norm) for boxes in leaves), strict=True)
        return cls(x, y, norm, _WIDER * (bounds[1] - bounds[0]), leaves, answers, distances)

    def margins(self, epsilon: float | np.ndarray) -> np.ndarray:
        """Lower bounds of the margins from each tree on its own, shape (n,).

        Every tree gives its worst leaf that the ball reaches; no row need reach all of these at
        once.

        Args:
            epsilon: Radius in the unit of ``x``, at least 0; one for all or shape (n,).
        """
        worst = np.zeros((len(self.y), self.answers[0].shape[1]))
        reach = np.broadcast_to(epsilon, self.y.shape)[:, None] + self.slack
        for answers, distances in zip(self.answers, self.distances, strict=True):
            reached = distances <= reach
            for truth in np.unique(self.y):
                rows = np.flatnonzero(self.y == truth)
                leads = answers[:, [truth]] - answers
                masked = np.where(reached[rows][:, :, None], leads[None], np.inf)
                worst[rows] += masked.min(axis=1)
        worst[np.arange(len(self.y)), self.y] = np.inf
        lowest: np.ndarray = worst.min(axis=1) / len(self.leaves) - _ROUNDING
        return lowest

    def joined_margins(self, rows: np.ndarray, epsilon: float, *, cells: int) -> np.ndarray:
        """Lower bounds from trees joined in groups, shape (len(rows),): tighter, and slower.

        The leaves of a group are intersected, so that it gives its worst answer that exists.

        Args:
            rows: Indexes of the inputs in question.
            epsilon: Radius in the unit of ``x``, at least 0.
            cells: Intersections that a group may have, at least 1. With more than any group has,
                the bound is the smallest margin itself.
        """
        found = np.empty(len(rows))
        for index, row in enumerate(rows):
            ball = _Ball(self.x[row], epsilon + self.slack, self.norm)
            near = [ball.reached(boxes) for boxes in self.leaves]
            found[index] = ball.joined(near, self.y[row], cells)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """The ball around one row."""

    x: np.ndarray
    epsilon: float
    norm: Norm

    def joined(self, near: Sequence[Boxes], truth: int, cells: int) -> float:
        """The bound on the margin from trees joined in groups of at most so many cells."""
        leads = [_leads(group, truth) for group in self.groups(near, cells)]
        worst: np.ndarray = np.sum(leads, axis=0)
        worst[truth] = np.inf
        return float(worst.min() / len(near) - _ROUNDING)

    def groups(self, near: Sequence[Boxes], cells: int) -> Iterator[Boxes]:
        """Trees joined, those of few leaves first: they make the large groups."""
        # A tree of one answer, whatever its leaves, has nothing that another could exclude.
        divided = [(boxes.value != boxes.value[0]).any() for boxes in near]
        yield from itertools.compress(near, np.logical_not(divided))
        pending = sorted(itertools.compress(near, divided), key=lambda boxes: len(boxes.value))
        while pending:
            group, *pending = pending
            while pending and len(group.value) <= cells:
                wider = self.intersected(group, pending[0])
                if len(wider.value) > cells:
                    break
                group, pending = wider, pending[1:]
            yield group

    def intersected(self, one: Boxes, other: Boxes) -> Boxes:
        """The boxes that a box of each makes and the ball reaches; their values added."""
        low = np.maximum(one.low[:, None], other.low[None])
        high = np.minimum(one.high[:, None], other.high[None])
        first, second = np.nonzero((low <= high).all(axis=2))
        low, high = low[first, second], high[first, second]
        return self.reached(Boxes(low, high, one.value[first] + other.value[second]))

    def reached(self, boxes: Boxes) -> Boxes:
        """The boxes that hold a point of the ball."""
        away = self.x.clip(boxes.low, boxes.high) - self.x
        return boxes.take(lengths(away, self.norm) <= self.epsilon)


def _leads(boxes: Boxes, truth: int) -> np.ndarray:
    """The smallest lead of the true class over each class, shape (k,)."""
    leads: np.ndarray = (boxes.value[:, [truth]] - boxes.value).min(axis=0)
    return leads
