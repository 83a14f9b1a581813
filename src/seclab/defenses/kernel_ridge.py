"""Ridge regression on a few kernel features: every row judged by a fit without it, in closed form.

The kernel of all pairs of rows needs memory with the square of their number. Landmarks (the
method of Nyström) replace it by one column a landmark, and the hat matrix of the ridge gives what
each row would have been told had it been left out, without a second fit. A few hundred
landmarks tell the classes of small images about as well as the whole kernel does.

References:
    Williams and Seeger (2001), Using the Nyström method to speed up kernel machines, NeurIPS 13.
    Allen (1974), The relationship between variable selection and data augmentation and a method
    for prediction, Technometrics 16: the left-out residual is the residual over one less leverage.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from seclab.errors import Misconfigured

_CHUNK = 4096  # rows at once
_JITTER = 1e-4  # landmarks that are copies of one another leave the kernel singular
_HEAVIEST = 10.0  # one row of a class that hardly exists must not outweigh ten of the others
_LEAST_LEFT = 1e-3  # one less leverage, in single precision


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What every row is told by a fit that has not seen it.

    Attributes:
        margins: Score of the row's own class less the best other one, over the median of that;
            shape (n,). About 1 for an ordinary row, below 0 where the rest contradict the label.
        rivals: Index of the best other class, shape (n,).
        scores: Score per class, about -1 to 1, shape (n, k).
        unit: The median that margins are in units of; 1 where it is not above 0.
    """

    margins: np.ndarray
    rivals: np.ndarray
    scores: np.ndarray
    unit: float


def class_indexes(
    features: np.ndarray, labels: np.ndarray, *, detector: str
) -> tuple[np.ndarray, np.ndarray]:
    """The labels there are, ascending, and for every row the index of its own.

    Args:
        features: Rows of shape (n, d).
        labels: Integers of shape (n,).
        detector: Who asks, for the message.

    Raises:
        Misconfigured: The rows are no finite table, there is not one label for each row, or there
            are not two labels at least.
    """
    if features.ndim != 2 or labels.shape != (len(features),):
        raise Misconfigured(
            f"{detector} takes rows of shape (n, d) and one label for each, got features of shape "
            f"{features.shape} and labels of shape {labels.shape}"
        )
    if not np.isfinite(features).all():
        raise Misconfigured(f"{detector} takes finite features: fill or drop what is missing")
    classes, y = np.unique(labels, return_inverse=True)
    if classes.size < 2:
        raise Misconfigured(
            f"{detector} compares rows of different labels, and here there is {classes.size}"
        )
    return classes, y


def kernel_features(
    features: np.ndarray, *, landmarks: int, width: float, rng: np.random.Generator
) -> np.ndarray:
    """Coordinates in which the inner product is close to a Gaussian kernel of the rows.

    Args:
        features: Rows of shape (n, d), finite.
        landmarks: How many rows, drawn at random, the kernel is built on.
        width: Squared distance, over the median of the rows to the landmarks, at which the kernel
            falls to 1/e.
        rng: Draws the landmarks.

    Returns:
        float32 of shape (n, min(landmarks, n)).
    """
    rows = len(features)
    chosen = rng.choice(rows, size=min(landmarks, rows), replace=False)
    # Centred on the landmarks' mean: squared distances in single precision lose less.
    centre = features[chosen].mean(axis=0)
    anchors = (features[chosen] - centre).astype(np.float32)
    lengths = (anchors**2).sum(axis=1)
    kernel = np.empty((rows, len(anchors)), dtype=np.float32)
    for start in range(0, rows, _CHUNK):
        chunk = (features[start : start + _CHUNK] - centre).astype(np.float32)
        squares = kernel[start : start + _CHUNK]
        np.matmul(chunk, -2.0 * anchors.T, out=squares)
        squares += (chunk**2).sum(axis=1)[:, None]
        squares += lengths
        np.maximum(squares, 0.0, out=squares)
    typical = float(np.median(kernel[chosen]))
    kernel *= -1.0 / (width * typical if typical > 0.0 else 1.0)
    np.exp(kernel, out=kernel)
    core = kernel[chosen].astype(np.float64)
    core.flat[:: len(core) + 1] += _JITTER
    root = cholesky(core, lower=True).astype(np.float32)
    for start in range(0, rows, _CHUNK):
        chunk = kernel[start : start + _CHUNK]
        kernel[start : start + _CHUNK] = solve_triangular(root, chunk.T, lower=True).T
    return kernel


