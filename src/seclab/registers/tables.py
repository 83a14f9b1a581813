"""Strict CSV: every row under the exact header, every mistake with its line and column."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from seclab.errors import Misconfigured
from seclab.yaml_files import decode

NONE = "none"


@dataclass(frozen=True, slots=True)
class Problems:
    """The mistakes of one file, collected.

    Attributes:
        file: Its name.
        found: One sentence or more each, with the place.
    """

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, problem: str, *, line: int | None = None, column: str = "") -> None:
        """Note a mistake and its place; ``column`` is also the key of a YAML mapping."""
        place = (
            self.file + (f" line {line}" if line else "") + (f", column {column}" * bool(column))
        )
        self.found.append(f"{place}: {problem}")


@dataclass(frozen=True, slots=True)
class Row:
    """One record.

    Attributes:
        line: The line it begins in, from 1.
        cells: Text by column; a column that the header lacks is absent.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file as far as they can be trusted.

    Attributes:
        rows: The rows as wide as the header.
        stray: Every cell of the other rows: whose column it is would be a guess.
        complete: Whether the file could be read to its end.
    """

    rows: tuple[Row, ...]
    stray: frozenset[str]
    complete: bool

    def column(self, name: str) -> frozenset[str] | None:
        """What stands in a column or may have been meant to; ``None`` if that is unknowable."""
        if not self.complete or not all(name in row.cells for row in self.rows):
            return None
        return self.stray | {row.cells[name] for row in self.rows}


_DELIMITERS = (";", "\t", "|", ",")
_UNREADABLE = Table((), frozenset(), complete=False)


def read_table(
    data: bytes | None, columns: Sequence[str], problems: Problems, *, delimiter: str = ","
) -> Table:
    """Read a CSV file.

    Args:
        data: Its bytes, UTF-8; ``None`` when there are none to read.
        columns: The header it must have, in this order.
        problems: Where its mistakes are noted.
        delimiter: What stands between two cells.

    References:
        RFC 4180, Common format and MIME type for comma-separated values.
    """
    if data is None:
        return _UNREADABLE
    try:
        text = decode(data, file=problems.file)
    except Misconfigured as error:
        problems.found.extend(error.problems)
        return _UNREADABLE
    records = _records(text, problems, delimiter=delimiter)
    header = next(records, None)
    if header is None:
        if not problems.found:
            problems.add("the file is empty")
        return _UNREADABLE
    if (other := _other_delimiter(header[1], columns)) and other != delimiter:
        problems.add(
            f"the cells are separated by {other!r}; save the file with {delimiter!r} between them",
            line=header[0],
        )
        return _UNREADABLE
    _check_header(header[1], columns, line=header[0], problems=problems)
    before = len(problems.found)
    body = list(records)
    complete = len(problems.found) == before
    if complete and not body:
        problems.add("there is no row below the header")
    return _below(header[1], body, problems=problems, complete=complete and bool(body))


def _records(text: str, problems: Problems, *, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every record that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(f"malformed CSV: {error}; nothing below could be read", line=line)


def _other_delimiter(header: Sequence[str], columns: Sequence[str]) -> str:
    """What divides a header of one cell into columns there are; empty for nothing."""
    if len(header) > 1:
        return ""
    names = ((each, header[0].split(each)) for each in _DELIMITERS)
    return next((each for each, found in names if len(set(found) & set(columns)) > 1), "")


def _check_header(
    header: Sequence[str], columns: Sequence[str], *, line: int, problems: Problems
) -> None:
    before = len(problems.found)
    for name in dict.fromkeys(header):
        if not name.strip():
            place = ", ".join(str(n) for n, each in enumerate(header, start=1) if each == name)
            problems.add(f"no name stands over column {place}; remove or name it", line=line)
        elif name not in columns:
            problems.add("no such column is known; remove or rename it", line=line, column=name)
        elif header.count(name) > 1:
            problems.add("the header names this column more than once", line=line, column=name)
    for name in columns:
        if name not in header:
            problems.add("the header lacks this column", line=line, column=name)
    if len(problems.found) == before and list(header) != list(columns):
        problems.add(f"the header must have this order: {','.join(columns)}", line=line)


def _below(
    header: Sequence[str],
    body: Sequence[tuple[int, list[str]]],
    *,
    problems: Problems,
    complete: bool,
) -> Table:
    rows: list[Row] = []
    stray: set[str] = set()
    for line, record in body:
        if len(record) == len(header):
            rows.append(Row(line, dict(zip(header, record, strict=True))))
        else:
            stray.update(record)
            problems.add(f"{len(record)} cells where the header has {len(header)}", line=line)
    return Table(tuple(rows), frozenset(stray), complete)


class Cells:
    """The cells of one row, typed.

    A wrong cell is noted and read as some value of the right type, so that the rest of the row is
    looked at too: whoever collected the problems must not use the values.

    Args:
        row: The row.
        problems: Where its mistakes are noted.
    """

    def __init__(self, row: Row, problems: Problems) -> None:
        self._row = row
        self._problems = problems

    def wrong(self, column: str, problem: str) -> None:
        """Note a mistake in a cell."""
        self._problems.add(problem, line=self._row.line, column=column)

    def optional(self, column: str) -> str:
        """A text that may be empty."""
        cell = self._row.cells.get(column, "")
        if not cell.isprintable():
            self.wrong(column, "the cell holds a line break or an invisible character")
        elif cell != cell.strip():
            self.wrong(column, "blanks stand around the value; remove them")
        return cell

    def text(self, column: str) -> str:
        """A text that may not be empty; empty when the whole column is missing."""
        cell = self.optional(column)
        if not cell.strip() and column in self._row.cells:
            self.wrong(column, "the cell is empty")
            return ""
        return cell

    def choice(self, column: str, allowed: Sequence[str]) -> str:
        """One word of a closed vocabulary."""
        cell = self.text(column)
        if cell and cell.strip() not in allowed:
            self.wrong(column, f"{cell!r} is not one of {', '.join(allowed)}")
        return cell

    def name(self, column: str, pattern: str, example: str) -> str:
        """An id or name of the given form."""
        cell = self.text(column)
        if cell and not re.fullmatch(pattern, cell):
            self.wrong(column, f"{cell!r} has not the form of {example}")
        return cell

    def ids(self, column: str, pattern: str, example: str) -> tuple[str, ...]:
        """Ids separated by ``;``, or the word ``none``: an empty cell might be an omission."""
        cell = self.text(column)
        return () if cell in ("", NONE) else self._items(column, cell, pattern, example)

    def letters(self, column: str, pattern: str, example: str) -> tuple[str, ...]:
        """One or more items separated by ``;``."""
        cell = self.text(column)
        return self._items(column, cell, pattern, example) if cell else ()

    def _items(self, column: str, cell: str, pattern: str, example: str) -> tuple[str, ...]:
        found = tuple(cell.split(";"))
        for item in dict.fromkeys(found):
            if not re.fullmatch(pattern, item):
                self.wrong(column, f"{item!r} has not the form of {example}")
            if found.count(item) > 1:
                self.wrong(column, f"{item!r} is named more than once")
        return found

    def scale(self, column: str) -> int:
        """A whole number from 1 to 5."""
        cell = self.text(column)
        if cell and cell not in ("1", "2", "3", "4", "5"):
            self.wrong(column, f"{cell!r} is not a whole number from 1 to 5")
            return 1
        return int(cell or 1)

    def day(self, column: str) -> date:
        """A date as ``2027-03-31``."""
        cell = self.text(column)
        try:
            found = date.fromisoformat(cell.strip())
        except ValueError:
            found = date.min
        if cell and found.isoformat() != cell.strip():
            self.wrong(column, f"{cell!r} is not a date like 2027-03-31")
        return found
