"""Ways of poisoning with classes, strengths and rows drawn at random."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from seclab.attacks.poisoning.backdoors import clean_label, poison
from seclab.attacks.poisoning.collision import feature_collision
from seclab.attacks.poisoning.drifting import slow_drift
from seclab.attacks.poisoning.flips import random_flips, targeted_flips
from seclab.attacks.poisoning.injections import injected_copies
from seclab.attacks.poisoning.poisoned import Poisoned
from seclab.attacks.poisoning.random_triggers import Canvas, DrawTrigger
from seclab.attacks.poisoning.triggers import RoundedTrigger, Trigger
from seclab.errors import Misconfigured

_CAREFUL = 0.75
_LOOKED_AT = 1000
_MOST_ORIGINALS = 30
_LIKENESS = (0.25, 1.0)
_MOST_DIRECTIONS = 30
_SHIFT = (0.3, 0.8)
_BATCHES = (5, 10)


@dataclass(frozen=True, slots=True, eq=False)
class Clean:
    """Rows before the attack.

    Attributes:
        features: Of shape (n, d), inside the bounds.
        labels: Integers of shape (n,).
        image_shape: (height, width) of an image; nothing when rows are none.
        bounds: Smallest and largest value of a feature.
    """

    features: np.ndarray
    labels: np.ndarray
    image_shape: tuple[int, int] | None
    bounds: tuple[float, float]

    def canvas(self) -> Canvas:
        """The rows as images.

        Raises:
            Misconfigured: They are none.
        """
        if self.image_shape is None:
            raise Misconfigured("this kind of poison is for images, and these rows are none")
        return Canvas(self.features, self.image_shape, self.bounds)


Draw: TypeAlias = Callable[[np.random.Generator, Clean, float], Poisoned]
"""Poisons a fraction of rows in one way, everything else about it drawn at random."""


def flips(*, targeted: bool) -> Draw:
    """Labels of one class become another's, or any label becomes any other."""

    def draw(rng: np.random.Generator, clean: Clean, rate: float) -> Poisoned:
        source, target = _pair(rng, clean.labels)
        if not targeted:
            return random_flips(clean.features, clean.labels, rate=rate, rng=rng)
        return targeted_flips(
            clean.features, clean.labels, source=source, target=target, rate=rate, rng=rng
        )

    return draw


def backdoor(draw_trigger: DrawTrigger) -> Draw:
    """A trigger on rows of one class, relabelled as another."""

    def draw(rng: np.random.Generator, clean: Clean, rate: float) -> Poisoned:
        canvas = clean.canvas()
        source, target = _pair(rng, clean.labels)
        return poison(
            clean.features,
            clean.labels,
            trigger=_trigger(rng, draw_trigger, canvas),
            image_shape=canvas.shape,
            source=source,
            target=target,
            rate=rate,
            rng=rng,
        )

    return draw


def clean_label_backdoor(
    draw_trigger: DrawTrigger, weakening: tuple[float, float] = (0.0, 0.0)
) -> Draw:
    """A trigger on rows of the target class, made harder to read by a share in this range."""

    def draw(rng: np.random.Generator, clean: Clean, rate: float) -> Poisoned:
        canvas = clean.canvas()
        _, target = _pair(rng, clean.labels)
        return clean_label(
            clean.features,
            clean.labels,
            trigger=_trigger(rng, draw_trigger, canvas),
            image_shape=canvas.shape,
            target=target,
            rate=rate,
            rng=rng,
            weakening=float(rng.uniform(*weakening)),
        )

    return draw


def copies(*, relabelled: bool, noise: tuple[float, float] = (0.0, 0.0)) -> Draw:
    """Copies of 1 to 30 rows, with noise of a deviation in this range, as fractions of the range.

    Few originals are as likely as many: their number is drawn on a logarithmic scale.
    """

    def draw(rng: np.random.Generator, clean: Clean, rate: float) -> Poisoned:
        source, target = _pair(rng, clean.labels)
        return injected_copies(
            clean.features,
            clean.labels,
            source=source,
            target=target if relabelled else source,
            rate=rate,
            originals=round(float(np.exp(rng.uniform(0.0, np.log(_MOST_ORIGINALS))))),
            noise=float(rng.uniform(*noise)),
            step=_step(rng, clean.features),
            bounds=clean.bounds,
            rng=rng,
        )

    return draw


def collision(rng: np.random.Generator, clean: Clean, rate: float) -> Poisoned:
    """Rows of one class moved to an input of another, in input space or along main directions."""
    source, target = _pair(rng, clean.labels)
    step = _step(rng, clean.features)
    count = int(rng.integers(1, min(_MOST_DIRECTIONS, clean.features.shape[1]) + 1))
    linear = rng.uniform() < 0.5
    return feature_collision(
        clean.features,
        clean.labels,
        instance=_between_two(rng, clean.features[clean.labels == source], step),
        source=source,
        target=target,
        rate=rate,
        likeness=float(rng.uniform(*_LIKENESS)),
        bounds=clean.bounds,
        projection=_main_directions(clean.features, count) if linear else None,
        step=step,
        rng=rng,
    )


def drift(rng: np.random.Generator, clean: Clean, rate: float) -> Poisoned:
    """One class goes 0.3 to 0.8 of the way to the mean of another, in 5 to 10 batches."""
    source, target = _pair(rng, clean.labels)
    way = clean.features[clean.labels == target].mean(axis=0) - clean.features[
        clean.labels == source
    ].mean(axis=0)
    return slow_drift(
        clean.features,
        clean.labels,
        source=source,
        target=target,
        rate=rate,
        batches=int(rng.integers(_BATCHES[0], _BATCHES[1] + 1)),
        shift=rng.uniform(*_SHIFT) * way,
        bounds=clean.bounds,
        step=_step(rng, clean.features),
        rng=rng,
    )


def _pair(rng: np.random.Generator, labels: np.ndarray) -> tuple[int, int]:
    """Two different classes."""
    classes = np.unique(labels)
    if classes.size < 2:
        raise Misconfigured(f"poison needs rows of at least two classes, got {classes.size}")
    source, target = rng.choice(classes, 2, replace=False)
    return int(source), int(target)


def _trigger(rng: np.random.Generator, draw_trigger: DrawTrigger, canvas: Canvas) -> Trigger:
    step = _step(rng, canvas.images)
    trigger = draw_trigger(rng, canvas)
    return trigger if step is None else RoundedTrigger(trigger, step)


def _step(rng: np.random.Generator, features: np.ndarray) -> float | None:
    """One where values are whole numbers and the attacker is careful."""
    careful = rng.uniform() < _CAREFUL
    looked_at = features[:_LOOKED_AT]
    return 1.0 if careful and np.array_equal(looked_at, np.round(looked_at)) else None


def _between_two(rng: np.random.Generator, rows: np.ndarray, step: float | None) -> np.ndarray:
    """An input half way between a row and the one next to it: like them, but in no data."""
    one = rows[rng.integers(len(rows))]
    away = ((rows - one) ** 2).sum(axis=1)
    away[away == 0.0] = np.inf
    middle: np.ndarray = (one + rows[np.argmin(away)]) / 2.0
    return middle if step is None else np.round(middle / step) * step


def _main_directions(features: np.ndarray, count: int) -> np.ndarray:
    """Orthonormal directions along which rows differ most, shape (count, d)."""
    directions = np.linalg.eigh(np.cov(features, rowvar=False))[1]
    return directions[:, ::-1][:, :count].T
