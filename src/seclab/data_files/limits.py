"""How large a file may be, or claim to be, before it is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from seclab.errors import Misconfigured

_VALUE_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on a dataset file. Each is the largest number that is still read.

    Attributes:
        disk_bytes: Size of the file.
        expanded_bytes: Size of what is read from it, as stored and as float64.
        rows: Number of rows.
        columns: Number of features.
        cells: Rows times features.
        classes: Number of classes.
        line_bytes: Length of one line of a CSV file.
        index_bytes: Size of the table of contents of a Parquet file.
        ratio: How many times larger than its compressed form an array of an NPZ file may be. Not
            applied below 64 MiB, where it does no harm.
        problems: How many problems are told one by one before reading stops.

    Raises:
        Misconfigured: A limit below 1; all at once.
    """

    disk_bytes: int = 4 * 2**30
    expanded_bytes: int = 4 * 2**30
    rows: int = 10_000_000
    columns: int = 200_000
    cells: int = 2**29
    classes: int = 1000
    line_bytes: int = 2**24
    index_bytes: int = 2**26
    ratio: int = 200
    problems: int = 20

    def __post_init__(self) -> None:
        low = [entry.name for entry in fields(self) if getattr(self, entry.name) < 1]
        if low:
            raise Misconfigured([f"the limit {name} must be at least 1" for name in low])

    def exceeded_by(self, rows: int, columns: int) -> Iterator[str]:
        """What is too large about a table of so many rows and features."""
        cells = rows * columns
        for count, limit, unit in (
            (rows, self.rows, "rows"),
            (columns, self.columns, "columns of features"),
            (cells, self.cells, "cells"),
            (cells * _VALUE_BYTES, self.expanded_bytes, "bytes as float64"),
        ):
            if count > limit:
                yield f"it claims {count} {unit}, the limit is {limit}"
