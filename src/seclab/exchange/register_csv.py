"""The risk register and the matrix as one table for spreadsheets, and back."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from seclab.errors import Misconfigured
from seclab.registers.risks import MATRIX_COLUMNS, RISK_COLUMNS
from seclab.registers.tables import Problems, read_table
from seclab.yaml_files import decode

Cells: TypeAlias = Mapping[str, str]

SEED_COLUMNS = (
    "asset",
    "attacker_goal",
    "attack_pattern",
    "control",
    "evidence",
    "residual_risk",
)
"""What a register has to say at the very least; a table of these alone can be read too."""

RECORD = "record"
RISK, ATTACK = "risk", "attack"
_COLUMNS_OF = {RISK: RISK_COLUMNS, ATTACK: MATRIX_COLUMNS}
COLUMNS = tuple(dict.fromkeys((*SEED_COLUMNS, RECORD, *RISK_COLUMNS, *MATRIX_COLUMNS)))
"""Every column of the table, in its order."""

# What makes a spreadsheet compute a cell, also where its signs are of full width.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class RegisterRows:
    """Rows as they stand in the files, right or wrong: text by column.

    Attributes:
        risks: Rows of ``risks.csv``.
        attacks: Rows of ``attack_defense_matrix.csv``.
    """

    risks: tuple[Cells, ...]
    attacks: tuple[Cells, ...]


def to_register_csv(rows: RegisterRows) -> bytes:
    """One table of all risks and attacks, to be opened in a spreadsheet.

    The columns of the seed format come first. The column ``record`` says what a line is; the
    cells that it has no use for are empty. A cell that a spreadsheet would take for a formula
    begins with an apostrophe more, which :func:`from_register_csv` takes off.

    Args:
        rows: The rows; a column that one of them lacks is empty.

    Returns:
        CSV in UTF-8 with a byte-order mark, without which spreadsheets guess the encoding.

    Raises:
        Misconfigured: A cell holds half a character, which no file can.

    References:
        OWASP, CSV Injection.
    """
    lines = [[name.replace("_", " ") for name in COLUMNS]]
    for record, found in ((RISK, rows.risks), (ATTACK, rows.attacks)):
        for cells in found:
            known = {**cells, RECORD: record}
            lines.append([_harmless(known.get(name, "")) for name in COLUMNS])
    try:
        return (_BYTE_ORDER_MARK + csv_text(lines)).encode()
    except UnicodeEncodeError as error:
        raise Misconfigured("a cell holds a lone surrogate, which UTF-8 cannot write") from error


def csv_text(lines: Sequence[Sequence[str]]) -> str:
    """Cells as CSV, a line feed after every line."""
    return "".join(f"{_line(cells)}\n" for cells in lines)


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    # What ends a line is quoted: of carriage returns the writer only knows that by this.
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def from_register_csv(data: bytes, *, file: str) -> RegisterRows:
    """The rows of such a table, or of any with some of its columns.

    Headings may be written with blanks or underscores, in any case and order, and the cells
    parted by commas or by semicolons: spreadsheets do both. Without the column ``record`` every
    line is a risk. Lines of empty cells are passed over.

    Args:
        data: The bytes of the file, UTF-8.
        file: Its name, for messages.

    Returns:
        The rows with the columns that the table has and no others.

    Raises:
        Misconfigured: Malformed CSV, an unknown or repeated heading, a record that is neither
            ``risk`` nor ``attack``, a cell that has no place in its record; all with their line.
    """
    problems = Problems(file)
    heading, delimiter = _heading(decode(data, file=file))
    _check_names(heading, problems)
    table = read_table(data, heading, problems, delimiter=delimiter)
    found: dict[str, list[Cells]] = {RISK: [], ATTACK: []}
    for row in table.rows:
        cells = {_name(head): _restored(cell) for head, cell in row.cells.items()}
        if any(cells.values()):
            record = cells.pop(RECORD, RISK)
            _check_cells(record, cells, problems, line=row.line)
            kept = _COLUMNS_OF.get(record, ())
            found.get(record, []).append({k: v for k, v in cells.items() if k in kept})
    if problems.found:
        raise Misconfigured(problems.found)
    return RegisterRows(tuple(found[RISK]), tuple(found[ATTACK]))


def _heading(text: str) -> tuple[list[str], str]:
    """The first line that is not blank, and the delimiter by which it has most known columns."""
    found = []
    for delimiter in (",", ";"):
        try:
            cells = next(filter(None, csv.reader(io.StringIO(text), delimiter=delimiter)), [])
        except csv.Error:  # read_table says where
            cells = []
        known = sum(_name(cell) in COLUMNS for cell in cells)
        found.append((known, cells, delimiter))
    _, heading, delimiter = max(found, key=lambda each: each[0])
    return heading, delimiter


def _name(heading: str) -> str:
    return "_".join(re.split(r"[\s_]+", heading.strip())).casefold()


def _check_names(heading: Sequence[str], problems: Problems) -> None:
    written: dict[str, list[str]] = {}
    for head in dict.fromkeys(heading):  # read_table names what is written twice
        written.setdefault(_name(head), []).append(head)
    for name, heads in written.items():
        if name not in COLUMNS:
            known = ", ".join(each.replace("_", " ") for each in COLUMNS)
            problems.add(f"no such column is known; these are: {known}", column=heads[0])
        elif len(heads) > 1:
            problems.add(f"{' and '.join(map(repr, heads))} are one column", column=name)


def _check_cells(record: str, cells: Cells, problems: Problems, *, line: int) -> None:
    """Whether everything that a line says belongs to what it is."""
    if record not in _COLUMNS_OF:
        wrong = f"{record!r} is neither {RISK} nor {ATTACK}"
        problems.add(wrong, line=line, column=RECORD)
        return
    for name, cell in cells.items():
        if cell and name in COLUMNS and name not in _COLUMNS_OF[record]:
            problems.add(
                f"a line of the kind {record} has no such cell; empty it", line=line, column=name
            )


def _harmless(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _restored(cell: str) -> str:
    """The opposite: one apostrophe off where :func:`_harmless` put one."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
