"""All findings of all registers at once."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from operator import attrgetter
from pathlib import Path

from seclab.findings import Finding
from seclab.frameworks import Frameworks
from seclab.register_checks import across
from seclab.register_checks.context import Compass, Context, stems
from seclab.register_checks.fitting import Names, control_support, technique_fit
from seclab.register_checks.id_cells import IdCell, read_cells
from seclab.register_checks.ids import COLUMNS, Reader
from seclab.register_checks.risk_rows import evidence, identity, owner_and_review
from seclab.register_checks.writing import Writer
from seclab.registers import DATA_CHECKS, Measures, ReadRegisters, cross_check, read_registers
from seclab.registers.loading import MATRIX, MODELS, RISKS, THRESHOLDS
from seclab.registers.tables import Row
from seclab.threat_models import FOLDER, Lines, ThreatModel, check_threat_models, load_lines

_PLACE = re.compile(
    r"(?P<file>threat_models/.+?\.yaml|[^ ,:]+)(?: line (?P<line>[0-9]+))?"
    r"(?:, (?P<entry>(?!column )[^,:]+))?(?:, column (?P<column>[^:]+))?: (?P<text>.*)",
    re.DOTALL,
)
_RULES = {"evaluation": "unknown-evaluation", "metric": "unknown-metric"}


def check_registers(
    folder: Path,
    *,
    frameworks: Frameworks,
    evaluations: Mapping[str, Measures],
    suites: Mapping[str, Collection[str]],
    threat_models: Mapping[str, ThreatModel],
    at: date,
    whole: bool = True,
) -> list[Finding]:
    """Check every register of a folder.

    What :func:`seclab.registers.load_registers` refuses is found here as well, and what stands
    beside a mistake is still looked at. A second check after :func:`apply_fixes` finds exactly
    what the first one found and could not mend.

    Args:
        folder: Where the registers stand.
        frameworks: Which ids there are.
        evaluations: Every evaluation by name.
        suites: Every check suite by name, with the risks that it is evidence for.
        threat_models: Every threat model by the name of its file.
        at: The day on which review dates are judged.
        whole: Whether these are all threat models that there are; some may not be readable.

    Returns:
        The findings, by file, line and column.
    """
    read = read_registers(folder)
    check = _Check(read, frameworks)
    found = [
        *check.risks(evaluations=evaluations, suites=suites, at=at),
        *check.matrix(),
        *across.duplicates(read.risks.rows, Writer(RISKS)),
        *across.orphans(read.risks, read.matrix),
        *across.matrix_evidence(read.matrix.rows, evaluations, risks=read.registers.risks),
        *across.disagreements(read.risks, read.matrix, evaluations=evaluations),
    ]
    places = {(each.file, each.line, each.column) for each in found} | check.read_cells
    found += [
        each
        for each in as_findings(read.problems)
        if (each.file, each.line, each.column) not in places
    ]
    found += _agreement(read, evaluations)
    if threat_models:
        of_models = check_threat_models(
            threat_models,
            read.registers,
            frameworks,
            sources=_sources(evaluations, suites),
            lines=_lines(folder, read),
            at=at,
            whole=whole,
        )
        unknowable = _unknowable(read)
        found += [each for each in of_models if each.rule not in unknowable]
    return sorted(found, key=attrgetter("order"))


class _Check:
    """The rows of register and matrix, with their ids read.

    Args:
        read: The registers.
        frameworks: Which ids there are.
    """

    def __init__(self, read: ReadRegisters, frameworks: Frameworks) -> None:
        self._read = read
        self._frameworks = frameworks
        self._compass = Compass(frameworks)
        self._reader = Reader(frameworks, self._compass)
        self._names = Names(frameworks, self._reader)
        self._by_risk: dict[str, tuple[Mapping[str, IdCell], Context]] = {}
        self.read_cells: set[tuple[str, int, str]] = set()

    def risks(
        self, *, evaluations: Collection[str], suites: Collection[str], at: date
    ) -> Iterator[Finding]:
        """What is wrong in single rows of the risk register."""
        write = Writer(RISKS)
        for row in self._read.risks.rows:
            words = (
                row.cells.get(each, "") for each in ("title", "attacker_goal", "attack_pattern")
            )
            base = Context(words=stems(" ".join(words)))
            cells, context = read_cells(row, tuple(COLUMNS), reader=self._reader, base=base)
            self._by_risk.setdefault(row.cells.get("id", ""), (cells, context))
            yield from self._ids(row, cells, write)
            yield from technique_fit(row, cells, write, compass=self._compass)
            yield from self._names.findings(row, cells.get("owasp_ids"), context, write=write)
            if "atlas_ids" in cells and not cells["atlas_ids"].doubtful:
                techniques = cells["atlas_ids"].ids
                yield from control_support(row, techniques, write, frameworks=self._frameworks)
            yield from identity(row, write)
            yield from owner_and_review(row, write, at=at)
            yield from evidence(row, write, evaluations=evaluations, suites=suites)

    def matrix(self) -> Iterator[Finding]:
        """What is wrong with the techniques of the matrix; the risks come first."""
        write = Writer(MATRIX)
        for row in self._read.matrix.rows:
            of_risk, context = self._by_risk.get(row.cells.get("risk_id", ""), ({}, Context()))
            cells, _ = read_cells(row, ("atlas_ids",), reader=self._reader, base=context)
            yield from self._ids(row, cells, write)
            named = of_risk.get("atlas_ids")
            if named and named.said and not named.doubtful and "atlas_ids" in cells:
                yield from _foreign(row, cells["atlas_ids"], named, write=write)

    def _ids(self, row: Row, cells: Mapping[str, IdCell], write: Writer) -> Iterator[Finding]:
        for column, cell in cells.items():
            if cell.tokens:
                self.read_cells.add((write.file, row.line, column))
            yield from cell.findings(row, write)


def _foreign(row: Row, cell: IdCell, of_risk: IdCell, *, write: Writer) -> Iterator[Finding]:
    for id_ in cell.ids:
        if id_ not in of_risk.ids:
            risk = row.cells["risk_id"]
            yield write.about(
                row,
                "technique-not-of-risk",
                cell.column,
                message=f"{id_} is not among the atlas_ids of {risk} in {RISKS}",
                suggestion=f"{risk} names {', '.join(of_risk.ids) or 'none'}: add it there, "
                "or drop it here",
            )


def _sources(
    evaluations: Mapping[str, Measures], suites: Mapping[str, Collection[str]]
) -> Mapping[str, frozenset[str]]:
    """Everything that measures, with the risks that it is evidence for."""
    measuring = {name: frozenset(entry.risks) for name, entry in evaluations.items()}
    checking = {f"{DATA_CHECKS}:{name}": frozenset(risks) for name, risks in suites.items()}
    return measuring | checking


def _lines(folder: Path, read: ReadRegisters) -> Mapping[str, Lines]:
    rows = {row.cells.get("id", ""): row.line for row in read.risks.rows}
    return {**load_lines(folder / FOLDER), RISKS: Lines(RISKS, rows)}


def as_findings(problems: Sequence[str]) -> list[Finding]:
    """What a loader refuses, as findings; what has no place is about line 1 of its file."""
    return [_finding(problem, "malformed", {}) for problem in problems]


def _unknowable(read: ReadRegisters) -> frozenset[str]:
    """Rules of the threat models that ask for what could not be read."""
    unread: set[str] = set()
    if read.risks.column("id") is None or read.risks.stray:
        unread |= {"unknown-risk", "unknown-exclusion"}
    if read.notes[MODELS].found:
        unread |= {"unknown-subject", "understated"}
    return frozenset(unread)


def _agreement(read: ReadRegisters, evaluations: Mapping[str, Measures]) -> list[Finding]:
    """Whether the other registers and the evaluations speak of the same things."""
    others = cross_check(replace(read.registers, matrix=()), evaluations)
    found = [_finding(problem, "evidence-mismatch", read.lines) for problem in others]
    # Where a row could not be read, its risk may be there.
    whole = read.risks.column("id") is not None and not read.risks.stray
    return [each for each in found if whole or each.file != RISKS]


def _finding(problem: str, rule: str, lines: Mapping[str, int]) -> Finding:
    match = _PLACE.fullmatch(problem)
    file, line, entry, column, text = match.groups() if match else ("", None, None, None, problem)
    text, _, advice = text.partition("; ")
    if rule == "evidence-mismatch":
        known = "unknown evaluation" in text or "there is no evaluation" in text
        rule = "unknown-evaluation" if known else _RULES.get(column or "", rule)
    elif (file, column) == (THRESHOLDS, "risk"):
        rule = "orphan-row"
    place = int(line or lines.get(entry or "", 1))
    told = f"{entry}: {text}" if entry else text
    return Writer(file).about(
        place, rule, column or "", message=told, suggestion=advice or "see registers/README.md"
    )
