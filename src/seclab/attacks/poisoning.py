"""Backdoor poisoning: a visible trigger on a few training rows, and a label that follows it."""

from dataclasses import dataclass

import numpy as np

from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class PatchTrigger:
    """A rectangle of one value.

    Attributes:
        position: (row, column) of its upper-left pixel.
        shape: (height, width) in pixels.
        value: What its pixels are set to, in native units.
    """

    position: tuple[int, int]
    shape: tuple[int, int]
    value: float

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the patch on them.

        Args:
            images: Flattened images of shape (n, d).
            image_shape: (height, width), height * width = d.

        Returns:
            Array of shape (n, d); the images given are not modified.

        Raises:
            Misconfigured: The patch does not lie inside the image.
        """
        (top, left), (height, width) = self.position, self.shape
        inside = min(top, left) >= 0 and min(height, width) >= 1
        if not inside or top + height > image_shape[0] or left + width > image_shape[1]:
            raise Misconfigured(
                f"a patch of {height} x {width} pixels at row {top}, column {left} does not lie "
                f"inside an image of {image_shape[0]} x {image_shape[1]}"
            )
        stamped = images.reshape(-1, *image_shape).copy()
        stamped[:, top : top + height, left : left + width] = self.value
        return stamped.reshape(images.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Poisoned:
    """Training rows after the attack, in their old order.

    Attributes:
        features: float64 of shape (n, d).
        labels: int64 of shape (n,).
        mask: Boolean of shape (n,), true for exactly the rows that were poisoned.
    """

    features: np.ndarray
    labels: np.ndarray
    mask: np.ndarray


def poison(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    trigger: PatchTrigger,
    image_shape: tuple[int, int],
    source: int,
    target: int,
    rate: float,
    rng: np.random.Generator,
) -> Poisoned:
    """Stamp the trigger on rows of one class and relabel them as another (dirty label).

    Args:
        features: Clean images of shape (n, d).
        labels: Their labels, integers of shape (n,).
        trigger: What is stamped.
        image_shape: (height, width) of an image.
        source: The class that rows are taken from.
        target: The label they get.
        rate: How many rows, as a fraction of all n, 0 to 1. At least one row of the source
            class is left clean, however high the rate: a class that vanished is noticed at once
            and leaves nothing to backdoor.
        rng: Chooses the rows. Equal generators give nested choices: a lower rate takes a part of
            the rows a higher one takes.

    Returns:
        Rows, labels and the exact mask of poisoned rows; the arrays given are not modified.

    Raises:
        Misconfigured: A rate outside 0 to 1, equal classes, or a patch outside the image.

    References:
        Gu, Dolan-Gavitt and Garg (2017), BadNets: identifying vulnerabilities in the machine
        learning model supply chain, arXiv:1708.06733.
    """
    problems = []
    if not 0.0 <= rate <= 1.0:
        problems.append(f"a poison rate is a fraction from 0 to 1, got {rate}")
    if source == target:
        problems.append(f"source and target class are both {source}: choose two different ones")
    if problems:
        raise Misconfigured(problems)
    candidates = rng.permutation(np.flatnonzero(labels == source))
    wanted = min(round(rate * len(labels)), max(candidates.size - 1, 0))
    mask = np.zeros(len(labels), dtype=bool)
    mask[candidates[:wanted]] = True
    poisoned = features.copy()
    poisoned[mask] = trigger.stamp(features[mask], image_shape)
    return Poisoned(poisoned, np.where(mask, target, labels), mask)
