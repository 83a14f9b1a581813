"""Cells of a CSV file by their place, to change them and nothing else in it."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seclab.errors import Misconfigured
from seclab.yaml_files import decode

_FIELD = re.compile(r'("(?:[^"]|"")*"|[^,\r\n"][^,\r\n]*|)(,|\r\n|\n|\r|\Z)')
_LINE_END = re.compile(r"\r\n|\n|\r")
_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s$')
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Region:
    """Where a cell stands, its quotes included.

    Attributes:
        line: Line of its first character, from 1.
        column: Of its first character, from 1.
        end_line: Line of its end.
        end_column: One after its last character.
        text: What the cell holds.
        quoted: Whether it stands in quotes.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    quoted: bool


def regions(data: bytes) -> Mapping[tuple[int, str], Region]:
    """Where every cell of a file stands, by the line its row begins in and by column.

    Empty where the file is not UTF-8; up to the first row that is no CSV.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return {}
    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    found = {}
    for (line, column), (start, end) in _cells(text):
        first, last = bisect_right(starts, start), bisect_right(starts, end)
        cell = text[start:end]
        found[line, column] = Region(
            line=first,
            column=start - starts[first - 1] + 1,
            end_line=last,
            end_column=end - starts[last - 1] + 1,
            text=_plain(cell),
            quoted=cell.startswith('"'),
        )
    return found


def replace_cells(data: bytes, cells: Mapping[tuple[int, str], str], *, file: str) -> bytes:
    """Put other texts into cells of a CSV file; every other byte stays as it is.

    Args:
        data: The bytes of the file, UTF-8.
        cells: The new texts by line that the row begins in, from 1, and column.
        file: Its name, for messages.

    Raises:
        Misconfigured: There is no such row or column.

    References:
        RFC 4180, Common format and MIME type for comma-separated values.
    """
    text = data.decode("utf-8")
    parts: list[str] = []
    done = 0
    left = set(cells)
    for place, (start, end) in _cells(text):
        if place in left:
            left.discard(place)
            quoted = text.startswith('"', start)
            parts += [text[done:start], cell_text(cells[place], quoted=quoted)]
            done = end
    if left:
        places = ", ".join(f"line {line} column {column}" for line, column in sorted(left))
        raise Misconfigured(f"{file}: there is no {places}; nothing was changed")
    return "".join([*parts, text[done:]]).encode()


def append_row(data: bytes, cells: Mapping[str, str], *, file: str) -> bytes:
    """Add a row below the last one, with the line ends that the file has.

    Args:
        data: The bytes of the file, with a header.
        cells: The texts by column; a column of the file that is missing here stays empty.
        file: Its name, for messages.

    Raises:
        Misconfigured: It is not UTF-8 or has no header, or a text cannot be written as UTF-8.
    """
    text = decode(data, file=file)
    match = _LINE_END.search(text)
    end = match[0] if match else "\n"
    _, spans = next(_records(text), (1, []))
    if not spans:
        raise Misconfigured(f"{file}: there is no header, so that no row can be added")
    row = ",".join(cell_text(cells.get(_plain(text[a:b]), "")) for a, b in spans)
    before = "" if text.endswith(("\n", "\r")) else end
    try:
        return data + f"{before}{row}{end}".encode()
    except UnicodeEncodeError as error:
        raise Misconfigured(f"{file}: a cell holds half a character, which no file can") from error


def cell_text(text: str, *, quoted: bool = False) -> str:
    """A text as a cell, in quotes where it needs them or is to have them."""
    if not quoted and not _NEEDS_QUOTES.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _cells(text: str) -> Iterator[tuple[tuple[int, str], tuple[int, int]]]:
    """Place and span of every cell below the header."""
    records = _records(text)
    _, header = next(records, (1, []))
    columns = [_plain(text[start:end]) for start, end in header]
    for line, spans in records:
        for column, span in zip(columns, spans, strict=False):
            yield (line, column), span


def _records(text: str) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Line and spans of the cells of every row that is not blank, as :mod:`csv` counts them."""
    at = len(_MARK) if text.startswith(_MARK) else 0
    line, first = 1, 1
    spans: list[tuple[int, int]] = []
    while at < len(text) or spans:
        match = _FIELD.match(text, at)
        if not match:
            return
        spans.append(match.span(1))
        line += len(_LINE_END.findall(match[1]))
        at = match.end()
        if match[2] == ",":
            continue
        if len(spans) > 1 or match[1]:
            yield first, spans
        line += 1
        first, spans = line, []


def _plain(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
