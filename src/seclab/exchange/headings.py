"""The first line of a table that a spreadsheet wrote: its headings, and what parts its cells."""

import csv
import io
from collections.abc import Callable

_DELIMITERS = (",", ";", "\t")


def find_heading(text: str, is_known: Callable[[str], bool]) -> tuple[list[str], str]:
    """The first line that is not blank, and the delimiter by which it has most known columns.

    Args:
        text: The table. A line that cannot be read counts as empty: whoever reads the whole of it
            says where.
        is_known: Whether a heading is one of those that the table may have.

    Returns:
        The headings and a comma, a semicolon or a tab: spreadsheets write all three.
    """
    found = []
    for delimiter in _DELIMITERS:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            cells = next(filter(None, lines), [])
        except csv.Error:
            cells = []
        found.append((sum(map(is_known, cells)), cells, delimiter))
    _, heading, delimiter = max(found, key=lambda each: each[0])
    return heading, delimiter