@dataclass(frozen=True, slots=True, eq=False)
class RidgeFit:
    """One ridge a class on shared features, every class with the same weight.

    Attributes:
        whitened: Features in which the fit has the identity for its Gram matrix, shape (m, n).
        coefficients: Of the whitened features, shape (m, k).
        signs: 1 for the class of a row and -1 for the others, shape (n, k).
        weights: Of each row in the fit, 0 where it was left out, shape (n,).
        y: Class indexes of shape (n,).
    """

    whitened: np.ndarray
    coefficients: np.ndarray
    signs: np.ndarray
    weights: np.ndarray
    y: np.ndarray

    def held_out(self) -> HeldOut:
        """Every row judged by the fit without that row."""
        scores = np.empty_like(self.signs)
        for start in range(0, len(self.y), _CHUNK):
            part = slice(start, start + _CHUNK)
            columns = self.whitened[:, part]
            leverage = self.weights[part] * np.einsum("ij,ij->j", columns, columns)
            fitted = columns.T @ self.coefficients
            left = np.maximum(1.0 - leverage, _LEAST_LEFT)
            scores[part] = (fitted - leverage[:, None] * self.signs[part]) / left[:, None]
        return _judged(scores, self.y)

    def without(self, group: np.ndarray) -> np.ndarray:
        """Scores (g, k) that the rows of a group (g,) get when all of it is left out together."""
        columns = self.whitened[:, group]
        weighted = columns * self.weights[group]
        signs = self.signs[group]
        if len(group) > len(columns):
            gram = -(weighted @ columns.T)
            gram.flat[:: len(gram) + 1] += 1.0
            others = np.linalg.solve(gram, self.coefficients - weighted @ signs)
            predicted: np.ndarray = columns.T @ others
            return predicted
        leverages = -(columns.T @ weighted)
        leverages.flat[:: len(group) + 1] += 1.0
        residuals: np.ndarray = signs - columns.T @ self.coefficients
        left_out: np.ndarray = signs - np.linalg.solve(leverages, residuals)
        return left_out


def ridge_fit(phi: np.ndarray, y: np.ndarray, *, ridge: float, kept: np.ndarray) -> RidgeFit:
    """Fit one ridge a class, every class with the same weight.

    The same weight for every class matters where many rows of one class carry the label of
    another: where both labels are as frequent, the class that has the greater part of its rows
    there owns the place.

    Args:
        phi: Features of the ridge, shape (n, m), such as :func:`kernel_features` gives.
        y: Class indexes of shape (n,), 0 to k - 1.
        ridge: Penalty on the squared weights, above 0.
        kept: Rows that the fit may see, booleans of shape (n,). The others can be judged by it.
    """
    classes = int(y.max()) + 1
    counts = np.bincount(y[kept], minlength=classes)
    balanced = kept.sum() / (classes * np.maximum(counts, 1))
    weights = np.where(kept, np.minimum(balanced, _HEAVIEST)[y], 0.0).astype(np.float32)
    signs = np.where(np.arange(classes) == y[:, None], 1.0, -1.0).astype(np.float32)
    gram = np.zeros((phi.shape[1], phi.shape[1]), dtype=np.float32)
    for start in range(0, len(phi), _CHUNK):
        part = slice(start, start + _CHUNK)
        gram += (phi[part] * weights[part, None]).T @ phi[part]
    gram.flat[:: len(gram) + 1] += ridge
    root = cholesky(gram, lower=True)
    whitened = solve_triangular(root, phi.T, lower=True)
    return RidgeFit(whitened, whitened @ (weights[:, None] * signs), signs, weights, y)


def _judged(scores: np.ndarray, y: np.ndarray) -> HeldOut:
    rows = np.arange(len(y))
    others = scores.copy()
    others[rows, y] = -np.inf
    rivals = others.argmax(axis=1)
    margins = (scores[rows, y] - others[rows, rivals]).astype(np.float64)
    middle = float(np.median(margins))
    # Where most labels are contradicted there is no ordinary row to measure by.
    unit = middle if middle > 0.0 else 1.0
    return HeldOut(margins / unit, rivals, scores, unit)
