"""What rows look like once a part of their features is left out."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Whether rows are nearer to another label than to their own, with parts left out.

    Attributes:
        masks: Which features are left out each time, booleans of shape (looks, d); nothing is
            left out in the first.
        strange: Whether each row is nearer to a row of another label, shape (looks, n).
        nearest: That label, the nearest one of another, shape (looks, n).
    """

    masks: np.ndarray
    strange: np.ndarray
    nearest: np.ndarray

    def without(self, column: int | None) -> np.ndarray:
        """Which looks leave that feature out, and the first; all, where there is no feature."""
        used = np.ones(len(self.masks), dtype=bool)
        if column is not None:
            used = self.masks[:, column].copy()
            used[0] = True
        return used


def looks(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    image_shape: tuple[int, int] | None = None,
    most_references: int = 3000,
    most_features: int = 256,
    chunk: int = 2048,
    rng: np.random.Generator,
    trusted: np.ndarray | None = None,
) -> Looks:
    """Compare every row with its nearest neighbour of each label, windows of the image left out.

    Rows with a trigger are neighbours of each other, through what they share. Left out the window
    that the trigger lies in, they are among the rows of the class that they were taken from.

    Args:
        features: Finite rows of shape (n, d).
        labels: Integers of shape (n,), of at least two labels.
        image_shape: (height, width), height * width = d. Windows of half the height and half the
            width, a quarter apart, are left out in turn: any square of up to a quarter of the
            height and width, and one feature, lies in one of them. None: nothing is left out.
        most_references: Rows that all rows are compared with, at most; drawn, where there are
            more, with equal chances for all.
        most_features: Images with more are compared after halving them until they have not.
        chunk: Rows compared at a time: memory is chunk * most_references.
        rng: Draws the references.
        trusted: Rows that others may be compared with, booleans of shape (n,); None: all. A
            mislabelled row makes the rows that it was among look like its label.

    Returns:
        The answers for nothing left out and for each window.
    """
    masks = _windows(image_shape, features.shape[1])
    rows, small = features, masks
    shape = image_shape
    while shape is not None and rows.shape[1] > most_features and min(shape) >= 4:
        small, _ = _halved(small.astype(np.float32), shape)
        rows, shape = _halved(rows, shape)
        small = small > 0.0
    rows = np.asarray(rows, dtype=np.float32)
    references = drawn_references(len(rows), trusted, most_references, rng)
    references = references[np.argsort(labels[references], kind="stable")]
    strange = np.zeros((len(masks), len(rows)), dtype=bool)
    nearest = np.zeros((len(masks), len(rows)), dtype=np.int64)
    for look, mask in enumerate(small):
        kept = np.ascontiguousarray(rows[:, ~mask])
        for start in range(0, len(rows), chunk):
            part = slice(start, start + chunk)
            strange[look, part], nearest[look, part] = _compared(
                kept, labels, np.arange(len(rows))[part], references
            )
    return Looks(masks, strange, nearest)


def drawn_references(
    rows: int, trusted: np.ndarray | None, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Indexes, ascending, of rows to compare with: all trusted ones, or as many drawn of them."""
    references = np.arange(rows) if trusted is None else np.flatnonzero(trusted)
    if references.size > most:
        references = np.sort(rng.choice(references, most, replace=False))
    return references


def distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances between rows of shape (n, d) and others of shape (m, d): (n, m)."""
    length = np.einsum("ij,ij->i", others, others)[:, None]
    away: np.ndarray = (
        np.hstack([-2.0 * rows, np.ones((len(rows), 1), dtype=rows.dtype)])
        @ np.hstack([others, length]).T
    )
    away += np.einsum("ij,ij->i", rows, rows)[:, None]
    return away


def _compared(
    rows: np.ndarray, labels: np.ndarray, asked: np.ndarray, references: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    away = distances(rows[asked], rows[references])
    away[asked[:, None] == references] = np.inf
    known, first = np.unique(labels[references], return_index=True)
    by_label = np.stack(
        [part.min(axis=1) for part in np.split(away, first[1:].tolist(), axis=1)], axis=1
    )
    own = labels[asked][:, None] == known
    same = np.where(own, by_label, np.inf).min(axis=1)
    by_label[own] = np.inf
    best = by_label.argmin(axis=1)
    return by_label[np.arange(asked.size), best] < same, known[best]


def _windows(image_shape: tuple[int, int] | None, size: int) -> np.ndarray:
    """Nothing, then each window, booleans of shape (looks, d)."""
    masks = [np.zeros(size, dtype=bool)]
    if image_shape is None:
        return np.array(masks)
    (height, width), (down, right) = image_shape, (image_shape[0] // 2, image_shape[1] // 2)
    for top in sorted({*range(0, height - down, max(1, down // 2)), height - down}):
        for left in sorted({*range(0, width - right, max(1, right // 2)), width - right}):
            mask = np.zeros(image_shape, dtype=bool)
            mask[top : top + down, left : left + right] = True
            masks.append(mask.ravel())
    return np.array(masks)


def _halved(rows: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Images with means of two by two pixels, an odd row or column at the end left out."""
    height, width = shape[0] // 2, shape[1] // 2
    images = rows.reshape(-1, *shape)[:, : 2 * height, : 2 * width]
    small = images.reshape(-1, height, 2, width, 2).mean(axis=(2, 4), dtype=np.float32)
    return small.reshape(-1, height * width), (height, width)
