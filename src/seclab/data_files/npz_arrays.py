"""NPZ files: one array of features and one of labels, streamed out of the zip."""

import sys
import zipfile
import zlib
from contextlib import closing
from math import prod
from typing import BinaryIO

import numpy as np

from seclab.data_files.limits import Limits
from seclab.data_files.npy_stream import Array, header
from seclab.data_files.problems import Problems, shown
from seclab.data_files.raw import Labels, Raw
from seclab.data_files.zip_members import Metered, checked_members
from seclab.errors import InvalidData, Misconfigured

_PAIRS = (
    ("x", "y"),
    ("features", "labels"),
    ("data", "target"),
    ("images", "labels"),
    ("x_train", "y_train"),
)
_FEATURE_KINDS = "fiub"
_LABEL_KINDS = "fiubUS"
_LARGEST_LABEL_BYTES = 4096
_LABELS_AT_ONCE = 2**16


def read_npz(stream: BinaryIO, *, label: str | None, limits: Limits, problems: Problems) -> Raw:
    """Read an NPZ file. Arrays of objects are refused, whatever their name: they are pickles.

    Args:
        stream: The file.
        label: Name of the array of labels, or None.
        limits: How large it may be. What the file claims is held against them before memory is
            taken, and what comes out of the zip while it comes.
        problems: Where problems are noted.

    Raises:
        InvalidData: What ends the reading; the rest is in ``problems``.
        Misconfigured: There are no two such arrays, or several could be meant.

    References:
        NumPy Enhancement Proposal 1, A simple file format for NumPy arrays.
    """
    metered = Metered(stream)
    try:
        with closing(zipfile.ZipFile(metered)) as archive:
            members = checked_members(archive, problems)
            problems.settle()
            arrays = {
                name: header(archive, member, metered, problems) for name, member in members.items()
            }
            problems.settle()
            return _read(arrays, label, limits, problems)
    except (InvalidData, Misconfigured):
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise problems.stop(f"damaged, or no NPZ file: {shown(str(error))}") from error


def _read(arrays: dict[str, Array], label: str | None, limits: Limits, problems: Problems) -> Raw:
    x_name, y_name = _pair(arrays, label, problems.file)
    x, y = arrays[x_name], arrays[y_name]
    _require_fitting(x, y, limits, problems)
    if not x.shape[0]:
        raise problems.stop("it holds no rows")
    features = x.floats(limits, problems)
    labels = _labels(y, limits, problems)
    notes = [f"features from array {x_name}, labels from array {y_name}"]
    unused = sorted(set(arrays) - {x_name, y_name})
    if unused:
        notes.append(f"not read: {', '.join(unused)}")
    image = x.shape[1:3] if len(x.shape) == 3 or (len(x.shape) == 4 and x.shape[3] == 1) else None
    shape = (image[0], image[1]) if image else None
    return Raw(features, labels.codes(), labels.texts(), None, image_shape=shape, notes=notes)


def _require_fitting(x: Array, y: Array, limits: Limits, problems: Problems) -> None:
    """Judge what two arrays claim to be, before memory is taken for either."""
    columns = prod(x.shape[1:])
    if len(x.shape) < 2 or columns < 1:
        problems.add(f"{x.name} has shape {x.shape}; rows and columns are needed")
    if len(y.shape) not in {1, 2} or prod(y.shape[1:]) != 1:
        problems.add(f"{y.name} has shape {y.shape}; one label a row is needed")
    if x.shape[:1] != y.shape[:1]:
        problems.add(f"shapes {x.shape} and {y.shape}: every row needs one label")
    for array, kinds in ((x, _FEATURE_KINDS), (y, _LABEL_KINDS)):
        size = array.dtype.itemsize
        if array.dtype.kind not in kinds or (array.dtype.kind == "f" and size > 8):
            problems.add(f"{array.name} holds {array.dtype}, which is not read")
        if array.size_bytes > limits.expanded_bytes:
            limit = limits.expanded_bytes
            problems.add(f"{array.name} claims {array.size_bytes} bytes, the limit is {limit}")
    if y.dtype.itemsize > _LARGEST_LABEL_BYTES:
        limit = _LARGEST_LABEL_BYTES
        problems.add(f"labels of {y.dtype.itemsize} bytes each, the limit is {limit}")
    for excess in limits.exceeded_by((x.shape or (0,))[0], columns):
        problems.add(excess)
    problems.settle()


def _pair(arrays: dict[str, Array], label: str | None, file: str) -> tuple[str, str]:
    """Names of the arrays of features and of labels."""
    found = {name.lower(): name for name in arrays}
    known = ", ".join(map(shown, sorted(arrays))) or "none"
    if label is not None and label not in arrays:
        raise Misconfigured(f"{file}: no array is named {shown(label)}; it has {known}")
    pairs = [
        (found[x], found[y])
        for x, y in _PAIRS
        if x in found and y in found and (label is None or found[y] == label)
    ]
    if label is not None and not pairs:
        others = [name for name, array in arrays.items() if name != label and len(array.shape) > 1]
        pairs = [(name, label) for name in others]
    if len(pairs) != 1:
        what = "several pairs of arrays could be" if pairs else "no two arrays are"
        raise Misconfigured(
            f"{file}: {what} features and labels; call them x and y, and keep no others. "
            f"It has {known}"
        )
    return pairs[0]


def _labels(y: Array, limits: Limits, problems: Problems) -> Labels:
    values = y.values(limits, problems)
    labels = Labels(limits.classes, problems)
    for start in range(0, len(values), _LABELS_AT_ONCE):
        part = values[start : start + _LABELS_AT_ONCE]
        try:
            _require_characters(part)
            texts = [_text(value) for value in part.tolist()]
        except ValueError as error:
            raise problems.stop(f"{y.name} holds texts that are none") from error
        labels.add(texts, (f"row {row}" for row in range(start, start + len(part))))
    return labels


def _require_characters(texts: np.ndarray) -> None:
    """Refuse numbers in the place of characters: they crash where a text is made of them."""
    if texts.dtype.kind == "U":
        numbers = texts.view(np.dtype("u4").newbyteorder(texts.dtype.byteorder))
        if numbers.size and int(numbers.max()) > sys.maxunicode:
            raise ValueError("beyond the last character")


def _text(value: object) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
