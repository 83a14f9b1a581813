"""Poisoned training data, in every known way: what detectors are tried on.

Every attack gives the rows, their labels and the exact mask of what was changed or added.
"""

from seclab.attacks.poisoning.backdoors import clean_label, poison
from seclab.attacks.poisoning.collision import feature_collision
from seclab.attacks.poisoning.drifting import slow_drift
from seclab.attacks.poisoning.flips import random_flips, targeted_flips
from seclab.attacks.poisoning.injections import injected_copies
from seclab.attacks.poisoning.kinds import KINDS, Kind
from seclab.attacks.poisoning.poisoned import Poisoned
from seclab.attacks.poisoning.triggers import (
    BlendedTrigger,
    MovingTrigger,
    PatchTrigger,
    PixelTrigger,
    RoundedTrigger,
    SinusoidalTrigger,
    Trigger,
)

__all__ = [
    "KINDS",
    "BlendedTrigger",
    "Kind",
    "MovingTrigger",
    "PatchTrigger",
    "PixelTrigger",
    "Poisoned",
    "RoundedTrigger",
    "SinusoidalTrigger",
    "Trigger",
    "clean_label",
    "feature_collision",
    "injected_copies",
    "poison",
    "random_flips",
    "slow_drift",
    "targeted_flips",
]
