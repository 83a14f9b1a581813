"""Balls around rows, cut off at the box that features live in."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from seclab.norms import Norm

_TINY = 1e-30  # instead of a length of zero


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """The balls around n points, cut off at the box.

    Attributes:
        norm: ``linf`` or ``l2``.
        centre: The points, shape (n, d), inside the box.
        radius: How far they reach, at least 0, shape (n, 1).
        low: The smallest features that lie in both box and cube, shape (n, d).
        high: The largest, shape (n, d).
    """

    norm: Norm
    centre: np.ndarray
    radius: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def around(
        cls, centre: np.ndarray, radius: np.ndarray, *, norm: Norm, bounds: tuple[float, float]
    ) -> "Ball":
        """Those around points (n, d)."""
        low, high = np.maximum(centre - radius, bounds[0]), np.minimum(centre + radius, bounds[1])
        return cls(norm, centre, radius, low, high)

    def take(self, rows: np.ndarray) -> "Ball":
        """Those of some rows."""
        arrays = (self.centre, self.radius, self.low, self.high)
        return Ball(self.norm, *(array[rows] for array in arrays))

    def astype(self, dtype: np.dtype) -> "Ball":
        """The same in another precision."""
        arrays = (self.centre, self.radius, self.low, self.high)
        return Ball(self.norm, *(array.astype(dtype) for array in arrays))

    def project(self, points: np.ndarray) -> np.ndarray:
        """Move points (n, d) into the balls, in place, and give them back."""
        if self.norm == "l2":
            points -= self.centre
            long = _lengths(points)
            points *= np.divide(self.radius, long, out=np.ones_like(long), where=long > self.radius)
            points += self.centre
        # After the above too: the centre lies in the box, so that the edge only brings nearer.
        np.maximum(points, self.low, out=points)
        np.minimum(points, self.high, out=points)
        return points

    def uphill(self, slope: np.ndarray) -> np.ndarray:
        """Of all directions (n, d) of length 1 the one that gains most on ``slope`` (n, d)."""
        if self.norm == "linf":
            # Half the time of numpy's sign, which minds NaN.
            return np.asarray((slope > 0.0).view(np.int8) - (slope < 0.0).view(np.int8))
        # By the largest first: the squares of a faint slope would vanish.
        scaled: np.ndarray = slope / np.maximum(np.abs(slope).max(axis=1, keepdims=True), _TINY)
        scaled /= np.maximum(_lengths(scaled), _TINY)
        return scaled

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Random points, shape (count, n, d).

        A corner of each cube, for that is where a model that is nearly linear is worst; at a
        uniform distance in the round ball. They are drawn row by row: the rows may as well be
        drawn in several calls.
        """
        rows, columns = self.centre.shape
        if self.norm == "linf":
            upper = rng.random((rows, count, columns)).swapaxes(0, 1) < 0.5
            return np.asarray(np.where(upper, self.high, self.low))
        rays = rng.normal(size=(rows, count, columns + 1)).swapaxes(0, 1)
        rays, shares = rays[..., :-1], ndtr(rays[..., -1:])  # the last one, made uniform
        points = self.centre + rays * (self.radius * shares / _lengths(rays))
        for each in points:
            self.project(each)
        return np.asarray(points)


def _lengths(vectors: np.ndarray) -> np.ndarray:
    """Euclidean lengths of rows (..., d), shape (..., 1)."""
    return np.asarray(np.sqrt(np.einsum("...d,...d->...", vectors, vectors))[..., None])
