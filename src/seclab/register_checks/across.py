"""What is wrong between rows: risks that say the same, rows without a risk, evidence."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from seclab.findings import Finding
from seclab.register_checks.context import stems
from seclab.register_checks.risk_rows import evidence_items
from seclab.register_checks.writing import Writer
from seclab.registers import DATA_CHECKS, Measures
from seclab.registers.loading import MATRIX, RISKS
from seclab.registers.risks import RISK_ID, meant_id
from seclab.registers.tables import Row, Table

_SAME = (("asset", "title"), ("asset", "attacker_goal", "attack_pattern"))


def duplicates(rows: Sequence[Row], write: Writer) -> Iterator[Finding]:
    """Risks with the id of an earlier row, or with its content under another id."""
    first: dict[tuple[str, object], Row] = {}
    for row in rows:
        id_ = row.cells.get("id", "")
        earlier = first.setdefault(("id", id_), row)
        if id_ and earlier is not row:
            yield write.about(
                row,
                "duplicate-risk",
                "id",
                message=f"{id_} stands in line {earlier.line} already",
                suggestion="merge the rows, or give this risk the next free number",
            )
            continue
        for columns in _SAME:
            content = tuple(stems(row.cells.get(column, "")) for column in columns)
            earlier = first.setdefault((columns[-1], content), row) if all(content) else row
            if earlier is not row:
                yield write.about(
                    row,
                    "duplicate-risk",
                    columns[-1],
                    message=f"{id_} says the same as {earlier.cells.get('id', '')} in line "
                    f"{earlier.line}: {' and '.join(columns)}",
                    suggestion="merge the rows, or say what tells them apart",
                )
                break


def orphans(risks: Table, matrix: Table) -> Iterator[Finding]:
    """Rows of the matrix without a risk, and risks without a row."""
    known, covered = risks.column("id"), matrix.column("risk_id")
    meant = {meant_id(each) for each in known or ()}
    # Nearness among thousands of ids takes long, and one of another prefix is hardly meant.
    kin: dict[str, list[str]] = defaultdict(list)
    for each in sorted(known or ()):
        kin[_prefix(each)].append(each)
    for row in matrix.rows if known is not None else ():
        id_ = row.cells.get("risk_id", "")
        if id_ and known is not None and id_ not in known and id_ not in meant:
            yield Writer(MATRIX).unknown(
                row,
                "orphan-row",
                "risk_id",
                message=f"{id_} is not in {RISKS}",
                name=id_,
                known=kin.get(_prefix(id_)) or sorted(known)[:1],
            )
    for row in risks.rows if covered is not None else ():
        id_ = row.cells.get("id", "")
        if re.fullmatch(RISK_ID, id_) and covered is not None and id_ not in covered:
            yield Writer(RISKS).about(
                row,
                "orphan-row",
                "id",
                message=f"{id_} has no row in {MATRIX}",
                suggestion="add its attack there; leave evaluation and metric empty where nothing "
                "measures it",
            )


def matrix_evidence(
    rows: Sequence[Row], evaluations: Mapping[str, Measures], *, risks: Collection[str]
) -> Iterator[Finding]:
    """Whether the evaluations and metrics of the matrix exist, and are evidence for the risk."""
    write = Writer(MATRIX)
    for row in rows:
        name, metric = row.cells.get("evaluation", ""), row.cells.get("metric", "")
        if not name.strip() or name == DATA_CHECKS:
            continue
        if name not in evaluations:
            message = f"there is no evaluation {name!r}"
            yield write.unknown(
                row,
                "unknown-evaluation",
                "evaluation",
                message=message,
                name=name,
                known=evaluations.keys(),
            )
            continue
        entry = evaluations[name]
        if metric and metric not in entry.metrics:
            message = f"{name} does not measure {metric!r}"
            yield write.unknown(
                row,
                "unknown-metric",
                "metric",
                message=message,
                name=metric,
                known=entry.metrics.keys(),
            )
        risk = row.cells.get("risk_id", "")
        if risk in risks and risk not in entry.risks:
            yield write.about(
                row,
                "evidence-mismatch",
                "risk_id",
                message=f"{name} is no evidence for {risk}",
                suggestion=f"it is evidence for: {', '.join(entry.risks)}",
            )


def disagreements(
    risks: Table, matrix: Table, *, evaluations: Collection[str]
) -> Iterator[Finding]:
    """Risks whose evidence is not what the matrix says; what does not exist is no evidence."""
    known = {*evaluations, DATA_CHECKS}
    measured: dict[str, set[str]] = defaultdict(set)
    ids = {row.cells.get("id", "") for row in risks.rows}
    lost: set[str] = set(matrix.stray)
    doubtful: set[str] = set()
    for row in matrix.rows:
        name, risk = row.cells.get("evaluation", ""), row.cells.get("risk_id", "")
        measured[risk].add(name)
        if name and name not in known:
            doubtful.add(risk)
        if risk not in ids:
            lost.add(name)
    if "evaluation" not in (matrix.rows[0].cells if matrix.rows else ()):
        return
    for row in risks.rows:
        risk = row.cells.get("id", "")
        if not row.cells.get("evidence", "").strip():
            continue
        says = {item.partition(":")[0] for item in evidence_items(row)}
        if not says <= known or risk in doubtful or risk not in measured:
            continue
        missing, surplus = says - measured[risk] - lost, measured[risk] - {""} - says
        if missing or surplus:
            yield Writer(RISKS).about(
                row,
                "evidence-mismatch",
                "evidence",
                message=f"{risk} rests on {_names(says)} here and on "
                f"{_names(measured[risk] - {''})} in {MATRIX}",
                suggestion="name the same in both",
            )


def _prefix(id_: str) -> str:
    return meant_id(id_).rpartition("-")[0]


def _names(sources: set[str]) -> str:
    return ", ".join(sorted(sources)) or "nothing"
