"""What is proven: images that nothing inside a ball can change the answer to."""

from collections.abc import Sequence

import numpy as np

from seclab.attacks.bound_propagation import relaxed_margin_bounds
from seclab.attacks.tree_boxes import forest_margin_bounds
from seclab.evasion.attempts import Attacker

_CELLS = 1  # joining trees proves a little more and takes minutes on a forest of a hundred
_SOFTMAX = 1e-14  # a lead in scores below which rounded probabilities may be equal


def certificates(attacker: Attacker, epsilons: Sequence[float]) -> dict[float, np.ndarray]:
    """Which images are proven right in balls of each size.

    Every ball is as wide as the longest change that is counted as an attack of that size, and
    what the model's own rounding could turn is not proven.

    Args:
        attacker: Model, images and norm.
        epsilons: Radii as fractions of the feature range.

    Returns:
        Booleans of shape (n,) by radius; empty where no proof is known for such a model.
    """
    target = attacker.target
    if attacker.is_affine:
        return {epsilon: _affine(attacker, epsilon) for epsilon in epsilons}
    if target.has_affine_layers:
        return {epsilon: _network(attacker, epsilon) for epsilon in epsilons}
    if target.has_decision_trees:
        return _forest(attacker, epsilons)
    return {}


def _affine(attacker: Attacker, epsilon: float) -> np.ndarray:
    (layer,) = attacker.target.affine_layers()
    images = attacker.images
    worst = attacker.geometry.worst_case(
        layer.weights,
        layer.bias,
        images.features,
        attacker.classes,
        epsilon=attacker.reach(epsilon),
        bounds=images.feature_range,
    )
    # A margin that the rounding of the model's own sums could turn is no proof.
    largest = max(map(abs, images.feature_range))
    magnitude = (np.abs(layer.bias) + largest * np.abs(layer.weights).sum(axis=0)).max()
    rounding = 4 * np.finfo(float).eps * (len(layer.weights) + 1) * magnitude
    return np.asarray(worst.margin > rounding + _SOFTMAX)


def _network(attacker: Attacker, epsilon: float) -> np.ndarray:
    images = attacker.images
    lowest = relaxed_margin_bounds(
        attacker.target.affine_layers(),
        images.features,
        attacker.classes,
        epsilon=attacker.reach(epsilon),
        bounds=images.feature_range,
        norm=attacker.geometry.norm,
    )
    return np.asarray(lowest > 0.0)


def _forest(attacker: Attacker, epsilons: Sequence[float]) -> dict[float, np.ndarray]:
    images = attacker.images
    lowest = forest_margin_bounds(
        attacker.target.decision_trees(),
        images.features,
        attacker.classes,
        epsilons=[attacker.reach(epsilon) for epsilon in epsilons],
        bounds=images.feature_range,
        norm=attacker.geometry.norm,
        cells=_CELLS,
    )
    return {epsilon: np.asarray(row > 0.0) for epsilon, row in zip(epsilons, lowest, strict=True)}
