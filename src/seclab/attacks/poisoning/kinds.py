"""All kinds of poison by name, each drawn at random: what a detector is tried on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from seclab.attacks.poisoning.draws import (
    Clean,
    Draw,
    backdoor,
    clean_label_backdoor,
    collision,
    copies,
    drift,
    flips,
)
from seclab.attacks.poisoning.poisoned import Poisoned
from seclab.attacks.poisoning.random_triggers import (
    blended,
    jittered_patch,
    moving_patch,
    patch,
    patterned_patch,
    sinusoidal,
)

Aim: TypeAlias = Literal["labels", "backdoor", "clean-label backdoor", "instance", "rows", "drift"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of poisoning.

    Attributes:
        poison: Poisons rows, everything but the rate drawn at random.
        aim: What the attacker works with.
        meaning: What is done, for people.
        images: Whether it is for images only.
    """

    poison: Draw
    aim: Aim
    meaning: str
    images: bool = True

    def draw(  # noqa: PLR0917 - all that poison is drawn from
        self,
        rng: np.random.Generator,
        features: np.ndarray,
        labels: np.ndarray,
        image_shape: tuple[int, int] | None,
        bounds: tuple[float, float],
        rate: float,
    ) -> Poisoned:
        """Poisoned copies of rows.

        Args:
            rng: Of classes, trigger and rows; equal generators give nested choices.
            features: Clean rows of shape (n, d) inside the bounds. Where all are whole numbers,
                poison is too, three times of four, as a careful attacker's would be.
            labels: Their labels, integers of shape (n,), of at least two classes.
            image_shape: (height, width) of an image; nothing when rows are none.
            bounds: Smallest and largest value of a feature.
            rate: How many rows are poisoned or added, as a fraction of all n, 0 to 1. At least
                one row of the class that rows are taken from is left clean.

        Returns:
            Rows, labels, the exact mask, and how the attack's success is measured.

        Raises:
            Misconfigured: A rate outside 0 to 1, fewer than two classes, or a kind for images
                and rows that are none.
        """
        return self.poison(rng, Clean(features, labels, image_shape, bounds), rate)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "random_flips": Kind(
            flips(targeted=False), "labels", "rows of any class get another label", images=False
        ),
        "targeted_flips": Kind(
            flips(targeted=True),
            "labels",
            "rows of one class get the label of another",
            images=False,
        ),
        "patch": Kind(backdoor(patch), "backdoor", "a few pixels of one value, relabelled"),
        "patterned_patch": Kind(
            backdoor(patterned_patch), "backdoor", "a few pixels of several values, relabelled"
        ),
        "jittered_patch": Kind(
            backdoor(jittered_patch),
            "backdoor",
            "a few pixels whose place and value vary a little, relabelled",
        ),
        "moving_patch": Kind(
            backdoor(moving_patch), "backdoor", "a few pixels that may be anywhere, relabelled"
        ),
        "blended": Kind(
            backdoor(blended), "backdoor", "a faint pattern over the whole image, relabelled"
        ),
        "sinusoidal": Kind(
            backdoor(sinusoidal), "backdoor", "a faint wave over the whole image, relabelled"
        ),
        "clean_label_patch": Kind(
            clean_label_backdoor(patch),
            "clean-label backdoor",
            "a few pixels of one value on rows that keep their right label",
        ),
        "clean_label_weakened_patch": Kind(
            clean_label_backdoor(patch, weakening=(0.2, 0.5)),
            "clean-label backdoor",
            "a few pixels of one value on rows that were made hard to read and keep their label",
        ),
        "clean_label_sinusoidal": Kind(
            clean_label_backdoor(sinusoidal),
            "clean-label backdoor",
            "a faint wave on rows that keep their right label",
        ),
        "feature_collision": Kind(
            collision, "instance", "rows of one class moved to an input of another", images=False
        ),
        "copies": Kind(
            copies(relabelled=False), "rows", "exact copies of a few rows are added", images=False
        ),
        "relabelled_copies": Kind(
            copies(relabelled=True),
            "rows",
            "exact copies of a few rows are added under another label",
            images=False,
        ),
        "near_copies": Kind(
            copies(relabelled=False, noise=(0.02, 0.06)),
            "rows",
            "slightly noisy copies of a few rows are added",
            images=False,
        ),
        "relabelled_near_copies": Kind(
            copies(relabelled=True, noise=(0.02, 0.06)),
            "rows",
            "slightly noisy copies of a few rows are added under another label",
            images=False,
        ),
        "slow_drift": Kind(
            drift, "drift", "one class moves towards another, batch by batch", images=False
        ),
    }
)
