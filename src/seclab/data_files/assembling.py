"""From rows as they stood in a file to a dataset: classes, range, image shape and provenance."""

import re
from dataclasses import dataclass
from math import isfinite, isqrt

import numpy as np

from seclab.data_files.problems import Problems, is_number, shown
from seclab.data_files.raw import Raw
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured

_WHOLE = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,17}))(?:\.0*)?", re.ASCII)
_PIXEL = re.compile(
    r"(?:(?:pixel|pix|px|p)[ _.-]?)?\d{1,6}(?:[ _.,x-]\d{1,6})?", re.IGNORECASE | re.ASCII
)
_SMALLEST_UNNAMED_IMAGE = 4
_DEPTHS = (16.0, 255.0)
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller says about a file instead of leaving it to be inferred."""

    image_shape: tuple[int, int] | None
    feature_range: tuple[float, float] | None

    def __post_init__(self) -> None:
        problems = []
        if self.image_shape and min(self.image_shape) < 1:
            problems.append(f"an image of {self.image_shape} has no pixels")
        if self.feature_range:
            low, high = self.feature_range
            if not (isfinite(low) and isfinite(high) and low < high):
                problems.append(f"the feature range {self.feature_range} is empty or not finite")
        if problems:
            raise Misconfigured(problems)


def assemble(
    raw: Raw, wanted: Wanted, *, name: str, provenance: Provenance, problems: Problems
) -> Dataset:
    """The dataset that a file holds.

    Args:
        raw: What was read.
        wanted: What need not be inferred.
        name: Name of the dataset.
        provenance: Where it comes from. What was decided is added to ``obtained``.
        problems: Of the file, none so far.

    Raises:
        InvalidData: Fewer than two classes, labels that are no classes, no range to be found.
        Misconfigured: The image shape asked for does not fit the number of features.
    """
    classes, order = _classes(raw.texts, problems)
    if len(classes) < 2 and not problems:
        problems.add(
            f"all rows have the label {shown(classes[0])}; two classes are needed, or another "
            "column holds the labels"
        )
    shape, about_shape = _image_shape(raw, wanted.image_shape, problems.file)
    limits, about_range = wanted.feature_range, "feature range as declared"
    if limits is None:
        limits, about_range = _infer_range(raw.features, problems, images=shape is not None)
    problems.settle()
    decided = "; ".join([provenance.obtained, *raw.notes, about_shape, about_range])
    return Dataset(
        name=name,
        features=raw.features,
        labels=order[raw.codes],
        feature_names=raw.names or _default_names(raw.features.shape[1], shape),
        class_names=classes,
        feature_range=limits,
        image_shape=shape,
        provenance=Provenance(
            provenance.source, provenance.licence, decided, f"all {len(raw.codes)} rows of the file"
        ),
    )


def take_column(raw: Raw, name: str, problems: Problems) -> np.ndarray:
    """Take a column out of the features.

    Args:
        raw: What was read; loses the column.
        name: Its name.
        problems: Of the file, none so far.

    Returns:
        Its numbers, shape (n,).

    Raises:
        Misconfigured: There is no such column, or several.
        InvalidData: One of its cells is no finite number.
    """
    names = raw.names or ()
    if names.count(name) != 1:
        raise Misconfigured(
            f"{problems.file}: {'several columns are' if name in names else 'no column is'} called "
            f"{shown(name)}"
        )
    place = names.index(name)
    column = raw.features[:, place].copy()
    if not np.isfinite(column).all():
        row = int(np.flatnonzero(~np.isfinite(column))[0])
        problems.add(f"row {row}: the column {shown(name)} holds no finite number")
        problems.settle()
    raw.features = np.delete(raw.features, place, axis=1)
    raw.names = names[:place] + names[place + 1 :]
    raw.notes.append(f"column {name} taken for the batch of each row")
    return column


def _classes(texts: tuple[str, ...], problems: Problems) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes in sorted order, and the class of each text, int64."""
    whole = [_WHOLE.fullmatch(text) for text in texts]
    if all(whole):
        values = [int(match[1]) for match in whole if match]
        known = sorted(set(values))
        names = tuple(map(str, known))
        return names, np.array([known.index(value) for value in values], dtype=np.int64)
    if all(map(is_number, texts)):
        odd = [text for text in texts if not re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text)]
        if odd:
            problems.add(f"the label {shown(odd[0])} is no class: it is no whole number, no text")
    names = tuple(sorted(texts))
    place = {name: index for index, name in enumerate(names)}
    return names, np.array([place[text] for text in texts], dtype=np.int64)


def _image_shape(
    raw: Raw, wanted: tuple[int, int] | None, file: str
) -> tuple[tuple[int, int] | None, str]:
    columns = raw.features.shape[1]
    if wanted:
        if wanted[0] * wanted[1] != columns:
            raise Misconfigured(
                f"{file}: {columns} features are no image of {wanted[0]} x {wanted[1]}"
            )
        return wanted, f"image shape {wanted[0]} x {wanted[1]} as declared"
    if raw.image_shape:
        return raw.image_shape, "image shape as in the array"
    side = isqrt(columns)
    pixels = raw.names is not None and all(map(_PIXEL.fullmatch, raw.names))
    unnamed = raw.names is None and side >= _SMALLEST_UNNAMED_IMAGE
    if side * side == columns and side > 1 and (pixels or unnamed):
        return (side, side), f"image shape {side} x {side} inferred from {columns} features"
    return None, "rows taken for no images"


def _default_names(columns: int, shape: tuple[int, int] | None) -> tuple[str, ...]:
    stem = "pixel" if shape else "feature"
    return tuple(f"{stem}{index}" for index in range(columns))


def _infer_range(
    features: np.ndarray,
    problems: Problems,
    *,
    images: bool,
) -> tuple[tuple[float, float], str]:
    """0 to 1, for images of whole numbers 0 to 16 or 0 to 255, else what is observed."""
    low, high, whole = _observed(features)
    if not low <= high:
        problems.add("no feature holds a finite value")
        return (0.0, 1.0), ""
    if low >= 0 and high <= 1:
        return (0.0, 1.0), "feature range 0 to 1 inferred from the values"
    for depth in _DEPTHS:
        if images and whole and low >= 0 and high <= depth:
            return (0.0, depth), f"feature range 0 to {depth:g} inferred from the values"
    if low == high:
        problems.add(f"every feature is {low}; declare the feature range")
    return (low, high), f"feature range {low:g} to {high:g} as observed"


def _observed(features: np.ndarray) -> tuple[float, float, bool]:
    """Smallest and largest finite value, and whether all finite ones are whole; in blocks."""
    low, high, whole = np.inf, -np.inf, True
    for start in range(0, len(features), _ROWS_AT_ONCE):
        block = features[start : start + _ROWS_AT_ONCE]
        finite = block[np.isfinite(block)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            whole = whole and bool((finite == np.floor(finite)).all())
    return low, high, whole
