"""The threat list of the Microsoft Threat Modeling Tool, as its export to CSV writes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from seclab.errors import Misconfigured
from seclab.exchange.headings import find_heading
from seclab.exchange.placeholders import (
    NEW_RISK,
    NOT_DESCRIBED,
    empty_model,
    in_form,
    one_line,
    prose,
)
from seclab.registers.tables import Problems, Row, read_table
from seclab.threat_models.records import (
    STRIDE_LETTERS,
    Dismissal,
    Element,
    Flow,
    Severity,
    Threat,
    ThreatModel,
    ThreatStatus,
)
from seclab.yaml_files import decode

REQUIRED = (
    "Id",
    "Diagram",
    "Changed By",
    "Last Modified",
    "State",
    "Title",
    "Category",
    "Description",
    "Justification",
    "Interaction",
    "Priority",
)
OPTIONAL = ("Short Description", "Possible Mitigation(s)", "SDL Phase")
"""Columns that Microsoft's own templates add. What is in them is not taken over."""

_LETTERS: Mapping[str, str] = {**STRIDE_LETTERS, "elevation of privileges": "E"}
_NOT_APPLICABLE = "not applicable"
_STATES: Mapping[str, ThreatStatus] = {
    "not started": "open",
    "needs investigation": "open",
    "mitigation implemented": "mitigated",
    "mitigated": "mitigated",
}
_SEVERITIES: Mapping[str, Severity] = {"low": "low", "medium": "medium", "high": "high"}
_ENDS = re.compile(r"(?P<source>.+?)\s+(?:to|->|→)\s+(?P<target>.+)", re.IGNORECASE)


def from_tmt_csv(data: bytes, *, file: str) -> ThreatModel:
    """A threat model made of a threat list.

    Each interaction is a flow, each threat one to that flow; a threat that does not apply is a
    letter dismissed for the reason in its justification. The list tells nothing of elements but
    what the name of an interaction says, "browser to web server". All else is a placeholder, which
    the check of the model reports.

    The cells may be parted by commas, as the tool does, by semicolons or by tabs, as spreadsheets
    do afterwards. Lines of empty cells are passed over.

    Args:
        data: The bytes of the file, with or without a byte-order mark.
        file: Its name, for messages and the name of the model.

    Raises:
        Misconfigured: It is no such list, with all mistakes, their lines and columns.
    """
    problems = Problems(file)
    heading, delimiter = find_heading(
        decode(data, file=file), lambda head: head in (*REQUIRED, *OPTIONAL)
    )
    table = read_table(data, _columns(heading), problems, delimiter=delimiter)
    filled = [row for row in table.rows if any(cell.strip() for cell in row.cells.values())]
    rows = [row for row in filled if _check(row, problems)]
    if problems.found:
        raise Misconfigured(problems.found)
    drawing = _Drawing()
    targets = [drawing.flow(row) for row in rows]
    threats = _threats(rows, targets)
    model = replace(
        empty_model(PurePath(file).stem, ""),
        elements=tuple(drawing.elements.values()),
        flows=tuple(drawing.flows.values()),
        threats=threats,
        dismissed=_dismissed(rows, targets, threats),
        risks=(NEW_RISK,) if threats else (),
    )
    return in_form(model, file=file)


def _columns(heading: Sequence[str]) -> tuple[str, ...]:
    """The columns the file may have, in the order in which it has them."""
    known = [name for name in dict.fromkeys(heading) if name in (*REQUIRED, *OPTIONAL)]
    return (*known, *(name for name in REQUIRED if name not in known))


def _check(row: Row, problems: Problems) -> bool:
    """Whether the row has all that is needed, in words that are known.

    Columns that the header lacks were told of already.
    """
    before = len(problems.found)
    for column, known in (
        ("State", [*_STATES, _NOT_APPLICABLE]),
        ("Category", list(_LETTERS)),
        ("Priority", list(_SEVERITIES)),
    ):
        if column in row.cells and _word(row, column) not in known:
            problems.add(
                f"{row.cells[column]!r} is not one of {', '.join(known)}",
                line=row.line,
                column=column,
            )
    for column in ("Title", "Interaction"):
        if column in row.cells and not row.cells[column].strip():
            problems.add("the cell is empty", line=row.line, column=column)
    return len(problems.found) == before


def _word(row: Row, column: str) -> str:
    return " ".join(row.cells[column].casefold().split())


class _Drawing:
    """The flows and elements that the interactions name, each once."""

    def __init__(self) -> None:
        self.flows: dict[tuple[str, str], Flow] = {}
        self.elements: dict[str, Element] = {}

    def flow(self, row: Row) -> str:
        """Id of the flow that a threat is one to; two diagrams may have one of the same name."""
        diagram, name = row.cells["Diagram"].strip(), one_line(row.cells["Interaction"])
        if (diagram, name) not in self.flows:
            ends = _ENDS.fullmatch(name)
            self.flows[diagram, name] = Flow(
                id=f"F{len(self.flows) + 1}",
                name=name,
                source=self._element(ends["source"] if ends else f"Source of {name}"),
                target=self._element(ends["target"] if ends else f"Target of {name}"),
                description=f"imported from the diagram {one_line(diagram)}; not described",
                protocol=NOT_DESCRIBED,
                encrypted=False,
                authenticated=False,
            )
        return self.flows[diagram, name].id

    def _element(self, name: str) -> str:
        if name not in self.elements:
            id_ = f"E{len(self.elements) + 1}"
            self.elements[name] = Element(id_, name.strip(), "process", NOT_DESCRIBED, ())
        return self.elements[name].id


def _threats(rows: Sequence[Row], targets: Sequence[str]) -> tuple[Threat, ...]:
    found: list[Threat] = []
    for row, target in zip(rows, targets, strict=True):
        if _word(row, "State") == _NOT_APPLICABLE:
            continue
        found.append(
            Threat(
                id=f"T{len(found) + 1}",
                title=one_line(row.cells["Title"]),
                description=prose(row.cells["Description"]),
                target=target,
                stride=_LETTERS[_word(row, "Category")],
                actors=(),
                risk=NEW_RISK,
                severity=_SEVERITIES[_word(row, "Priority")],
                status=_STATES[_word(row, "State")],
                mitigation=prose(row.cells["Justification"]),
            )
        )
    return tuple(found)


def _dismissed(
    rows: Sequence[Row], targets: Sequence[str], threats: Sequence[Threat]
) -> tuple[Dismissal, ...]:
    """What does not apply, unless another threat of the same kind to the same flow does."""
    answered = {(threat.target, threat.stride) for threat in threats}
    reasons: dict[tuple[str, str], list[str]] = {}
    for row, target in zip(rows, targets, strict=True):
        cell = target, _LETTERS[_word(row, "Category")]
        if _word(row, "State") == _NOT_APPLICABLE and cell not in answered:
            told = f"{row.cells['Title'].strip()}: {prose(row.cells['Justification'])}"
            reasons.setdefault(cell, []).append(prose(told))
    return tuple(
        Dismissal(target, (letter,), "\n".join(told)) for (target, letter), told in reasons.items()
    )
