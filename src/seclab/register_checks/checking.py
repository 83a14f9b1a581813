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
from seclab.register_checks.forms import forms
from seclab.register_checks.id_cells import IdCell, read_cells
from seclab.register_checks.id_columns import COLUMNS
from seclab.register_checks.ids import Reader
from seclab.register_checks.risk_rows import evidence, identity, owner_and_review
from seclab.register_checks.writing import Writer, nearest
from seclab.registers import (
    DATA_CHECKS,
    Measures,
    ReadRegisters,
    Risk,
    cross_check,
    read_registers,
)
from seclab.registers.loading import MATRIX, MODELS, PROFILES, RISKS, THRESHOLDS
from seclab.registers.risks import RISK_ID, meant_id
from seclab.registers.tables import Row
from seclab.threat_models import FOLDER, Lines, ThreatModel, check_threat_models, load_lines
from seclab.yaml_files import YamlMapping, parse

_PLACE = re.compile(
    r"(?P<file>threat_models/.+?\.yaml|[^ ,:]+)(?: line (?P<line>[0-9]+))?"
    r"(?:, (?P<entry>(?!column )[^,:]+))?(?:, column (?P<column>[^:]+))?: (?P<text>.*)",
    re.DOTALL,
)
_MISSING = re.compile(rf"\b({RISK_ID}) is not in {re.escape(RISKS)}|names the risk ({RISK_ID})")
_QUOTED = re.compile("'([^']*)'")
_CHOICES = re.compile("(?:is not one of|known:|it measures:) (.+)")
_EVALUATIONS = "evaluations"
_LESS = " asks less than "
_TELLING = ("unknown-evaluation", "unknown-metric", "orphan-row", "malformed")
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
    own = [_finding(each, "malformed", {}, read.registers.risks) for each in read.problems]
    others = [*own, *_agreement(folder, read, evaluations)]
    found += [
        each for each in _most_telling(others) if (each.file, each.line, each.column) not in places
    ]
    if threat_models:
        of_models = check_threat_models(
            threat_models,
            replace(read.registers, risks=check.mended),
            frameworks,
            sources=_sources(evaluations, suites),
            lines=_lines(folder, read),
            at=at,
            whole=whole,
        )
        unknowable = _unknowable(read)
        found += [each for each in of_models if each.rule not in unknowable]
    lost = _lost(read, evaluations, threat_models)
    missing = ((_MISSING.search(each.message), each) for each in found)
    kept = [each for match, each in missing if not (match and (match[1] or match[2]) in lost)]
    return sorted(kept, key=attrgetter("order"))


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
            yield from forms(row, write)
            yield from owner_and_review(row, write, at=at)
            yield from evidence(row, write, evaluations=evaluations, suites=suites)

    @property
    def mended(self) -> Mapping[str, Risk]:
        """The risks, with their techniques as they are once the safe edits are made."""
        found = dict(self._read.registers.risks)
        for id_, (cells, _) in self._by_risk.items():
            techniques, risk = cells.get("atlas_ids"), found.get(meant_id(id_))
            if risk and techniques and not techniques.doubtful:
                found[risk.id] = replace(risk, atlas_ids=techniques.ids)
        return found

    def matrix(self) -> Iterator[Finding]:
        """What is wrong with the techniques of the matrix; the risks come first."""
        write = Writer(MATRIX)
        for row in self._read.matrix.rows:
            of_risk, context = self._by_risk.get(row.cells.get("risk_id", ""), ({}, Context()))
            cells, _ = read_cells(row, ("atlas_ids",), reader=self._reader, base=context)
            yield from self._ids(row, cells, write)
            yield from self._names.findings(row, None, context, write=write)
            yield from forms(row, write)
            named = of_risk.get("atlas_ids")
            if not named or not named.said or named.doubtful:
                continue
            if "atlas_ids" in cells:
                yield from _foreign(row, cells["atlas_ids"], named, write=write)
            yield from control_support(
                row,
                named.ids,
                write,
                frameworks=self._frameworks,
                column="defensive_control",
            )

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
    rows = {meant_id(row.cells.get("id", "")): row.line for row in read.risks.rows}
    return {**load_lines(folder / FOLDER), RISKS: Lines(RISKS, rows)}


def as_findings(problems: Sequence[str]) -> list[Finding]:
    """What a loader refuses, as findings; what has no place is about line 1 of its file."""
    return [_finding(problem, "malformed", {}) for problem in problems]


