"""Mistakes that people make in registers, each with the findings it has to give."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

RISKS, MATRIX = "risks.csv", "attack_defense_matrix.csv"


@dataclass
class Tables:
    """Register and matrix of a folder, to be spoilt."""

    folder: Path
    rows: dict[str, list[list[str]]] = field(default_factory=dict)
    added: dict[str, list[list[str]]] = field(default_factory=dict)

    def __post_init__(self):
        for name in (RISKS, MATRIX):
            text = (self.folder / name).read_text(encoding="utf-8")
            self.rows[name] = list(csv.reader(io.StringIO(text, newline="")))
            self.added[name] = []

    def cell(self, risk, column):
        """The row of a risk and the place of a column in it."""
        return self._row(risk), self.rows[RISKS][0].index(column)

    def _row(self, risk):
        return next(row for row in self.rows[RISKS] if row[0] == risk)

    def line(self, file, row):
        """The line that a row will stand in."""
        rows = [*self.rows[file], *self.added[file]]
        before = rows[: next(at for at, each in enumerate(rows) if each is row)]
        return 1 + sum(1 + sum(cell.count("\n") for cell in each) for each in before)

    def matrix_row(self, risk, words):
        """The first row of the matrix about a risk that has these words in a cell."""
        return next(
            row for row in self.rows[MATRIX] if row[-1] == risk and any(words in c for c in row)
        )

    def write(self):
        for name, rows in self.rows.items():
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows([*rows, *self.added[name]])
            (self.folder / name).write_bytes(text.getvalue().encode())


@dataclass(frozen=True)
class Expected:
    """A finding as far as it is foretold; the line is known once all rows are there."""

    rule: str
    file: str
    row: list[str]
    column: str
    safe: bool | None


@dataclass(frozen=True)
class Mistake:
    """Something to do wrong. ``make`` spoils the tables and foretells the findings."""

    name: str
    make: Callable[[Tables], list[Expected]]


def _cell(risk, column, change, rule, safe):
    """A cell of a risk, changed by text or function."""

    def make(tables):
        row, at = tables.cell(risk, column)
        row[at] = change(row[at]) if callable(change) else change
        return [Expected(rule, RISKS, row, column, safe)]

    return make


def _entry(risk, words, column, change, rule, safe):  # noqa: PLR0917 - one line a mistake
    """A cell of the matrix."""

    def make(tables):
        row = tables.matrix_row(risk, words)
        at = tables.rows[MATRIX][0].index(column)
        row[at] = change(row[at]) if callable(change) else change
        return [Expected(rule, MATRIX, row, column, safe)]

    return make


def _swap(old, new):
    return lambda cell: cell.replace(old, new)


def _plus(text):
    return lambda cell: cell + text


def _same_id(tables):
    row = list(_pristine("R-ART-02"))
    tables.added[RISKS].append(row)
    return [Expected("duplicate-risk", RISKS, row, "id", None)]


def _same_content(tables):
    row = list(_pristine("R-API-01"))
    row[0] = "R-API-09"
    row[1] = f"The {row[1].lower()}"
    tables.added[RISKS].append(row)
    tables.added[MATRIX].append([*tables.matrix_row("R-API-01", "Floods")[:-1], "R-API-09"])
    return [Expected("duplicate-risk", RISKS, row, "title", None)]


def _pristine(risk):
    text = PRISTINE.read_text(encoding="utf-8")
    return next(row for row in csv.reader(io.StringIO(text, newline="")) if row[0] == risk)


PRISTINE = Path(__file__).parents[1] / "registers" / RISKS


def _without_risk(tables):
    row = ["training-data", "Something else", "none", "", "", "None measured", "R-EVA-99"]
    tables.added[MATRIX].append(row)
    return [Expected("orphan-row", MATRIX, row, "risk_id", False)]


def _without_row(tables):
    row = list(_pristine("R-PRV-02"))
    row[:3] = ["R-PRV-08", "Property inference", "What all training images have in common"]
    row[tables.rows[RISKS][0].index("attacker_goal")] = "Learn the share of one writer's digits"
    tables.added[RISKS].append(row)
    return [Expected("orphan-row", RISKS, row, "id", None)]


def _titled(tables):
    row, at = tables.cell("R-RAG-02", "title")
    row[at] = "Sensitive information disclosure by tools"
    return [Expected(NAME, RISKS, row, "owasp_ids", None)]


def _ragged(tables):
    row = ["one", "two"]
    tables.added[MATRIX].append(row)
    return [Expected("malformed", MATRIX, row, "", None)]


ATTACK, EDITION, NAME = (
    "attack-id-in-atlas-column",
    "missing-edition",
    "owasp-name-of-other-edition",
)
MISTAKES = tuple(
    Mistake(*each)
    for each in (
        ("T1595", _cell("R-POI-01", "atlas_ids", _swap("AML.T0020", "T1595"), ATTACK, True)),
        (
            "T1595 in the matrix",
            _entry(
                "R-POI-02", "row_recall", "atlas_ids", _swap("AML.T0020", "T1595"), ATTACK, True
            ),
        ),
        (
            "T1595 where it is no poisoning",
            _cell("R-EXT-01", "atlas_ids", _plus(";T1595"), ATTACK, False),
        ),
        ("TA0043", _cell("R-ART-01", "atlas_ids", _plus(";TA0043"), ATTACK, None)),
        ("bare LLM10", _cell("R-API-01", "owasp_ids", "LLM10", EDITION, False)),
        ("bare ML04", _cell("R-PRV-01", "owasp_ids", "ML04", EDITION, True)),
        ("bare LLM08", _cell("R-RAG-03", "owasp_ids", _swap("LLM08:2025", "LLM08"), EDITION, True)),
        ("retired", _cell("R-FBK-01", "atlas_ids", _plus(";AML.T0019"), "retired-id", True)),
        (
            "AML.T086",
            _cell("R-RAG-02", "atlas_ids", _swap("AML.T0086", "AML.T086"), "malformed", True),
        ),
        ("T0051", _cell("R-RAG-01", "atlas_ids", _plus(";T0051"), "malformed", True)),
        (
            "a blank",
            _cell(
                "R-EVA-01",
                "atlas_ids",
                _swap(";AML.T0043.000", "; AML.T0043.000"),
                "malformed",
                True,
            ),
        ),
        ("NISTAML.13", _cell("R-POI-02", "nist_id", "NISTAML.13", "malformed", True)),
        (
            "name of 2023 with its number",
            _cell(
                "R-RAG-04",
                "owasp_ids",
                _swap("LLM02:2025", "LLM06: Sensitive Information Disclosure"),
                NAME,
                True,
            ),
        ),
        (
            "name of 2023 in the title",
            _titled,
        ),
        (
            "name of 2023 in a sentence",
            _cell(
                "R-POI-03",
                "residual_risk",
                _plus(" As LLM03: Training Data Poisoning."),
                NAME,
                None,
            ),
        ),
        (
            "an id nobody knows",
            _cell("R-EVA-02", "atlas_ids", _plus(";AML.T0999"), "unknown-id", False),
        ),
        ("a former name", _cell("R-PRV-02", "atlas_ids", "Invert ML Model", "renamed", True)),
        (
            "a mitigation among techniques",
            _cell("R-ART-02", "atlas_ids", _plus(";AML.M0005"), "id-in-wrong-column", None),
        ),
        (
            "a foreign technique",
            _cell("R-RAG-03", "atlas_ids", _plus(";AML.T0015"), "technique-does-not-fit", None),
        ),
        (
            "a technique the risk does not name",
            _entry("R-FBK-02", "", "atlas_ids", _plus(";AML.T0015"), "technique-not-of-risk", None),
        ),
        (
            "a foreign mitigation",
            _cell("R-POI-02", "control", _plus(" As AML.M0020."), "unsupported-control", None),
        ),
        (
            "no such evaluation",
            _cell(
                "R-EVA-01",
                "evidence",
                _swap("evasion_l2", "evasion_l3"),
                "unknown-evaluation",
                False,
            ),
        ),
        (
            "no such evaluation in the matrix",
            _entry(
                "R-PRV-01",
                "confidence_gap",
                "evaluation",
                "membership_inferense",
                "unknown-evaluation",
                False,
            ),
        ),
        (
            "no such metric",
            _entry(
                "R-EXT-01",
                "surrogate_fidelity",
                "metric",
                "surrogate_fidelty",
                "unknown-metric",
                False,
            ),
        ),
        (
            "no such suite",
            _cell("R-POI-03", "evidence", "data_checks:split", "unknown-suite", False),
        ),
        (
            "evidence the matrix does not have",
            _cell("R-POI-04", "evidence", _plus(";random_noise"), "evidence-mismatch", None),
        ),
        ("no owner", _cell("R-POI-02", "owner", "", "owner-missing", None)),
        ("no review", _cell("R-PRV-02", "review_date", "", "review-missing", None)),
        ("past review", _cell("R-FBK-02", "review_date", "2026-01-31", "review-past", None)),
        ("no such likelihood", _cell("R-POI-04", "likelihood", "9", "malformed", None)),
        ("an id twice", _same_id),
        ("a risk twice", _same_content),
        ("a row without a risk", _without_risk),
        ("a risk without a row", _without_row),
        ("a torn row", _ragged),
    )
)


def spoil(folder, mistakes):
    """Make mistakes in the registers of a folder; give rule, file, line, column, safe of each."""
    tables = Tables(folder)
    expected = [each for mistake in mistakes for each in mistake.make(tables)]
    tables.write()
    return sorted(
        (each.file, tables.line(each.file, each.row), each.column, each.rule, each.safe)
        for each in expected
    )


def seen(findings):
    """Findings in the form of :func:`spoil`."""
    return sorted(
        (each.file, each.line, each.column, each.rule, each.edit.safe if each.edit else None)
        for each in findings
    )
