"""What becomes of the register's files when a table is read into them."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seclab.errors import Misconfigured
from seclab.exchange.register_csv import Cells, RegisterRows, csv_text
from seclab.registers.loading import MATRIX, RISKS
from seclab.registers.risks import MATRIX_COLUMNS, RISK_COLUMNS
from seclab.registers.tables import Problems, read_table
from seclab.yaml_files import decode


@dataclass(frozen=True, slots=True)
class Merged:
    """The files as they would be, and what is different.

    Attributes:
        risks: Content of ``risks.csv``.
        attacks: Content of ``attack_defense_matrix.csv``; ``None`` where it stays as it is.
        changed: Ids of the risks that have another cell.
        added: Risks that were not there.
        attacks_added: Rows of the matrix that were not there.
        attacks_removed: Rows of the matrix that are gone.
    """

    risks: bytes
    attacks: bytes | None
    changed: tuple[str, ...]
    added: int
    attacks_added: int
    attacks_removed: int


def register_rows(risks: bytes, attacks: bytes) -> RegisterRows:
    """The rows of the two files of a register, whatever their cells hold.

    Args:
        risks: The bytes of ``risks.csv``.
        attacks: The bytes of ``attack_defense_matrix.csv``.

    Raises:
        Misconfigured: Their rows cannot be told apart: malformed CSV, another header.
    """
    problems: list[str] = []
    found = (
        _rows(risks, RISK_COLUMNS, RISKS, problems),
        _rows(attacks, MATRIX_COLUMNS, MATRIX, problems),
    )
    if problems:
        raise Misconfigured(problems)
    first, second = (tuple(row.cells for row in rows) for rows in found)
    return RegisterRows(first, second)


def merge(risks: bytes | None, attacks: bytes | None, rows: RegisterRows) -> Merged:
    """Read rows into a register.

    A row with the id of a risk in the register changes the cells that it has; any other one is a
    new risk at the end, unless all it says stands in the register already. No risk is ever
    removed. Rows of the matrix have no ids: where there are any, they take the place of all.
    Lines of which nothing changes keep their bytes.

    Args:
        risks: The bytes of ``risks.csv``; ``None`` where there is none yet.
        attacks: The bytes of ``attack_defense_matrix.csv``; ``None`` as above.
        rows: The rows, those of one file with the same columns each.

    Raises:
        Misconfigured: As :func:`register_rows`.
    """
    problems: list[str] = []
    known_risks = _rows(risks, RISK_COLUMNS, RISKS, problems)
    known_attacks = _rows(attacks, MATRIX_COLUMNS, MATRIX, problems)
    if problems:
        raise Misconfigured(problems)
    before = [row.cells for row in known_risks]
    after = _merged_risks(before, rows.risks)
    changed = tuple(
        new["id"] for old, new in zip(before, after[: len(before)], strict=True) if old != new
    )
    new_attacks = [_whole(cells, MATRIX_COLUMNS) for cells in rows.attacks]
    counted = [
        Counter(map(_key, cells)) for cells in ([row.cells for row in known_attacks], new_attacks)
    ]
    return Merged(
        risks=_written(after, RISK_COLUMNS, known_risks),
        attacks=_written(new_attacks, MATRIX_COLUMNS, known_attacks) if new_attacks else None,
        changed=changed,
        added=len(after) - len(before),
        attacks_added=(counted[1] - counted[0]).total(),
        attacks_removed=(counted[0] - counted[1]).total() if new_attacks else 0,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    cells: Cells
    text: str


def _rows(
    data: bytes | None, columns: Sequence[str], file: str, found: list[str]
) -> tuple[_Row, ...]:
    """The rows of a file, each with the very text it was read from."""
    if data is None:
        return ()
    problems = Problems(file)
    table = read_table(data, columns, problems)
    if problems.found:
        found.extend(problems.found)
        return ()
    lines = list(io.StringIO(decode(data, file=file), newline=""))
    ends = [*(row.line - 1 for row in table.rows[1:]), len(lines)]
    return tuple(
        _Row(row.cells, "".join(lines[row.line - 1 : end]))
        for row, end in zip(table.rows, ends, strict=True)
    )


def _merged_risks(known: Sequence[Cells], given: Sequence[Cells]) -> list[Cells]:
    after = list(known)
    places: dict[str, list[int]] = {}
    for index, cells in enumerate(known):
        places.setdefault(cells["id"], []).append(index)
    columns = tuple(given[0]) if given else ()
    said = {tuple(cells[name] for name in columns) for cells in known}
    for cells in given:
        name = cells.get("id", "")
        if name and places.get(name):
            # An id that stands twice is a mistake; the rows are still told apart by their order.
            index = places[name].pop(0)
            after[index] = {**known[index], **cells}
        elif tuple(cells.values()) not in said:
            after.append(_whole(cells, RISK_COLUMNS))
    return after


def _whole(cells: Cells, columns: Sequence[str]) -> Cells:
    return {name: cells.get(name, "") for name in columns}


def _key(cells: Cells) -> tuple[str, ...]:
    return tuple(cells.values())


def _written(after: Iterable[Cells], columns: Sequence[str], known: Sequence[_Row]) -> bytes:
    texts = {_key(row.cells): row.text for row in known}
    lines = [csv_text([columns])]
    for cells in after:
        text = texts.get(_key(cells)) or csv_text([_key(cells)])
        lines.append(text if text.endswith(("\n", "\r")) else f"{text}\n")
    return "".join(lines).encode()