def _unknowable(read: ReadRegisters) -> frozenset[str]:
    """Rules of the threat models that ask for what could not be read."""
    unread: set[str] = set()
    if read.risks.column("id") is None or read.risks.stray:
        unread |= {"unknown-risk", "unknown-exclusion"}
    if read.risks.column("atlas_ids") is None:
        unread.add("unsupported-control")
    if read.notes[MODELS].found:
        unread |= {"unknown-subject", "understated"}
    return frozenset(unread)


def _agreement(
    folder: Path, read: ReadRegisters, evaluations: Mapping[str, Measures]
) -> list[Finding]:
    """Whether the other registers and the evaluations speak of the same things."""
    others = cross_check(replace(read.registers, matrix=()), evaluations)
    lines = {**read.lines, **_lines_of(folder, problems=others)}
    found = [_finding(problem, "evidence-mismatch", lines) for problem in others]
    # Where a row could not be read, its risk may be there.
    whole = read.risks.column("id") is not None and not read.risks.stray
    return [each for each in found if whole or each.file != RISKS]


def _lost(
    read: ReadRegisters,
    evaluations: Mapping[str, Measures],
    threat_models: Mapping[str, ThreatModel],
) -> frozenset[str]:
    """Risks that are named all over, and may be those of the rows whose id cannot be read."""
    ids = [meant_id(row.cells.get("id", "")) for row in read.risks.rows]
    nameless = sum(not re.fullmatch(RISK_ID, each) for each in ids)
    named = {risk for entry in evaluations.values() for risk in entry.risks}
    named.update(risk for model in threat_models.values() for risk in model.risks)
    lost = named & {row.cells.get("risk_id", "") for row in read.matrix.rows} - {*ids}
    return frozenset(lost) if len(lost) <= nameless else frozenset()


def _lines_of(folder: Path, *, problems: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """Line of each evaluation that a profile names, and of those that a tier asks for."""
    found: dict[tuple[str, str], int] = {}
    for file, levels in ((PROFILES, ()), (MODELS, ("tiers",))):
        if not any(each.startswith(file) for each in problems):
            continue
        document = parse((folder / file).read_bytes(), file=file)
        for level in levels:
            document = document[level]
        for name, entry in document.items():
            found[name, _EVALUATIONS] = entry.line_of(_EVALUATIONS)
            named = entry[_EVALUATIONS]
            if isinstance(named, YamlMapping):
                found |= {(name, each): named.line_of(each) for each in named}
    return found


def _finding(
    problem: str,
    rule: str,
    lines: Mapping[tuple[str, str], int],
    risks: Collection[str] = (),
) -> Finding:
    match = _PLACE.fullmatch(problem)
    file, line, entry, column, text = match.groups() if match else ("", None, None, None, problem)
    text, _, advice = text.partition("; ")
    name = _QUOTED.search(text)
    unknown = "unknown evaluation" in text
    if unknown:
        column = _EVALUATIONS
    if rule == "evidence-mismatch":
        known = unknown or "there is no evaluation" in text
        rule = "unknown-evaluation" if known else _RULES.get(column or "", rule)
    elif (file, column) == (THRESHOLDS, "risk") and f"not in {RISKS}" in text:
        rule = "orphan-row"
    keys = [name[1]] if name and unknown else []
    at = (lines.get((entry or "", key)) for key in (*keys, column or "", ""))
    place = int(line or next(filter(None, at), 1))
    told = f"{entry}: {text}" if entry else text
    if rule == "orphan-row":
        near = nearest(text.partition(" is ")[0].split()[-1], risks)
        advice = f"perhaps {near} was meant" if near else ""
    elif name:
        choices = _CHOICES.search(f"{text}; {advice}")
        near = nearest(name[1], choices[1].split(", ") if choices else ())
        advice = "; ".join(filter(None, (f"perhaps {near} was meant" if near else "", advice)))
    return Writer(file).about(
        place, rule, column or "", message=told, suggestion=advice or "see registers/README.md"
    )


def _most_telling(found: Sequence[Finding]) -> list[Finding]:
    """Of several findings about one value those that say most: what is unknown, then the form."""
    if any((each.rule, each.file) == ("unknown-evaluation", MODELS) for each in found):
        # A tier that asks for a misspelt one does not ask for less.
        found = [each for each in found if _LESS not in each.message]
    best: dict[tuple[str, int, str], int] = {}
    for each in found:
        place = (each.file, each.line, each.column)
        best[place] = min(best.get(place, len(_TELLING)), _rank(each))
    return [
        each
        for each in found
        if not each.column or _rank(each) == best[each.file, each.line, each.column]
    ]


def _rank(finding: Finding) -> int:
    known = finding.rule in _TELLING
    return _TELLING.index(finding.rule) if known else len(_TELLING)
