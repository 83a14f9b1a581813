"""CSV files: one row a line, numbers and a label, every refusal with its line."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from seclab.data_files.csv_survey import survey
from seclab.data_files.limits import Limits
from seclab.data_files.problems import Problems, is_missing, is_number, shown
from seclab.data_files.raw import LABEL_NAMES, Labels, Raw, check_names, label_column

_DELIMITERS = (",", ";", "\t")
_SMALLEST_COUNT = 4
_BLOCK = 2**21


def read_csv(
    stream: BinaryIO, *, label: str | None, header: bool | None, limits: Limits, problems: Problems
) -> Raw:
    """Read a CSV file in blocks of a few megabytes.

    Args:
        stream: The file, at its beginning.
        label: Name of the label column, its position where there is no header, or None.
        header: Whether the first line holds names; None to judge by its cells.
        limits: How large it may be.
        problems: Where problems are noted.

    Raises:
        InvalidData: What ends the reading; the rest is in ``problems``.
        Misconfigured: No column is the one asked for.

    References:
        RFC 4180, but for line breaks inside quotes: they are refused.
    """
    found = survey(stream, limits, problems)
    stream.seek(found.start)
    table = _Table(*_columns(stream, label, header=header, problems=problems))
    stream.seek(found.start)
    rows = found.lines - table.header
    for excess in limits.exceeded_by(rows, len(table.names)):
        problems.add(excess)
    problems.settle()
    if rows < 1:
        raise problems.stop("it holds a line of names and no rows")
    features = np.empty((rows, len(table.names)))
    labels = Labels(limits.classes, problems)
    filled = 0
    for block in _blocks(stream, table, problems):
        filled += table.parse(block, features[filled:], problems)
        labels.add(block.labels, (f"line {number}" for number in block.numbers))
        if problems.full:
            break
    if not filled and not problems:
        raise problems.stop("it holds no rows")
    names = tuple(table.names) if table.header else None
    return Raw(features[:filled], labels.codes(), labels.texts(), names, notes=table.notes)


@dataclass(slots=True)
class _Block:
    """Rows that are read together: line numbers, labels, and features as text."""

    numbers: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    rests: list[str] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class _Table:
    """The layout: what separates cells, which one is the label, what the others are called."""

    delimiter: str
    label: int
    names: list[str]
    header: bool
    notes: list[str]

    def cut(self, text: str) -> tuple[str, str]:
        """Label and features of a line, the features as text.

        Raises:
            ValueError: It has another number of cells or broken quotes; says which.
        """
        width = len(self.names) + 1
        quoted = '"' in text
        parts = _cells(text, self.delimiter) if quoted else text.split(self.delimiter)
        if len(parts) != width:
            raise ValueError(f"{len(parts)} cells, where the first line has {width}")
        label = parts.pop(self.label)
        broken = next((cell for cell in parts if self.delimiter in cell), None) if quoted else None
        if broken:
            raise ValueError(f"the text {shown(broken)} stands where a number is expected")
        rest = self.delimiter.join(parts)
        return label.strip(), rest

    def parse(self, block: _Block, into: np.ndarray, problems: Problems) -> int:
        """Write the features of a block into the first rows of an array; gives their number."""
        rows = len(block.rests)
        shape = (rows, len(self.names))
        try:
            values = np.loadtxt(
                block.rests, delimiter=self.delimiter, comments=None, dtype=np.float64, ndmin=2
            )
        except ValueError:
            values = np.empty((0, 0))
        if values.shape == shape:
            into[:rows] = values
            return rows
        # An empty cell or a text somewhere: look at each, to fill the gap or to name the place.
        for row, (rest, number) in enumerate(zip(block.rests, block.numbers, strict=True)):
            into[row] = [
                self._number(cell.strip(), name, number, problems)
                for cell, name in zip(rest.split(self.delimiter), self.names, strict=True)
            ]
            if problems.full:
                break
        return rows

    def _number(self, cell: str, name: str, line: int, problems: Problems) -> float:
        if is_missing(cell):
            return np.nan
        if is_number(cell):
            return float(cell)
        problems.add(
            f"the text {shown(cell)} stands where a number is expected",
            at=f"line {line}, column {shown(name)}",
        )
        return np.nan


def _blocks(stream: BinaryIO, table: _Table, problems: Problems) -> Iterator[_Block]:
    """The rows of the file in blocks. Empty lines are allowed only at the end."""
    block, empty = _Block(), 0
    for number, line in enumerate(stream, 1):
        if number == 1 and table.header:
            continue
        text = _text(line)
        if not text.strip():
            empty = empty or number
            continue
        try:
            if empty:
                at, empty = f"line {empty}", 0
                problems.add("the line is empty", at=at)
            label, rest = table.cut(text)
        except ValueError as error:
            problems.add(str(error), at=f"line {number}")
            if problems.full:
                break
            continue
        block.numbers.append(number)
        block.labels.append(label)
        block.rests.append(rest)
        block.size += len(text)
        if block.size > _BLOCK:
            yield block
            block = _Block()
    if block.numbers:
        yield block


def _columns(
    stream: BinaryIO, label: str | None, *, header: bool | None, problems: Problems
) -> tuple[str, int, list[str], bool, list[str]]:
    """The layout of the file, judged by its first two lines: the parts of a table."""
    lines = [_text(stream.readline()) for _ in range(2)]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise problems.stop("it holds no rows: the first two lines are empty")
    try:
        delimiter, rows = _sniff(lines)
    except ValueError as error:
        raise problems.stop(str(error), at="line 1") from error
    first = rows[0]
    if len(first) < 2:
        raise problems.stop(
            "one column only; cells are separated by comma, semicolon or tab", at="line 1"
        )
    named = _is_header(rows, label) if header is None else header
    names = first if named else [str(position) for position in range(len(first))]
    check_names(names, problems)
    problems.settle()
    position, how = label_column(names, label, file=problems.file)
    about = "names in the first line" if named else "no line of names"
    between = (
        "cells separated by tabs" if delimiter == "\t" else f"cells separated by {delimiter!r}"
    )
    names = [name for at, name in enumerate(names) if at != position]
    return delimiter, position, names, named, [between, about, how]


def _sniff(lines: Sequence[str]) -> tuple[str, list[list[str]]]:
    """The delimiter that cuts the lines into most cells, equally many if possible.

    Raises:
        ValueError: The quotes of the first line are broken, whatever the delimiter.
    """
    best, rank, broken = "", (False, 0), ""
    cells: list[list[str]] = []
    for mark in _DELIMITERS:
        try:
            cut = [_cells(lines[0], mark)]
        except ValueError as error:
            broken = str(error)
            continue
        with suppress(ValueError):  # broken quotes further down are told when that line is read
            cut += [_cells(line, mark) for line in lines[1:]]
        even = len(cut[0]) > 1 and len({len(row) for row in cut}) == 1
        if (even, len(cut[0])) > rank:
            best, rank, cells = mark, (even, len(cut[0])), cut
    if not best:
        raise ValueError(broken)
    return best, [[cell.strip() for cell in row] for row in cells]


def _is_header(rows: Sequence[Sequence[str]], label: str | None) -> bool:
    """Whether the first row holds names: no numbers, a known name, or positions as names."""
    first = rows[0]
    numbers = [cell for cell in first if is_number(cell)]
    if not numbers or any(cell.lower() in LABEL_NAMES for cell in first):
        return True
    if label in first and not is_number(str(label)):
        return True
    if len(numbers) >= _SMALLEST_COUNT and _counts_up(numbers):
        return True
    second = rows[1] if len(rows) > 1 else first
    texts = [at for at, cell in enumerate(first) if not is_number(cell) and not is_missing(cell)]
    return any(at < len(second) and is_number(second[at]) for at in texts)


def _counts_up(numbers: Sequence[str]) -> bool:
    """Whether they read 0, 1, 2 and so on: how data frames name columns that have no names."""
    whole = all(cell.isascii() and cell.isdigit() and len(cell) < 9 for cell in numbers)
    return whole and numbers[0] == "0" and all(int(b) == int(a) + 1 for a, b in pairwise(numbers))


def _text(line: bytes) -> str:
    # A mark at the very beginning was skipped by the survey.
    return line.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


def _cells(text: str, delimiter: str) -> list[str]:
    """Cells of one line.

    Raises:
        ValueError: Quotes are broken, or a line break stands inside them.
    """
    try:
        (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"broken quotes, or a line break in a cell: {error}") from error
    return cells
