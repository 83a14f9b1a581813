"""The risk register and the attack-defense matrix, row by row."""

import re
from typing import cast

from seclab.registers.records import (
    ASSET_CLASSES,
    DATA_CHECKS,
    NEVER_TESTED,
    OWNERS,
    STATUSES,
    AssetClass,
    MatrixRow,
    Owner,
    Risk,
    Status,
)
from seclab.registers.tables import Cells, Problems, Row, Table

RISK_COLUMNS = (
    "id",
    "title",
    "asset",
    "asset_class",
    "actor",
    "attacker_goal",
    "attack_pattern",
    "trust_boundary",
    "nist_id",
    "atlas_ids",
    "owasp_ids",
    "stride",
    "likelihood",
    "impact",
    "control",
    "evidence",
    "residual_risk",
    "owner",
    "status",
    "review_date",
)
MATRIX_COLUMNS = (
    "attack_surface",
    "attack",
    "atlas_ids",
    "evaluation",
    "metric",
    "defensive_control",
    "risk_id",
)

RISK_ID = "R-[A-Z]{3}-[0-9]{2}"
_LOOSE_ID = re.compile("(?:R(?:ISK)?[-_ ]?)?([A-Z]{3})[-_ ]?0*([0-9]{1,2})")
SNAKE_CASE = "[a-z][a-z0-9]*(_[a-z0-9]+)*"
_NIST = r"NISTAML\.0[0-9]{1,2}"
_ATLAS = r"AML\.T[0-9]{4}(\.[0-9]{3})?"
_OWASP = "(LLM|ML|ASI)(0[1-9]|10):[0-9]{4}"
_SOURCE = f"{DATA_CHECKS}:[a-z][a-z0-9_-]*|(?!{DATA_CHECKS}$){SNAKE_CASE}"


def meant_id(cell: str) -> str:
    """The id of a risk, as it would be in capitals, with its hyphens and two digits."""
    text = cell.strip().upper()
    match = _LOOSE_ID.fullmatch(text)
    return f"R-{match[1]}-{int(match[2]):02d}" if match else text


def risks(table: Table, problems: Problems) -> list[Risk]:
    """The risks of a table; the mistakes in it are noted in ``problems``."""
    found = [_risk(row, problems) for row in table.rows]
    first: dict[str, int] = {}
    for row, risk in zip(table.rows, found, strict=True):
        line = first.setdefault(risk.id, row.line)
        if risk.id and line != row.line:
            problems.add(f"{risk.id} stands in line {line} already", line=row.line, column="id")
    return found


def _risk(row: Row, problems: Problems) -> Risk:
    cells = Cells(row, problems)
    nist = cells.ids("nist_id", _NIST, "NISTAML.022")
    if len(nist) > 1:
        cells.wrong("nist_id", "one id only, the one that fits best")
    return Risk(
        id=meant_id(cells.name("id", RISK_ID, "R-EVA-01")),
        title=cells.text("title"),
        asset=cells.text("asset"),
        asset_class=cast("AssetClass", cells.choice("asset_class", ASSET_CLASSES)),
        actor=cells.text("actor"),
        attacker_goal=cells.text("attacker_goal"),
        attack_pattern=cells.text("attack_pattern"),
        trust_boundary=cells.text("trust_boundary"),
        nist_id=nist[0] if nist else None,
        atlas_ids=_techniques(cells),
        owasp_ids=cells.ids("owasp_ids", _OWASP, "ML01:2023 (with the edition)"),
        stride=cells.letters("stride", "[STRIDE]", "a letter of STRIDE"),
        likelihood=cells.scale("likelihood"),
        impact=cells.scale("impact"),
        control=cells.text("control"),
        evidence=_evidence(cells),
        residual_risk=cells.text("residual_risk"),
        owner=cast("Owner", cells.choice("owner", OWNERS)),
        status=cast("Status", cells.choice("status", STATUSES)),
        review_date=cells.day("review_date"),
    )


def _techniques(cells: Cells) -> tuple[str, ...]:
    return cells.ids("atlas_ids", _ATLAS, "AML.T0043 or AML.T0043.001")


def _evidence(cells: Cells) -> str:
    cell = cells.text("evidence")
    if cell and cell != NEVER_TESTED:
        for item in cell.split(";"):
            if not re.fullmatch(_SOURCE, item):
                cells.wrong(
                    "evidence",
                    f"{item!r} is neither an evaluation nor {DATA_CHECKS}:<suite>; write "
                    f"{NEVER_TESTED!r} where there is no evidence",
                )
    return cell


def matrix(table: Table, problems: Problems) -> list[MatrixRow]:
    """The rows of the matrix; the mistakes in it are noted in ``problems``."""
    found = [_matrix_row(row, problems) for row in table.rows]
    first: dict[tuple[str, ...], int] = {}
    # Without one of the columns rows are alike that were not.
    whole = all(table.column(name) is not None for name in MATRIX_COLUMNS)
    for row in found if whole else ():
        content = (row.attack_surface, row.attack, row.evaluation, row.metric, row.risk_id)
        line = first.setdefault(content, row.line)
        if line != row.line:
            problems.add(f"the same attack, metric and risk as line {line}", line=row.line)
    return found


def _matrix_row(row: Row, problems: Problems) -> MatrixRow:
    cells = Cells(row, problems)
    evaluation = cells.optional("evaluation")
    metric = cells.optional("metric")
    for column, name in (("evaluation", evaluation), ("metric", metric)):
        if name.strip() and not re.fullmatch(SNAKE_CASE, name):
            cells.wrong(column, f"{name!r} has not the form of evasion_linf or robust_accuracy")
    counts = evaluation not in ("", DATA_CHECKS)
    if counts and not metric and "metric" in row.cells:
        cells.wrong("metric", f"the cell is empty; name the metric of {evaluation}")
    if metric and not counts and "evaluation" in row.cells:
        cells.wrong("metric", f"{metric!r} has no evaluation that would measure it")
    return MatrixRow(
        attack_surface=cast("AssetClass", cells.choice("attack_surface", ASSET_CLASSES)),
        attack=cells.text("attack"),
        atlas_ids=_techniques(cells),
        evaluation=evaluation,
        metric=metric,
        defensive_control=cells.text("defensive_control"),
        risk_id=cells.name("risk_id", RISK_ID, "R-EVA-01"),
        line=row.line,
    )
