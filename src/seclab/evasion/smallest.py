"""The smallest change that breaks each image, over all sizes of the ball."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seclab.evasion.attempts import Attacker, Attempt

_HALVINGS = 10  # of what was found: a thousandth of it is all that is left to gain


@dataclass(frozen=True, slots=True, eq=False)
class Smallest:
    """The smallest change of each image that the model was found to read wrong.

    Attributes:
        adversarial: What the images became, inside the box, shape (n, d); the image itself where
            it is read wrong unchanged or nothing was found.
        lengths: Fractions of the feature range, shape (n,): 0 where the image is read wrong
            unchanged, infinite where nothing was found. Lower is worse.
    """

    adversarial: np.ndarray
    lengths: np.ndarray


def smallest_changes(attacker: Attacker, clean: Attempt, attempts: Sequence[Attempt]) -> Smallest:
    """The smallest change found that the model reads wrong, for each image.

    The exact one where the worst case is computed; otherwise the shortest of all attempts,
    shortened while the model is still fooled. A search that goes to the edge of its ball would
    else give the size of the ball.

    Args:
        attacker: Model, images and norm.
        clean: The unchanged images.
        attempts: What the attacks found, at sizes up to the whole box.
    """
    images, geometry = attacker.images, attacker.geometry
    best, shortest = images.features.copy(), np.where(clean.fooled, 0.0, np.inf)
    found = [(attempt.adversarial, attempt.fooled) for attempt in attempts]
    if attacker.exact is not None:
        nearest = attacker.exact.nearest.adversarial
        found.append((nearest, attacker.judge(nearest)[0]))
    for adversarial, fooled in found:
        length = geometry.lengths(adversarial - images.features)
        shorter = fooled & (length < shortest)
        best[shorter], shortest[shorter] = adversarial[shorter], length[shorter]
    if attacker.exact is None:
        rows = np.flatnonzero(np.isfinite(shortest) & (shortest > 0.0))
        best[rows] = _shortened(attacker, rows, best[rows])
        shortest[rows] = geometry.lengths(best[rows] - images.features[rows])
    return Smallest(best, shortest / images.scale)


def _shortened(attacker: Attacker, rows: np.ndarray, found: np.ndarray) -> np.ndarray:
    """What is left of ``found`` (m, d) after halving towards the images ``rows``, by labels."""
    if not rows.size:
        return found
    images, geometry = attacker.images, attacker.geometry
    x, y, best = images.features[rows], images.labels[rows], found
    close, far = np.zeros(len(rows)), geometry.lengths(found - x)
    for _ in range(_HALVINGS):
        middle = (close + far) / 2
        nearer = np.clip(x + geometry.shortened(best - x, middle), *images.feature_range)
        fooled = attacker.target.predict(nearer) != y
        best = np.where(fooled[:, None], nearer, best)
        close, far = np.where(fooled, close, middle), np.where(fooled, middle, far)
    return best
