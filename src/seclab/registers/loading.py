"""Reading a folder of registers: every file, every mistake, at once."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seclab.errors import Misconfigured
from seclab.fingerprint import of_bytes
from seclab.registers.criteria import profiles, thresholds
from seclab.registers.models import models
from seclab.registers.records import MatrixRow, Registers, Threshold, Waiver
from seclab.registers.risks import (
    MATRIX_COLUMNS,
    RISK_COLUMNS,
    RISK_ID,
    matrix,
    meant_id,
    risks,
)
from seclab.registers.tables import Problems, Table, read_table
from seclab.registers.tiers import Models
from seclab.registers.waivers import waivers
from seclab.yaml_files import YamlMapping

RISKS = "risks.csv"
MATRIX = "attack_defense_matrix.csv"
THRESHOLDS = "thresholds.yaml"
PROFILES = "profiles.yaml"
MODELS = "models.yaml"
WAIVERS = "waivers.yaml"
_FILES = (RISKS, MATRIX, THRESHOLDS, PROFILES, MODELS, WAIVERS)


def load_registers(folder: Path) -> Registers:
    """Read every register of a folder.

    Args:
        folder: Where ``risks.csv``, ``attack_defense_matrix.csv``, ``thresholds.yaml``,
            ``profiles.yaml``, ``models.yaml`` and ``waivers.yaml`` stand.

    Returns:
        The registers, each as its file says, and consistent with one another.

    Raises:
        Misconfigured: All mistakes of all files, each with file, line and column.
    """
    read = read_registers(folder)
    notes = read.notes
    if not notes[RISKS].found and not notes[MATRIX].found:
        _check_evidence(read.risks, read.registers, notes[RISKS])
        _check_techniques(read.registers, notes[MATRIX])
    if problems := read.problems:
        raise Misconfigured(problems)
    return read.registers


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """What a folder of registers holds, mistakes included.

    Attributes:
        registers: The values; where ``notes`` is not empty, some are not what the files say.
        risks: The rows of ``risks.csv`` as text.
        matrix: The rows of ``attack_defense_matrix.csv`` as text.
        lines: Line of each key of each criterion, by its id and the key.
        notes: The mistakes by file, each within its file or about what another has not.
    """

    registers: Registers
    risks: Table
    matrix: Table
    lines: Mapping[tuple[str, str], int]
    notes: Mapping[str, Problems]

    @property
    def problems(self) -> tuple[str, ...]:
        """All mistakes, each with file, line and column."""
        return tuple(problem for problems in self.notes.values() for problem in problems.found)


def read_registers(folder: Path) -> ReadRegisters:
    """Read every register of a folder as far as it can be read; whoever wants values loads it."""
    notes = {name: Problems(name) for name in _FILES}
    content = {name: _read(folder / name, problems) for name, problems in notes.items()}
    risk_table = _table(content[RISKS], RISK_COLUMNS, notes[RISKS])
    matrix_table = _table(content[MATRIX], MATRIX_COLUMNS, notes[MATRIX])
    found_risks = risks(risk_table, notes[RISKS])
    found_matrix = matrix(matrix_table, notes[MATRIX])
    found_thresholds = thresholds(content[THRESHOLDS], notes[THRESHOLDS])
    found_profiles = profiles(content[PROFILES], notes[PROFILES])
    found_models = models(content[MODELS], notes[MODELS])
    found_waivers = waivers(content[WAIVERS], notes[WAIVERS])
    _check_named(risk_table, found_matrix, found_thresholds, notes=notes)
    _check_covered(risk_table, matrix_table, notes[RISKS])
    if not notes[THRESHOLDS].found:
        _check_waived(found_waivers, found_thresholds, notes[WAIVERS])
    if not notes[MODELS].found:
        _check_listed(found_waivers, found_models, notes[WAIVERS])
    registers = Registers(
        risks={risk.id: risk for risk in found_risks},
        matrix=tuple(found_matrix),
        thresholds=tuple(threshold for _, threshold in found_thresholds),
        profiles=found_profiles,
        digests={name: of_bytes(data) for name, data in content.items() if data is not None},
        models=found_models,
        waivers=tuple(waiver for _, waiver in found_waivers),
    )
    lines = {
        (threshold.id, key): item.line_of(key)
        for item, threshold in found_thresholds
        for key in ("", *item)
    }
    return ReadRegisters(registers, risk_table, matrix_table, lines, notes)


def _table(data: bytes | None, columns: Sequence[str], problems: Problems) -> Table:
    """The rows of a table that hold anything; one that does not is one mistake, not many."""
    table = read_table(data, columns, problems)
    filled = []
    for row in table.rows:
        if any(cell.strip() for cell in row.cells.values()):
            filled.append(row)
        else:
            problems.add("every cell of the row is empty; remove the row", line=row.line)
    return replace(table, rows=tuple(filled))


def _read(path: Path, problems: Problems) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problems.add(f"the file is missing; it belongs into {path.parent}")
    except OSError as error:
        problems.add(f"the file cannot be read: {error.strerror}")
    return None


def _check_named(
    risk_table: Table,
    rows: Sequence[MatrixRow],
    criteria: Sequence[tuple[YamlMapping, Threshold]],
    *,
    notes: Mapping[str, Problems],
) -> None:
    """Whether the risks that the matrix and the thresholds name are in the register."""
    ids = risk_table.column("id")
    if ids is None:
        return
    # An id that is written wrong is a mistake of its own row, not of those that write it right.
    known = ids | {meant_id(each) for each in ids}
    for row in rows:
        if row.risk_id and row.risk_id not in known:
            problem = f"{row.risk_id} is not in {RISKS}"
            notes[MATRIX].add(problem, line=row.line, column="risk_id")
    for item, threshold in criteria:
        if threshold.risk and threshold.risk not in known:
            problem = f"{threshold.id}: {threshold.risk} is not in {RISKS}"
            notes[THRESHOLDS].add(problem, line=item.line_of("risk"), column="risk")


def _check_covered(risk_table: Table, matrix_table: Table, problems: Problems) -> None:
    """Whether every risk has a row in the matrix."""
    covered = matrix_table.column("risk_id")
    if covered is None:
        return
    for row in risk_table.rows:
        risk_id = row.cells.get("id")
        if risk_id not in covered and re.fullmatch(RISK_ID, risk_id or ""):
            problems.add(f"{risk_id} has no row in {MATRIX}", line=row.line, column="id")


def _check_evidence(risk_table: Table, registers: Registers, problems: Problems) -> None:
    """Whether register and matrix agree on what measures each risk."""
    measured: dict[str, set[str]] = defaultdict(set)
    for entry in registers.matrix:
        measured[entry.risk_id] |= {entry.evaluation} - {""}
    for row in risk_table.rows:
        risk = registers.risks[row.cells["id"]]
        says, matrix_says = set(risk.sources), measured[risk.id]
        if says != matrix_says:
            problems.add(
                f"{risk.id} rests on {_names(says)} here and on {_names(matrix_says)} in {MATRIX}",
                line=row.line,
                column="evidence",
            )


def _check_techniques(registers: Registers, problems: Problems) -> None:
    """Whether the techniques that an attack carries out are among those of its risk."""
    for row in registers.matrix:
        for technique in row.atlas_ids:
            if technique not in registers.risks[row.risk_id].atlas_ids:
                problem = f"{technique} is not among the atlas_ids of {row.risk_id} in {RISKS}"
                problems.add(problem, line=row.line, column="atlas_ids")


def _check_waived(
    found: Sequence[tuple[YamlMapping, Waiver]],
    criteria: Sequence[tuple[YamlMapping, Threshold]],
    problems: Problems,
) -> None:
    """Whether every waiver is about a criterion there is, and about its risk."""
    risks_of = {threshold.id: threshold.risk for _, threshold in criteria}
    for item, waiver in found:
        if waiver.criterion and waiver.criterion not in risks_of:
            problem = f"{waiver.id}: {waiver.criterion} is not in {THRESHOLDS}"
            problems.add(problem, line=item.line_of("criterion"), column="criterion")
        elif waiver.criterion and waiver.risk and waiver.risk != risks_of[waiver.criterion]:
            problem = (
                f"{waiver.id}: {waiver.criterion} is about {risks_of[waiver.criterion]}, "
                f"not about {waiver.risk}"
            )
            problems.add(problem, line=item.line_of("risk"), column="risk")


def _check_listed(
    found: Sequence[tuple[YamlMapping, Waiver]], listed: Models, problems: Problems
) -> None:
    """Whether every waiver is for somebody who is known."""
    for item, waiver in found:
        if waiver.model and waiver.model not in listed.models:
            problem = f"{waiver.id}: {waiver.model} is not in {MODELS}"
            problems.add(problem, line=item.line_of("model"), column="model")


def _names(sources: set[str]) -> str:
    return ", ".join(sorted(sources)) or "nothing"
