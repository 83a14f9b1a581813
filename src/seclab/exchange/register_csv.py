"""The risk register and the matrix as one table for spreadsheets, and back."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from seclab.errors import Misconfigured
from seclab.exchange.headings import find_heading
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

# What parts cells where a spreadsheet is set up for another country, or ends them. Commas are no
# danger: whatever holds one is quoted.
_PARTING = ";\t\r\n"
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # of full width too
# Where a spreadsheet would find a formula. The apostrophe is counted in, so that one more can be
# told from those that were there; quotes fall off when a spreadsheet parts a cell before them.
_OPEN, _GUARDED = (
    re.compile(f"\\A{guard}(?=['\"]*[{_SIGNS}\t\r\n])|(?<=[{_PARTING}]){guard}(?=['\"]*[{_SIGNS}])")
    for guard in ("", "'")
)
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
    cells that it has no use for are empty. What a spreadsheet would take for a formula, at the
    beginning of a cell or where other settings would part it in two, begins with an apostrophe
    more, which :func:`from_register_csv` takes off.

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
        return (_BYTE_ORDER_MARK + csv_text(lines, quoted=_PARTING)).encode()
    except UnicodeEncodeError as error:
        raise Misconfigured("a cell holds a lone surrogate, which UTF-8 cannot write") from error


def csv_text(lines: Sequence[Sequence[str]], *, quoted: str = "\r\n") -> str:
    """Cells as CSV, a line feed after every line.

    Args:
        lines: The cells of each line.
        quoted: Characters whose cells are quoted, besides commas and quotes.
    """
    return "".join(f"{_line(cells, quoted)}\n" for cells in lines)


def _line(cells: Sequence[str], quoted: str) -> str:
    out = io.StringIO()
    # What ends a line is quoted: the writer has no other way of being told.
    csv.writer(out, lineterminator=quoted).writerow(cells)
    return out.getvalue().removesuffix(quoted)


def from_register_csv(data: bytes, *, file: str) -> RegisterRows:
    """The rows of such a table, or of any with some of its columns.

    Headings may be written with blanks or underscores, in any case and order, and the cells
    parted by commas, semicolons or tabs: spreadsheets do all three. Without the column ``record``
    every line is a risk. Lines of empty cells are passed over.

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
    heading, delimiter = find_heading(decode(data, file=file), lambda head: _name(head) in COLUMNS)
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


def _name(heading: str) -> str:
    return "_".join(re.split(r"[\s_]+", heading.strip())).casefold()


def _check_names(heading: Sequence[str], problems: Problems) -> None:
    written: dict[str, list[str]] = {}
    for head in dict.fromkeys(heading):  # read_table names what is written twice
        if head.strip():  # read_table speaks of those without a name, too
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
    return _OPEN.sub("'", cell)


def _restored(cell: str) -> str:
    """The opposite: one apostrophe off wherever :func:`_harmless` put one."""
    return _GUARDED.sub("", cell)
