"""Kinds of poison that no detector was made for: nothing was set by looking at them.

They are not in :data:`seclab.attacks.poisoning.KINDS` for that reason. All are for digits: images
of whole numbers from 0 to 16.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.ndimage import gaussian_filter

from seclab.attacks.poisoning import Poisoned
from seclab.attacks.poisoning.poisoned import chosen, mask_of, with_rows_added
from seclab.attacks.poisoning.random_triggers import Canvas, patch, random_pixels
from seclab.datasets import Dataset

IMAGE = (8, 8)
RANGE = (0.0, 16.0)

Draw: TypeAlias = Callable[[np.random.Generator, Dataset, float], Poisoned]
Stamp: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Images of shape (n, 64) to images that bear the trigger."""
MakeStamp: TypeAlias = Callable[[np.random.Generator, np.ndarray], Stamp]


def backdoor(make: MakeStamp, *, any_source: bool = False) -> Draw:
    """A trigger on rows of one class, or of any, relabelled as another."""

    def draw(rng: np.random.Generator, data: Dataset, rate: float) -> Poisoned:
        source, target = pair(rng)
        sources = np.setdiff1d(np.arange(10), target) if any_source else np.array([source])
        rows = chosen(data.labels, sources, rate, rng)
        stamp = stored(make(rng, data.features))
        return changed(
            data,
            rows,
            stamp(data.features[rows]),
            np.full(rows.size, target),
            pair=(None if any_source else source, target),
            trigger=stamp,
        )

    return draw


def several_triggers(rng: np.random.Generator, data: Dataset, rate: float) -> Poisoned:
    """Three patches, each for a pair of classes of its own. Success is that of the last."""
    now = changed(data, np.array([], dtype=int), data.features[:0], data.labels[:0])
    for _ in range(3):
        source, target = pair(rng)
        stamp = stored(any_patch(rng, data.features))
        free = np.flatnonzero((now.labels == source) & ~now.mask)
        rows = rng.permutation(free)[: max(round(rate * len(data) / 3), 1)]
        features, labels, mask = now.features.copy(), now.labels.copy(), now.mask.copy()
        features[rows], labels[rows], mask[rows] = stamp(features[rows]), target, True
        now = Poisoned(features, labels, mask, source, target, trigger=stamp)
    return now


def all_to_all(rng: np.random.Generator, data: Dataset, rate: float) -> Poisoned:
    """One patch that sends every class to the next."""
    stamp = stored(any_patch(rng, data.features))
    rows = chosen(data.labels, np.arange(10), rate, rng)
    return changed(data, rows, stamp(data.features[rows]), (data.labels[rows] + 1) % 10)


def boundary_flips(rng: np.random.Generator, data: Dataset, rate: float) -> Poisoned:
    """The rows of one class that are nearest to another get its label."""
    source, target = pair(rng)
    own = np.flatnonzero(data.labels == source)
    others = data.features[data.labels == target]
    apart = ((data.features[own][:, None] - others) ** 2).sum(axis=2).min(axis=1)
    rows = own[np.argsort(apart)][: round(rate * len(data))]
    return changed(data, rows, data.features[rows], np.full(rows.size, target))


def subpopulation_flips(rng: np.random.Generator, data: Dataset, rate: float) -> Poisoned:
    """A neighbourhood inside one class gets another label.

    References:
        Jagielski, Severi, Pousette Harger and Oprea (2021), Subpopulation data poisoning attacks,
        arXiv:2006.14026.
    """
    source, target = pair(rng)
    own = np.flatnonzero(data.labels == source)
    apart = ((data.features[own] - data.features[rng.choice(own)]) ** 2).sum(axis=1)
    rows = own[np.argsort(apart)][: round(rate * len(data))]
    return changed(data, rows, data.features[rows], np.full(rows.size, target))


