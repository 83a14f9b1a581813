"""The smallest change that breaks each image, over all sizes of the ball."""

from collections.abc import Sequence

import numpy as np

from seclab.attacks.minimal_perturbation import minimal_perturbation
from seclab.evasion.attempts import Attacker, Attempt

_HALVINGS = 10  # of what was found: a thousandth of it is all that is left to gain


def smallest_changes(attacker: Attacker, clean: Attempt, attempts: Sequence[Attempt]) -> np.ndarray:
    """The length of the smallest change found that the model reads wrong, for each image.

    The exact one where the worst case is computed; otherwise the shortest of all attempts, and of
    the search made for it where there is a gradient, shortened while the model is still fooled. A
    search that goes to the edge of its ball would else give the size of the ball.

    Args:
        attacker: Model, images and norm.
        clean: The unchanged images.
        attempts: What the attacks found, at sizes up to the whole box.

    Returns:
        Fractions of the feature range, shape (n,): 0 where the image is read wrong unchanged,
        infinite where nothing was found. Lower is worse.
    """
    images, geometry = attacker.images, attacker.geometry
    best, shortest = images.features.copy(), np.where(clean.fooled, 0.0, np.inf)
    found = [(attempt.adversarial, attempt.fooled) for attempt in attempts]
    nearest = _nearest(attacker)
    if nearest is not None:
        found.append((nearest, attacker.judge(nearest)[0]))
    for adversarial, fooled in found:
        length = geometry.lengths(adversarial - images.features)
        shorter = fooled & (length < shortest)
        best[shorter], shortest[shorter] = adversarial[shorter], length[shorter]
    if attacker.exact is None:
        shortest = _shortened(attacker, best, shortest)
    return np.asarray(shortest / images.scale)


def _nearest(attacker: Attacker) -> np.ndarray | None:
    """What the search made for small changes finds, shape (n, d)."""
    target, images, geometry = attacker.target, attacker.images, attacker.geometry
    if attacker.exact is not None:
        return attacker.exact.nearest.adversarial
    if not target.has_gradient:
        return None
    return minimal_perturbation(
        target.margin_gradient,
        target.predict,
        images.features,
        images.labels,
        norm=geometry.norm,
        bounds=images.feature_range,
        steps=attacker.effort.steps,
    )


def _shortened(attacker: Attacker, found: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Lengths (n,) after halving between each image and what was found, by labels alone."""
    rows = np.flatnonzero(np.isfinite(lengths) & (lengths > 0.0))
    if not rows.size:
        return lengths
    images, geometry = attacker.images, attacker.geometry
    x, y, shortest = images.features[rows], images.labels[rows], lengths.copy()
    best, close, far = found[rows], np.zeros(len(rows)), lengths[rows]
    for _ in range(_HALVINGS):
        middle = (close + far) / 2
        nearer = np.clip(x + geometry.shortened(best - x, middle), *images.feature_range)
        fooled = attacker.target.predict(nearer) != y
        best = np.where(fooled[:, None], nearer, best)
        close, far = np.where(fooled, close, middle), np.where(fooled, middle, far)
    shortest[rows] = geometry.lengths(best - x)
    return shortest
