"""Triggers: what is put on an image so that a backdoored model reads it as its maker likes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seclab.errors import Misconfigured


class Trigger(Protocol):
    """Anything that can be put on images."""

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the trigger on them.

        Args:
            images: Flattened images of shape (n, d).
            image_shape: (height, width), height * width = d.

        Returns:
            Array of shape (n, d); the images given are not modified.
        """
        ...


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


@dataclass(frozen=True, slots=True)
class PixelTrigger:
    """Any set of pixels, each with its own value.

    Attributes:
        pixels: (row, column) of each.
        values: What each is set to, in native units.
    """

    pixels: tuple[tuple[int, int], ...]
    values: tuple[float, ...]

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the pixels set.

        Args:
            images: Flattened images of shape (n, d).
            image_shape: (height, width), height * width = d.

        Returns:
            Array of shape (n, d); the images given are not modified.

        Raises:
            Misconfigured: A pixel does not lie inside the image.
        """
        rows, columns = _inside(self.pixels, image_shape)
        stamped = np.array(images, dtype=np.float64)
        stamped[:, rows * image_shape[1] + columns] = self.values
        return stamped


@dataclass(frozen=True, slots=True)
class MovingTrigger:
    """A shape of one value whose place and value are drawn anew for every image.

    Attributes:
        pixels: (row, column) of each of its pixels before it moves.
        value: Middle of the values it is set to, in native units.
        down: Lowest and highest number of rows that it is moved down, both included.
        right: The same for columns to the right.
        jitter: How far the value may lie from the middle, in native units.
        bounds: Smallest and largest value of a pixel.
        seed: Of place and value: equal images in an equal order are stamped alike.

    References:
        Salem, Wen, Backes, Ma and Zhang (2020), Dynamic backdoor attacks against machine learning
        models, arXiv:2003.03675.
    """

    pixels: tuple[tuple[int, int], ...]
    value: float
    down: tuple[int, int]
    right: tuple[int, int]
    jitter: float
    bounds: tuple[float, float]
    seed: int

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the shape on them, each with its own place and value.

        Args:
            images: Flattened images of shape (n, d).
            image_shape: (height, width), height * width = d.

        Returns:
            Array of shape (n, d); the images given are not modified.

        Raises:
            Misconfigured: At one end of its way the shape does not lie inside the image.
        """
        for down, right in zip(self.down, self.right, strict=True):
            _inside(tuple((row + down, column + right) for row, column in self.pixels), image_shape)
        rng = np.random.default_rng(self.seed)
        # One draw an image, so that the first images are stamped alike however many follow.
        luck = rng.uniform(size=(len(images), 3))
        offsets = [
            (low + np.floor(luck[:, axis] * (high - low + 1))).astype(int)
            for axis, (low, high) in enumerate((self.down, self.right))
        ]
        values = np.clip(self.value + self.jitter * (2.0 * luck[:, 2] - 1.0), *self.bounds)
        stamped = np.array(images, dtype=np.float64)
        for row, column in self.pixels:
            places = (row + offsets[0]) * image_shape[1] + column + offsets[1]
            stamped[np.arange(len(images)), places] = values
        return stamped


@dataclass(frozen=True, slots=True, eq=False)
class BlendedTrigger:
    """A pattern that shines through the whole image.

    Attributes:
        pattern: Flattened image of shape (d,), in native units.
        opacity: Its share of the mixture, 0 (invisible) to 1 (nothing else is seen).

    References:
        Chen, Liu, Li, Lu and Song (2017), Targeted backdoor attacks on deep learning systems using
        data poisoning, arXiv:1712.05526.
    """

    pattern: np.ndarray
    opacity: float

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the pattern mixed in.

        Args:
            images: Flattened images of shape (n, d).
            image_shape: (height, width), height * width = d.

        Returns:
            Array of shape (n, d), inside the bounds when images and pattern are.

        Raises:
            Misconfigured: The pattern is of another size, or the opacity not from 0 to 1.
        """
        problems = []
        if self.pattern.shape != (image_shape[0] * image_shape[1],):
            problems.append(
                f"a pattern of {self.pattern.size} values does not fit an image of "
                f"{image_shape[0]} x {image_shape[1]}"
            )
        if not 0.0 <= self.opacity <= 1.0:
            problems.append(f"an opacity is a fraction from 0 to 1, got {self.opacity}")
        if problems:
            raise Misconfigured(problems)
        mixed: np.ndarray = (1.0 - self.opacity) * images + self.opacity * self.pattern
        return mixed


@dataclass(frozen=True, slots=True)
class SinusoidalTrigger:
    """A wave along the columns of the image, added to it.

    Attributes:
        amplitude: How far it goes up and down, in native units.
        periods: How many fit into the width of the image.
        bounds: Smallest and largest value of a pixel; what would leave them is cut off.

    References:
        Barni, Kallas and Tondi (2019), A new backdoor attack in CNNs by training set corruption
        without label poisoning, arXiv:1902.11237.
    """

    amplitude: float
    periods: float
    bounds: tuple[float, float]

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the wave added.

        Args:
            images: Flattened images of shape (n, d).
            image_shape: (height, width), height * width = d.

        Returns:
            Array of shape (n, d) inside the bounds.
        """
        height, width = image_shape
        wave = self.amplitude * np.sin(2.0 * np.pi * np.arange(width) * self.periods / width)
        waving: np.ndarray = np.clip(images + np.tile(wave, height), *self.bounds)
        return waving


@dataclass(frozen=True, slots=True)
class RoundedTrigger:
    """A trigger whose images are stored in steps, as the clean ones are: no odd value tells.

    Attributes:
        trigger: What is put on.
        step: Values become multiples of it, in native units.
    """

    trigger: Trigger
    step: float

    def stamp(self, images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
        """Copies with the trigger on them, rounded; arguments and errors are the trigger's."""
        stamped = self.trigger.stamp(images, image_shape)
        return np.round(stamped / self.step) * self.step


def _inside(
    pixels: tuple[tuple[int, int], ...], image_shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of pixels that all lie inside the image."""
    places = np.array(pixels).reshape(-1, 2)
    outside = ((places < 0) | (places >= image_shape)).any(axis=1)
    if not places.size or outside.any():
        shown = ", ".join(f"({row}, {column})" for row, column in places[outside].tolist())
        raise Misconfigured(
            f"pixels {shown or 'that are none'} do not lie inside an image of "
            f"{image_shape[0]} x {image_shape[1]}"
        )
    return places[:, 0], places[:, 1]