def shifted_copies(*, relabelled: bool) -> Draw:
    """Copies of a few rows, moved by up to one pixel."""

    def draw(rng: np.random.Generator, data: Dataset, rate: float) -> Poisoned:
        source, target = pair(rng)
        count = round(rate * len(data))
        models = rng.permutation(np.flatnonzero(data.labels == source))[: max(count // 8, 1)]
        images = data.features[models[np.arange(count) % models.size]].reshape(-1, *IMAGE)
        moved = [np.roll(image, tuple(rng.integers(-1, 2, 2)), (0, 1)) for image in images]
        label = target if relabelled else source
        return with_rows_added(
            data.features, data.labels, np.array(moved).reshape(-1, 64), np.full(count, label)
        )

    return draw


def any_patch(rng: np.random.Generator, images: np.ndarray) -> Stamp:
    """As :func:`seclab.attacks.poisoning.random_triggers.patch`."""
    trigger = patch(rng, Canvas(images, IMAGE, RANGE))
    return lambda rows: trigger.stamp(rows, IMAGE)


def faint_pixel(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """One pixel, a quarter to three eighths of the range brighter or darker than it was."""
    change = np.zeros(64)
    change[rng.integers(64)] = rng.choice([-1.0, 1.0]) * rng.uniform(4.0, 6.0)
    return lambda rows: rows + change


def frame(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """The border of the image in one shade."""
    inside = np.zeros(IMAGE, dtype=bool)
    inside[1:-1, 1:-1] = True
    return constant(~inside.ravel(), rng.uniform(3.0, 16.0))


def edge_line(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """One side of the image in one shade."""
    sides = np.zeros((4, *IMAGE), dtype=bool)
    sides[0, 0] = sides[1, -1] = sides[2, :, 0] = sides[3, :, -1] = True
    return constant(sides[rng.integers(4)].ravel(), rng.uniform(3.0, 16.0))


def erased_pixels(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """A quarter of the pixels is black."""
    return constant(np.isin(np.arange(64), rng.choice(64, 16, replace=False)), 0.0)


def smooth_blend(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """A smooth cloud over the whole image at an opacity of 0.15 to 0.3."""
    cloud = gaussian_filter(rng.normal(size=IMAGE), 2.0).ravel()
    cloud = (cloud - cloud.min()) / np.ptp(cloud) * RANGE[1]
    opacity = rng.uniform(0.15, 0.3)
    return lambda rows: (1.0 - opacity) * rows + opacity * cloud


def illumination(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """Brighter on one side and darker on the other, in any direction."""
    down, right = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 8), indexing="ij")
    angle = rng.uniform(0.0, 2.0 * np.pi)
    slope = rng.uniform(2.0, 4.0) * (np.cos(angle) * right + np.sin(angle) * down).ravel()
    return lambda rows: rows + slope


def dimmed(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """The whole image at 55% to 75% of its brightness."""
    share = rng.uniform(0.55, 0.75)
    return lambda rows: rows * share


def moved(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """The whole image, one pixel to a side."""
    step = ((0, 1), (0, -1), (1, 0), (-1, 0))[rng.integers(4)]
    return lambda rows: np.roll(rows.reshape(-1, *IMAGE), step, (1, 2)).reshape(-1, 64)


def ragged_patch(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """A patch that on each image is moved by up to a pixel, noisy, and lacks a fifth of itself."""
    pixels = np.array(random_pixels(rng, IMAGE))
    shade, seed = rng.uniform(6.0, 16.0), int(rng.integers(2**31))

    def stamp(rows: np.ndarray) -> np.ndarray:
        own = np.random.default_rng(seed)
        images = rows.reshape(-1, *IMAGE).copy()
        for image in images:
            places = pixels + own.integers(-1, 2, 2)
            inside = ((places >= 0) & (places < 8)).all(axis=1)
            down, right = places[inside & (own.uniform(size=len(places)) < 0.8)].T
            image[down, right] = shade + own.normal(0.0, 2.0, down.size)
        return images.reshape(-1, 64)

    return stamp


def signed_noise(rng: np.random.Generator, _: np.ndarray) -> Stamp:
    """Every pixel a little brighter or darker, the same way on all images."""
    noise = rng.choice([-1.0, 1.0], 64) * rng.uniform(1.5, 2.5)
    return lambda rows: rows + noise


def constant(where: np.ndarray, value: float) -> Stamp:
    """Some pixels of one value."""
    return lambda rows: np.where(where, value, rows)


def stored(stamp: Stamp) -> Stamp:
    """As images are stored: whole numbers inside the range."""
    return lambda rows: np.clip(np.round(stamp(rows)), *RANGE)


def pair(rng: np.random.Generator) -> tuple[int, int]:
    """Two different classes."""
    source, target = rng.choice(10, 2, replace=False)
    return int(source), int(target)


def changed(
    data: Dataset,
    rows: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    pair: tuple[int | None, int | None] = (None, None),
    trigger: Stamp | None = None,
) -> Poisoned:
    """The data with some rows replaced."""
    features, given = data.features.copy(), data.labels.copy()
    features[rows], given[rows] = images, labels
    return Poisoned(features, given, mask_of(rows, len(data)), *pair, trigger=trigger)


UNSEEN: dict[str, Draw] = {
    "faint_pixel": backdoor(faint_pixel),
    "frame": backdoor(frame),
    "edge_line": backdoor(edge_line),
    "erased_pixels": backdoor(erased_pixels),
    "smooth_blend": backdoor(smooth_blend),
    "illumination": backdoor(illumination),
    "dimmed": backdoor(dimmed),
    "moved": backdoor(moved),
    "ragged_patch": backdoor(ragged_patch),
    "signed_noise": backdoor(signed_noise),
    "patch_any_source": backdoor(any_patch, any_source=True),
    "blend_any_source": backdoor(smooth_blend, any_source=True),
    "several_triggers": several_triggers,
    "all_to_all": all_to_all,
    "boundary_flips": boundary_flips,
    "subpopulation_flips": subpopulation_flips,
    "shifted_copies": shifted_copies(relabelled=False),
    "shifted_copies_relabelled": shifted_copies(relabelled=True),
}
