"""Common corruptions: what cameras, scanners and unsteady hands do to images without any malice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import scipy

from seclab.errors import Misconfigured

SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way in which images go bad.

    Attributes:
        apply: Images (n, h, w) in 0 to 1, a strength and a source of randomness to images, which
            may leave 0 to 1.
        strengths: Its strength at severity 1, 2, 3, 4 and 5.
        meaning: What the strength is, with its unit.
    """

    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    strengths: tuple[float, float, float, float, float]
    meaning: str


def corrupt(
    images: np.ndarray,
    name: str,
    severity: int,
    *,
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Corrupted copies of images.

    Equal generators give nested corruptions: the same pixels, directions and noise, only weaker
    or stronger, so that severities differ in nothing but severity.

    Args:
        images: Array of shape (n, h, w) inside the bounds; what is outside an image counts as
            the lower bound, which is the paper around a digit.
        name: One of :data:`CORRUPTIONS`.
        severity: 1 to 5; the strength it stands for is in :data:`CORRUPTIONS`.
        bounds: Smallest and largest value of a pixel.
        rng: Source of everything random.

    Returns:
        Array of shape (n, h, w) inside the bounds; the images given are not modified.

    Raises:
        Misconfigured: There is no corruption of that name, or no such severity.

    References:
        Hendrycks and Dietterich (2019), Benchmarking neural network robustness to common
        corruptions and perturbations, arXiv:1903.12261. Kinds and severities follow it; strengths
        in pixels are for images of 8 x 8, a twenty-eighth of theirs.
    """
    problems = problems_with(name, severity)
    if problems:
        raise Misconfigured(problems)
    corruption, (low, high) = CORRUPTIONS[name], bounds
    unit = (images - low) / (high - low)
    changed = corruption.apply(unit, corruption.strengths[severity - 1], rng)
    corrupted: np.ndarray = np.clip(low + (high - low) * changed, low, high)
    return corrupted


def problems_with(name: str, severity: int) -> list[str]:
    """Why a corruption of that name and severity is impossible; empty when it is not."""
    problems = []
    if name not in CORRUPTIONS:
        problems.append(f"unknown corruption {name!r}; known: {', '.join(CORRUPTIONS)}")
    if severity not in SEVERITIES:
        problems.append(f"a severity is 1, 2, 3, 4 or 5, got {severity!r}")
    return problems


def _gaussian_noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    return images + deviation * rng.normal(size=images.shape)


def _shot_noise(images: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    # By the quantile of one uniform draw, not by the sampler: equal generators then give the
    # same luck at every severity.
    counts = scipy.stats.poisson.ppf(rng.uniform(size=images.shape), images * photons)
    grainy: np.ndarray = np.maximum(counts, 0.0) / photons
    return grainy


def _impulse_noise(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    hit, white = rng.uniform(size=images.shape) < share, rng.uniform(size=images.shape) < 0.5
    return np.where(hit, white.astype(float), images)


def _pixel_dropout(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.uniform(size=images.shape) < share, 0.0, images)


def _gaussian_blur(images: np.ndarray, deviation: float, _: np.random.Generator) -> np.ndarray:
    blurred: np.ndarray = scipy.ndimage.gaussian_filter(
        images, (0.0, deviation, deviation), mode="constant"
    )
    return blurred


def _motion_blur(images: np.ndarray, length: float, _: np.random.Generator) -> np.ndarray:
    """Averages along the rows: the camera moved sideways while it looked."""
    reach = int(np.ceil((length - 1.0) / 2.0))
    offsets = np.abs(np.arange(-reach, reach + 1))
    # A pixel at the end of the path counts with the part of it that the path covers.
    kernel = np.clip(length / 2.0 - offsets + 0.5, 0.0, 1.0) / length
    blurred: np.ndarray = scipy.ndimage.convolve1d(images, kernel, axis=2, mode="constant")
    return blurred


def _contrast(images: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    mean = images.mean(axis=(1, 2), keepdims=True)
    faded: np.ndarray = mean + factor * (images - mean)
    return faded


def _brightness(images: np.ndarray, added: float, _: np.random.Generator) -> np.ndarray:
    return images + added


def _translation(images: np.ndarray, distance: float, rng: np.random.Generator) -> np.ndarray:
    angles = rng.uniform(0.0, 2.0 * np.pi, (len(images), 1, 1))
    return _resampled(images, distance * np.sin(angles), distance * np.cos(angles))


def _rotation(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    angles = np.radians(degrees) * rng.choice((-1.0, 1.0), (len(images), 1, 1))
    down, right = _from_centre(images.shape)
    return _resampled(
        images,
        down * (np.cos(angles) - 1.0) + right * np.sin(angles),
        right * (np.cos(angles) - 1.0) - down * np.sin(angles),
    )


def _elastic(images: np.ndarray, distance: float, rng: np.random.Generator) -> np.ndarray:
    """Every pixel wanders ``distance`` on average, its neighbours with it."""
    field = scipy.ndimage.gaussian_filter(
        rng.normal(size=(2, *images.shape)), (0.0, 0.0, 1.5, 1.5), mode="wrap"
    )
    wandered = np.sqrt((field**2).sum(axis=0)).mean(axis=(1, 2), keepdims=True)
    down, right = distance * field / wandered
    return _resampled(images, down, right)


def _from_centre(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How far below and to the right of the centre pixels are, shapes (h, 1) and (1, w)."""
    down, right = (np.arange(size) - (size - 1) / 2.0 for size in shape[1:])
    return down[:, None], right[None, :]


def _resampled(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Images whose pixels are taken from that much further down and right, between pixels too."""
    image, row, column = np.indices(images.shape, dtype=float)
    taken: np.ndarray = scipy.ndimage.map_coordinates(
        images, [image, row + down, column + right], order=1, mode="grid-constant"
    )
    return taken


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "gaussian_noise": Corruption(
            _gaussian_noise,
            (0.06, 0.12, 0.18, 0.26, 0.38),
            "standard deviation, as a fraction of the range",
        ),
        "shot_noise": Corruption(
            _shot_noise, (60.0, 25.0, 12.0, 5.0, 3.0), "photons that make a pixel white"
        ),
        "impulse_noise": Corruption(
            _impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27), "share of pixels made black or white"
        ),
        "pixel_dropout": Corruption(
            _pixel_dropout, (0.05, 0.1, 0.2, 0.3, 0.4), "share of pixels lost"
        ),
        "gaussian_blur": Corruption(
            _gaussian_blur, (0.3, 0.4, 0.5, 0.7, 1.0), "standard deviation in pixels"
        ),
        "motion_blur": Corruption(
            _motion_blur, (1.5, 2.0, 2.5, 3.0, 4.0), "length of the path in pixels"
        ),
        "contrast": Corruption(
            _contrast, (0.75, 0.6, 0.45, 0.3, 0.2), "share of the contrast that is left"
        ),
        "brightness": Corruption(
            _brightness, (0.1, 0.2, 0.3, 0.4, 0.5), "added light, as a fraction of the range"
        ),
        "translation": Corruption(
            _translation, (0.25, 0.5, 0.75, 1.0, 1.5), "pixels, in a random direction"
        ),
        "rotation": Corruption(
            _rotation, (5.0, 10.0, 15.0, 20.0, 30.0), "degrees, to a random side"
        ),
        "elastic": Corruption(
            _elastic, (0.2, 0.4, 0.6, 0.8, 1.0), "mean displacement of a pixel, in pixels"
        ),
    }
)
