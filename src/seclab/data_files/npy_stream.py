"""One array of an NPZ file: its header judged first, its values streamed under limits."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import IO

import numpy as np

from seclab.data_files.limits import Limits
from seclab.data_files.problems import Problems, shown
from seclab.data_files.zip_members import Metered

_BLOCK = 2**20
_HARMLESS = 2**26
_LONGEST_HEADER = 10_000
# How many bytes give the length of the header, by the beginning of the array.
_LENGTHS = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}
_FIELDS = {
    "descr": r"'descr': *'([<>|=]?[a-zA-Z?]\d{0,9})'",
    "fortran_order": r"'fortran_order': *(True|False)",
    "shape": r"'shape': *\(([\d, ]{0,200})\)",
}
_HEADER = re.compile(r"\{ *(?:(?:" + "|".join(_FIELDS.values()) + r")(?:, *)?){3}\}\s*", re.ASCII)


@dataclass(slots=True, eq=False)
class Array:
    """What the header of an array claims, and where its values are.

    Attributes:
        name: Name of the entry.
        shape: As claimed.
        fortran: Whether the first index changes fastest.
        dtype: As claimed; no objects.
    """

    name: str
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[np.generic]
    archive: zipfile.ZipFile
    member: zipfile.ZipInfo
    metered: Metered

    @property
    def size_bytes(self) -> int:
        """Bytes of all values, as claimed."""
        return prod(self.shape) * self.dtype.itemsize

    def floats(self, limits: Limits, problems: Problems) -> np.ndarray:
        """All values as float64, a row each, shape (n, product of the other lengths)."""
        rows, columns = self.shape[0], prod(self.shape[1:])
        result = np.empty((rows, columns))
        if not self.fortran:
            flat = result.reshape(-1)
            for start, values in self._blocks(limits, problems):
                flat[start : start + len(values)] = self._float(values, problems)
            return result
        # Values come column by column, the columns in Fortran order of the other indexes.
        order = np.arange(columns).reshape(self.shape[1:]).ravel(order="F")
        for start, values in self._blocks(limits, problems):
            at = np.arange(start, start + len(values))
            result[at % rows, order[at // rows]] = self._float(values, problems)
        return result

    def _float(self, values: np.ndarray, problems: Problems) -> np.ndarray:
        floats = values.astype(np.float64)
        exact = 2.0**53
        if (
            values.dtype.kind in "iu"
            and values.dtype.itemsize == 8
            and (abs(floats) >= exact).any()
        ):
            raise problems.stop(f"{self.name} holds whole numbers that float64 cannot hold exactly")
        return floats

    def values(self, limits: Limits, problems: Problems) -> np.ndarray:
        """All values as they are, in one row."""
        result = np.empty(prod(self.shape), dtype=self.dtype)
        for start, values in self._blocks(limits, problems):
            result[start : start + len(values)] = values
        return result

    def _blocks(self, limits: Limits, problems: Problems) -> Iterator[tuple[int, np.ndarray]]:
        """Values in the order of the file, each block with the position of its first."""
        with self.archive.open(self.member) as stream:
            before = self.metered.taken
            _read_header(stream)
            size, start, got = self.dtype.itemsize, 0, 0
            step = max(1, _BLOCK // size) * size
            while got < self.size_bytes:
                block = _exactly(stream, min(step, self.size_bytes - got))
                got += len(block)
                if len(block) % size or not block:
                    raise problems.stop(
                        f"{self.name} claims {self.size_bytes} bytes and holds {got}: cut off"
                    )
                taken = max(1, self.metered.taken - before)
                if got > max(_HARMLESS, limits.ratio * taken):
                    raise problems.stop(
                        f"{self.name} expands to more than {limits.ratio} times its size: "
                        "a zip bomb; save it uncompressed if it is none"
                    )
                yield start, np.frombuffer(block, dtype=self.dtype)
                start += len(block) // size
            # The end of the entry, where its checksum is compared.
            if stream.read(1):
                raise problems.stop(f"{self.name} holds more than the {got} bytes that it claims")


def header(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, metered: Metered, problems: Problems
) -> Array:
    """Judge the header of an array without reading its values."""
    name = shown(member.orig_filename.removesuffix(".npy"))
    try:
        with archive.open(member) as stream:
            shape, fortran, dtype = _read_header(stream)
    except (ValueError, TypeError) as error:
        problems.add(f"{name} has a header that is none: {shown(str(error))}")
        shape, fortran, dtype = (), False, np.dtype(np.float64)
    if dtype.hasobject:
        problems.add(f"{name} holds objects, which only a pickle can carry; it is never opened")
    return Array(name, shape, fortran, dtype, archive, member, metered)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, order and type. Matched, not evaluated: three fields, nothing else.

    Raises:
        ValueError: It is no such header.
        TypeError: There is no such type.
    """
    start = _exactly(stream, 8)
    width = _LENGTHS.get(start)
    if width is None:
        raise ValueError("no array, or a format version that is not read")
    length = int.from_bytes(_exactly(stream, width), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"{length} bytes, the limit is {_LONGEST_HEADER}")
    text = _exactly(stream, length).decode("ascii")
    fields = {name: re.search(pattern, text) for name, pattern in _FIELDS.items()}
    found = {name: match[1] for name, match in fields.items() if match}
    if not _HEADER.fullmatch(text) or len(found) < len(_FIELDS):
        raise ValueError(text.strip())
    lengths = [int(part) for part in found["shape"].split(",") if part.strip()]
    dtype: np.dtype[np.generic] = np.dtype(found["descr"])
    if not dtype.itemsize:
        raise ValueError("values of no size")
    return tuple(lengths), found["fortran_order"] == "True", dtype


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """As many bytes as asked for, fewer only at the end."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
