"""Any dataset file, told apart by its content, read into a dataset."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from seclab.data_files.assembling import Wanted, assemble, take_column
from seclab.data_files.csv_rows import read_csv
from seclab.data_files.limits import Limits
from seclab.data_files.npz_arrays import read_npz
from seclab.data_files.opening import digest_of, opened
from seclab.data_files.parquet_rows import read_parquet
from seclab.data_files.problems import Problems
from seclab.data_files.raw import Raw
from seclab.datasets import Dataset, Provenance
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest

UNSTATED = "not stated"
"""Licence and source of a file of which nobody said more than where it lies."""

_Reader = Callable[..., Raw]
_READERS: dict[str, _Reader] = {"CSV": read_csv, "Parquet": read_parquet, "NPZ": read_npz}
_SUFFIXES = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".txt": "CSV",
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".npz": "NPZ",
}
_BEGINNINGS = ((b"PAR1", "Parquet"), (b"PK\x03\x04", "NPZ"), (b"PK\x05\x06", "NPZ"))
_OTHERS = (
    (b"\x93NUMPY", "one array; save features and labels together with numpy.savez"),
    (b"\x80", "a pickle; it could run code and is never opened"),
    (b"\x1f\x8b", "compressed with gzip; unpack it"),
    (b"\x89HDF", "HDF5; save it as NPZ"),
    (b"ARROW1", "an Arrow or Feather file; save it as Parquet"),
)


def read_dataset(
    path: Path,
    *,
    label: str | None = None,
    image_shape: tuple[int, int] | None = None,
    feature_range: tuple[float, float] | None = None,
    header: bool | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Dataset:
    """Read a CSV, Parquet or NPZ file. Nothing in it is ever executed or unpickled.

    CSV: comma, semicolon or tab, UTF-8, one row a line. Parquet: flat columns of numbers and one
    of labels. NPZ: an array of features, (n, d) or images (n, height, width[, 1]), and one of
    labels, called x and y, features and labels, data and target, images and labels, or x_train
    and y_train.

    Values may be NaN, infinite or outside the range: whether they should be is for the checks to
    say. A label must be there.

    Args:
        path: The file itself, no link.
        label: Name of the label column or array; for a CSV file without header its position from
            0. None: ``label``, ``class`` or ``target``, else the last column.
        image_shape: (height, width). None: as in the array; a square if the columns are named
            like pixels, or have no names and are at least 4 x 4.
        feature_range: Smallest and largest value a feature may have. None: 0 to 1, or for images
            of whole numbers 0 to 16 or 0 to 255, if all values are inside, else what was observed.
        header: Whether the first line of a CSV file holds names. None: judged by its cells.
        limits: How large the file may be, or claim to be.

    Returns:
        The rows in the order of the file. Labels that are all whole numbers become classes in the
        order of their value, others in the order of their text. What was inferred stands in
        ``provenance.obtained``; ``provenance.licence`` is :data:`UNSTATED`.

    Raises:
        Misconfigured: There is no such regular file, or what was asked for is not in it.
        InvalidData: The file is malformed, hostile or too large; all problems that were found, up
            to the limit, each with its line (from 1) or row (from 0).
    """
    wanted = Wanted(image_shape, feature_range)
    contents = _contents(path, label=label, header=header, limits=limits)
    return contents.assembled(path, wanted)


def read_arrivals(
    path: Path,
    *,
    batch: str,
    label: str | None = None,
    image_shape: tuple[int, int] | None = None,
    feature_range: tuple[float, float] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> tuple[Dataset, np.ndarray]:
    """Read a file in which one column says when each row arrived: it is no feature then.

    Args:
        path: As for :func:`read_dataset`, like the others that are not named here.
        batch: Name of the column; its numbers are later the higher they are.
        label: As there.
        image_shape: As there.
        feature_range: As there.
        limits: As there.

    Returns:
        The rows without that column, and its numbers, shape (n,).

    Raises:
        Misconfigured: There is no such file, or no such column.
        InvalidData: As there, and a batch that is no finite number.
    """
    wanted = Wanted(image_shape, feature_range)
    contents = _contents(path, label=label, header=None, limits=limits)
    batches = take_column(contents.raw, batch, contents.problems)
    return contents.assembled(path, wanted), batches


@dataclass(frozen=True, slots=True, eq=False)
class _Contents:
    """What stood in a file."""

    raw: Raw
    kind: str
    digest: Digest
    problems: Problems

    def assembled(self, path: Path, wanted: Wanted) -> Dataset:
        provenance = Provenance(
            source=f"the file {_plain(path.name)}, {self.digest}",
            licence=UNSTATED,
            obtained=f"read as {self.kind}",
            sampling="",
        )
        name = _plain(path.stem)
        return assemble(self.raw, wanted, name=name, provenance=provenance, problems=self.problems)


def _contents(path: Path, *, label: str | None, header: bool | None, limits: Limits) -> _Contents:
    file = str(path)
    with opened(path, limits) as stream:
        kind = _kind(stream, path)
        problems = Problems(file, limits.problems)
        asked = {"header": header} if kind == "CSV" else {}
        try:
            raw = _READERS[kind](stream, label=label, limits=limits, problems=problems, **asked)
        except MemoryError as error:
            raise problems.stop("there is not enough memory to read it") from error
        problems.settle()
        return _Contents(raw, kind, digest_of(stream), problems)


def _kind(stream: BinaryIO, path: Path) -> str:
    start = stream.read(16)
    stream.seek(0)
    by_content = next((kind for mark, kind in _BEGINNINGS if start.startswith(mark)), "CSV")
    by_name = _SUFFIXES.get(path.suffix.lower(), by_content)
    other = next((what for mark, what in _OTHERS if start.startswith(mark)), None)
    if other:
        raise Misconfigured(f"{path}: this is {other}")
    if by_name != by_content:
        found = "a text file" if by_content == "CSV" else f"a {by_content} or zip file"
        raise Misconfigured(f"{path}: named like a {by_name} file, but it begins like {found}")
    return by_name


def _plain(name: str) -> str:
    """A file name as it may stand in any report."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip("-._")[:100] or "dataset"
