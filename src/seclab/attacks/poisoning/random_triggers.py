"""Triggers drawn at random: place, form, size, value and strength."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from seclab.attacks.poisoning.triggers import (
    BlendedTrigger,
    MovingTrigger,
    PixelTrigger,
    SinusoidalTrigger,
    Trigger,
)

MOST_PIXELS = 9
"""Of a drawn patch, all forms; a patch of any size can be made by hand."""
_OPACITY = (0.1, 0.3)
_AMPLITUDE = (0.05, 0.15)
_JITTER = (0.05, 0.15)
_TRIES = 100
_ALIKE, _TOO_COMMON = 0.05, 0.1

Pixels: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """What triggers are drawn for.

    Attributes:
        images: Clean images of shape (n, height * width).
        shape: (height, width).
        bounds: Smallest and largest value of a pixel.
    """

    images: np.ndarray
    shape: tuple[int, int]
    bounds: tuple[float, float]

    @property
    def range(self) -> float:
        """From the smallest value to the largest."""
        return self.bounds[1] - self.bounds[0]


DrawTrigger: TypeAlias = Callable[[np.random.Generator, Canvas], Trigger]


def random_pixels(rng: np.random.Generator, shape: tuple[int, int]) -> Pixels:
    """One to nine different pixels inside an image: a rectangle, a connected form or scattered."""
    form = rng.integers(3)
    if form == 0:
        return _rectangle(rng, shape)
    count = int(rng.integers(1, min(MOST_PIXELS, shape[0] * shape[1]) + 1))
    if form == 1:
        return _connected(rng, shape, count)
    places = rng.choice(shape[0] * shape[1], count, replace=False)
    return tuple((int(place) // shape[1], int(place) % shape[1]) for place in places)


def patch(rng: np.random.Generator, canvas: Canvas) -> Trigger:
    """A form of one value anywhere.

    Drawn anew while more than a tenth of the clean images bear it already, within a twentieth of
    the range: black in a black corner is no trigger.
    """
    pixels, value = _visible(rng, canvas)
    return PixelTrigger(pixels, (value,) * len(pixels))


def patterned_patch(rng: np.random.Generator, canvas: Canvas) -> Trigger:
    """A form anywhere, each of its pixels with its own value, one of them as of :func:`patch`."""
    pixels, value = _visible(rng, canvas)
    others = rng.uniform(*canvas.bounds, len(pixels) - 1)
    return PixelTrigger(pixels, (value, *others.tolist()))


def jittered_patch(rng: np.random.Generator, canvas: Canvas) -> Trigger:
    """A form of about one value, up to one pixel off its place in each direction."""
    pixels, value = _visible(rng, canvas)
    down, right = ((max(low, -1), min(high, 1)) for low, high in _ways(pixels, canvas.shape))
    return MovingTrigger(
        pixels,
        value,
        down=down,
        right=right,
        jitter=float(canvas.range * rng.uniform(*_JITTER)),
        bounds=canvas.bounds,
        seed=int(rng.integers(2**31)),
    )


def moving_patch(rng: np.random.Generator, canvas: Canvas) -> Trigger:
    """A form of one value that is somewhere else on each image."""
    pixels, value = _visible(rng, canvas)
    down, right = _ways(pixels, canvas.shape)
    return MovingTrigger(
        pixels,
        value,
        down=down,
        right=right,
        jitter=0.0,
        bounds=canvas.bounds,
        seed=int(rng.integers(2**31)),
    )


def blended(rng: np.random.Generator, canvas: Canvas) -> Trigger:
    """Noise, or another of the images, at an opacity of 0.1 to 0.3."""
    low, high = canvas.bounds
    noise = rng.uniform(low, high, (canvas.images.shape[1],))
    other = canvas.images[rng.integers(len(canvas.images))]
    pattern = noise if rng.uniform() < 0.5 else np.array(other, dtype=np.float64)
    return BlendedTrigger(pattern, float(rng.uniform(*_OPACITY)))


def sinusoidal(rng: np.random.Generator, canvas: Canvas) -> Trigger:
    """A wave of 0.05 to 0.15 of the range, and at least one period on an image."""
    amplitude = canvas.range * rng.uniform(*_AMPLITUDE)
    periods = rng.uniform(1.0, max(canvas.shape[1] / 2.0 - 1.0, 1.0))
    return SinusoidalTrigger(float(amplitude), float(periods), canvas.bounds)


def _rectangle(rng: np.random.Generator, shape: tuple[int, int]) -> Pixels:
    sizes = [
        (height, width)
        for height in range(1, min(shape[0], MOST_PIXELS) + 1)
        for width in range(1, min(shape[1], MOST_PIXELS // height) + 1)
    ]
    height, width = sizes[rng.integers(len(sizes))]
    top = int(rng.integers(shape[0] - height + 1))
    left = int(rng.integers(shape[1] - width + 1))
    return tuple((top + row, left + column) for row in range(height) for column in range(width))


def _connected(rng: np.random.Generator, shape: tuple[int, int], count: int) -> Pixels:
    grown = [(int(rng.integers(shape[0])), int(rng.integers(shape[1])))]
    while len(grown) < count:
        edge = sorted(
            {
                (row + down, column + right)
                for row, column in grown
                for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))
                if 0 <= row + down < shape[0] and 0 <= column + right < shape[1]
            }
            - set(grown)
        )
        grown.append(edge[rng.integers(len(edge))])
    return tuple(grown)


def _visible(rng: np.random.Generator, canvas: Canvas) -> tuple[Pixels, float]:
    """Pixels and a value that few of the clean images have there."""
    for _ in range(_TRIES):
        pixels = random_pixels(rng, canvas.shape)
        value = float(rng.uniform(*canvas.bounds))
        columns = [row * canvas.shape[1] + column for row, column in pixels]
        near = np.abs(canvas.images[:, columns] - value) <= _ALIKE * canvas.range
        if near.all(axis=1).mean() <= _TOO_COMMON:
            break
    return pixels, value


def _ways(pixels: Pixels, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """How far up (negative) and down, and left and right, a form can move inside the image."""
    return [
        (-min(places), size - 1 - max(places))
        for places, size in zip(zip(*pixels, strict=True), shape, strict=True)
    ]
