"""Cells that have one form, written in another: vocabulary, letters, numbers and days."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from difflib import get_close_matches
from functools import partial
from typing import TypeAlias

from seclab.findings import Edit, Finding
from seclab.register_checks.writing import Writer
from seclab.registers import ASSET_CLASSES, OWNERS, STATUSES
from seclab.registers.tables import Row
from seclab.threat_models.records import STRIDE_LETTERS

_Meant: TypeAlias = tuple[tuple[str, ...], bool]  # the likeliest first; whether it is safe
NOTHING = frozenset(("-", "--", "?", "n/a", "na", "none", "null", "tbd", "todo", "unknown"))
"""What people write for nothing, beside nothing at all."""

# These columns have checks of their own.
_ELSEWHERE = frozenset(
    ("id", "risk_id", "nist_id", "atlas_ids", "owasp_ids", "evidence", "evaluation", "metric")
)
_COMPACT = re.compile(r"\A(20[0-9]{2})([0-9]{2})([0-9]{2})\Z")
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,2})(?:[T ]00:00(?::00)?)?")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})")
_MONTH_IN_LETTERS = ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y")
_WHOLE = re.compile(r"([1-5])(?:[.,]0+)?")


def says_nothing(cell: str) -> bool:
    """Whether a cell is empty, or holds a word for nothing."""
    return not cell.strip() or cell.strip().casefold() in NOTHING


def days(cell: str) -> tuple[date, ...]:
    """The days that a cell can mean, in whatever order it names day, month and year."""
    text = _COMPACT.sub(r"\1-\2-\3", cell.strip())
    numbers: list[tuple[str, str, str]] = []
    if match := _YEAR_FIRST.fullmatch(text):
        numbers = [(match[1], match[2], match[3])]
    elif match := _YEAR_LAST.fullmatch(text):
        numbers = [(match[4], match[3], match[1])]
        if match[2] != ".":
            numbers.append((match[4], match[1], match[3]))
    found = []
    for year, month, day in numbers:
        with suppress(ValueError):
            found.append(date(int(year), int(month), int(day)))
    for form in _MONTH_IN_LETTERS:
        with suppress(ValueError):
            found.append(datetime.strptime(text, form).date())  # noqa: DTZ007 - a day has no zone
    return tuple(dict.fromkeys(found))


def forms(row: Row, write: Writer) -> Iterator[Finding]:
    """Cells of which one can tell what they mean, though it is not what stands there."""
    for column, cell in row.cells.items():
        if column in _ELSEWHERE:
            continue
        meant, safe = _READERS.get(column, _text)(cell)
        if meant and meant[0] != cell:
            named = " or ".join(meant)
            yield write.about(
                row,
                "malformed",
                column,
                message=f"{cell!r} has not the form that is needed",
                suggestion=f"write {named}" if safe else f"perhaps {named} was meant",
                edit=Edit(meant[0], safe),
            )


def _text(cell: str) -> _Meant:
    return ((cell.strip(),) if cell.strip() and cell.isprintable() else ()), True


def _choice(allowed: Sequence[str], cell: str) -> _Meant:
    """A word of a closed vocabulary; safe where only case, blanks or hyphens are wrong."""
    text = "-".join(re.findall(r"[^\W_]+", cell.casefold()))
    if says_nothing(cell):
        return (), True
    if text in allowed:
        return (text,), True
    return tuple(get_close_matches(text, allowed, n=1)), False


def _stride(cell: str) -> _Meant:
    """Letters of STRIDE; safe unless they stand together like a word."""
    items = [" ".join(each.split()).casefold() for each in re.split(r"[;,|/+&]", cell)]
    letters = [STRIDE_LETTERS.get(each, each.upper()) for each in items if each]
    safe = all(re.fullmatch("[STRIDE]", letter) for letter in letters)
    if not safe and len(letters) == 1 and re.fullmatch("[STRIDE ]+", letters[0]):
        letters = list(letters[0].replace(" ", ""))
    elif not safe:
        return (), False
    return ((";".join(dict.fromkeys(letters)),) if letters else ()), safe


def _scale(cell: str) -> _Meant:
    match = _WHOLE.fullmatch(cell.strip())
    return ((match[1],) if match else ()), True


def _day(cell: str) -> _Meant:
    found = tuple(each.isoformat() for each in days(cell))
    return found, len(found) == 1


_READERS: Mapping[str, Callable[[str], _Meant]] = {
    "asset_class": partial(_choice, ASSET_CLASSES),
    "attack_surface": partial(_choice, ASSET_CLASSES),
    "owner": partial(_choice, OWNERS),
    "status": partial(_choice, STATUSES),
    "stride": _stride,
    "likelihood": _scale,
    "impact": _scale,
    "review_date": _day,
}
