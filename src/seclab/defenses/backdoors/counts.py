"""What a row holds, wherever in the image it stands."""

import numpy as np


def value_counts(
    features: np.ndarray,
    image_shape: tuple[int, int] | None,
    *,
    most_values: int = 100,
    looked_at: int = 5000,
    chunk: int = 4096,
) -> np.ndarray:
    """How often each value stands in a row, and how often beside its like.

    A trigger that moves leaves no feature with a fixed value, but more of its value in the row
    than there would be, often side by side. Ends of the range, of which every row is full, are
    left out.

    Args:
        features: Rows of shape (n, d).
        image_shape: (height, width), height * width = d; None: nothing stands side by side.
        most_values: Values counted, the most frequent ones.
        looked_at: Rows, evenly spaced, that these are chosen from, at most.
        chunk: Rows counted at a time.

    Returns:
        Counts, int32 of shape (n, columns): for each value how many features have it; then, of
        an image, for each value how many pairs of neighbours have it, and for all together.
    """
    step = max(1, -(-len(features) // looked_at))
    known, found = np.unique(features[::step], return_counts=True)
    inside = (known > features.min()) & (known < features.max()) & (found > 1)
    known, found = known[inside], found[inside]
    known = np.sort(known[np.argsort(-found, kind="stable")[:most_values]])
    if not known.size:
        return np.zeros((len(features), 0), dtype=np.int32)
    parts = [
        _counted(features[start : start + chunk], known, image_shape)
        for start in range(0, len(features), chunk)
    ]
    return np.concatenate(parts)


def _counted(
    features: np.ndarray, known: np.ndarray, image_shape: tuple[int, int] | None
) -> np.ndarray:
    place = np.searchsorted(known, features).clip(max=known.size - 1)
    place = np.where(known[place] == features, place, known.size)
    columns = [_histogram(place, known.size)]
    if image_shape is not None:
        images = place.reshape(-1, *image_shape)
        sides = ((images[:, 1:], images[:, :-1]), (images[:, :, 1:], images[:, :, :-1]))
        pairs = [
            np.where(one == other, one, known.size).reshape(len(features), -1)
            for one, other in sides
        ]
        beside = _histogram(np.hstack(pairs), known.size)
        columns += [beside, beside.sum(axis=1, keepdims=True)]
    return np.hstack(columns).astype(np.int32)


def _histogram(places: np.ndarray, size: int) -> np.ndarray:
    """How often each place below the size stands in each row, shape (n, size)."""
    offsets = np.arange(len(places))[:, None] * (size + 1)
    flat = np.bincount((places + offsets).ravel(), minlength=len(places) * (size + 1))
    return flat.reshape(len(places), size + 1)[:, :size]
