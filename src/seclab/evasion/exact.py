"""Models whose worst case is computed, not searched for: affine ones, and single decision trees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seclab.attacks.tree_boxes import nearest_in_tree
from seclab.datasets import Dataset
from seclab.evasion.geometry import Geometry
from seclab.models import AffineLayer, Target

_SOFTMAX = 1e-14  # a lead in scores below which rounded probabilities may be equal


class Nearest(Protocol):
    """The nearest rows that a model reads wrong."""

    @property
    def adversarial(self) -> np.ndarray:
        """Shape (n, d)."""
        ...

    @property
    def distance(self) -> np.ndarray:
        """Nothing nearer is read wrong, shape (n,), in the unit of the features."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What no attack on a model can do better, and no proof either.

    Attributes:
        model: What the model is, as in "the model is ...".
        attack: Name of the attack, without the norm.
        nearest: The smallest change of each image that the model reads wrong.
        worst: The worst inputs (n, d) in a ball of a radius in native units, or inputs outside
            where nothing in the ball is read wrong.
        proven: Which images, booleans of shape (n,), nothing in a ball of a radius in native
            units is read wrong of; what the model's own rounding could turn is not proven.
    """

    model: str
    attack: str
    nearest: Nearest
    worst: Callable[[float], np.ndarray]
    proven: Callable[[float], np.ndarray]


def solved(
    target: Target, images: Dataset, classes: np.ndarray, geometry: Geometry
) -> Solution | None:
    """The solution of a model, or ``None`` where none is known.

    Args:
        target: The model.
        images: What is attacked.
        classes: Their true classes as columns of the model's answers, shape (n,).
        geometry: The norm.
    """
    if target.has_affine_layers and len(layers := target.affine_layers()) == 1:
        return _affine(layers[0], images, classes, geometry)
    if target.has_decision_trees and len(trees := target.decision_trees()) == 1:
        nearest = nearest_in_tree(
            trees[0], images.features, classes, bounds=images.feature_range, norm=geometry.norm
        )
        return Solution(
            model="a single decision tree",
            attack="nearest_leaf",
            nearest=nearest,
            worst=lambda _: nearest.adversarial,
            proven=lambda radius: np.asarray(nearest.distance > radius),
        )
    return None


def _affine(
    layer: AffineLayer, images: Dataset, classes: np.ndarray, geometry: Geometry
) -> Solution:
    model = (layer.weights, layer.bias, images.features, classes)
    bounds = images.feature_range
    # A margin that the rounding of the model's own sums could turn is no proof.
    largest = max(map(abs, bounds))
    magnitude = (np.abs(layer.bias) + largest * np.abs(layer.weights).sum(axis=0)).max()
    rounding = 4 * np.finfo(float).eps * (len(layer.weights) + 1) * magnitude + _SOFTMAX

    def worst(radius: float) -> np.ndarray:
        return geometry.worst_case(*model, epsilon=radius, bounds=bounds).adversarial

    def proven(radius: float) -> np.ndarray:
        margin = geometry.worst_case(*model, epsilon=radius, bounds=bounds).margin
        return np.asarray(margin > rounding)

    return Solution(
        model="affine",
        attack="linear_worst_case",
        nearest=geometry.minimal(*model, bounds=bounds),
        worst=worst,
        proven=proven,
    )
