"""What is well-formed in the threat models and still wrong."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from operator import attrgetter

from seclab.findings import Finding
from seclab.frameworks import Frameworks
from seclab.registers.loading import MODELS, RISKS
from seclab.registers.records import Registers
from seclab.registers.risks import RISK_COLUMNS, RISK_ID
from seclab.registers.tables import Problems, read_table
from seclab.registers.tiers import CRITICALITIES, SENSITIVITIES, ModelEntry
from seclab.threat_models.answers import answer_findings
from seclab.threat_models.context import Context, Noted
from seclab.threat_models.drawing import drawing_findings
from seclab.threat_models.loading import FOLDER, Lines
from seclab.threat_models.records import ThreatModel
from seclab.threat_models.support import support_findings


def check_threat_models(
    models: Mapping[str, ThreatModel],
    registers: Registers,
    frameworks: Frameworks,
    *,
    sources: Mapping[str, frozenset[str]],
    lines: Mapping[str, Lines],
    at: date,
    whole: bool = True,
) -> list[Finding]:
    """Hold the threat models against the registers, the frameworks and one another.

    Args:
        models: By id.
        registers: Risks, and the models with their tiers.
        frameworks: Techniques and mitigations.
        sources: Everything that measures, ``evasion_linf`` and ``data_checks:digits``, with the
            risks that it is evidence for.
        lines: Where the entries of each model stand, by its id; and those of the risk register
            by ``risks.csv``. What is missing here is said to stand in line 1.
        at: The day that review dates are held against.
        whole: Whether these are all models that there are. Beside one that cannot be read nobody
            knows which risks have no system.

    Returns:
        All findings, by file, line and column; empty when nothing is wrong.
    """
    context = Context(registers, frameworks, sources)
    findings: list[Finding] = []
    for name, model in models.items():
        where = lines.get(name, Lines(f"{FOLDER}/{name}.yaml", {}))
        noted = [
            *_own_findings(model, registers, at),
            *drawing_findings(model),
            *answer_findings(model),
            *support_findings(model, context),
        ]
        findings += [each.finding(where) for each in noted]
    if whole:
        where = lines.get(RISKS, Lines(RISKS, {}))
        findings += [each.finding(where) for each in _homeless(models, registers)]
    return sorted(findings, key=attrgetter("order"))


def risk_lines(data: bytes) -> Lines:
    """Where the rows of a risk register stand, by the id of the risk."""
    table = read_table(data, RISK_COLUMNS, Problems(RISKS))
    return Lines(RISKS, {row.cells.get("id", ""): row.line for row in table.rows})


def _homeless(models: Mapping[str, ThreatModel], registers: Registers) -> Iterator[Noted]:
    """Risks of the register that no system has, of those with an id that one could name."""
    carried = {risk for model in models.values() for risk in model.risks}
    for risk in registers.risks:
        if re.fullmatch(RISK_ID, risk) and risk not in carried:
            yield Noted(
                "risk-without-system",
                where=risk,
                column="id",
                message=f"{risk} is in the risks of no threat model",
                suggestion=f"add it to the risks of a model in {FOLDER}, with the threats it is of",
            )


def _own_findings(model: ThreatModel, registers: Registers, at: date) -> Iterator[Noted]:
    """What is wrong with the model's own lines."""
    if model.review_date < at:
        days = (at - model.review_date).days
        yield Noted(
            "review-past",
            where="review_date",
            column="review_date",
            message=f"the review of {model.review_date} is {days} days overdue",
            suggestion="go through the model with its owner, then set the next date",
            level="warning",
        )
    if not model.risks:
        yield Noted(
            "system-without-risk",
            where="risks",
            column="risks",
            message=f"{model.id} has no risk",
            suggestion=f"name its risks; add rows to {RISKS} where it has none of its own yet",
        )
    for name in model.subjects:
        entry = registers.models.models.get(name)
        if entry is None:
            yield Noted(
                "unknown-subject",
                where="subjects",
                column="subjects",
                message=f"{name} is not in {MODELS}",
                suggestion=f"write a name of {MODELS}, or add it there with its sensitivity",
            )
        else:
            yield from _understated(model, entry)


def _understated(model: ThreatModel, entry: ModelEntry) -> Iterator[Noted]:
    """A system is at least worth what its parts are worth."""
    scales = (
        ("sensitivity", model.sensitivity, entry.sensitivity, SENSITIVITIES),
        ("criticality", model.criticality, entry.criticality, CRITICALITIES),
    )
    for key, own, of_part, scale in scales:
        # A word that there is not is a mistake of the register of models.
        if of_part in scale and scale.index(of_part) > scale.index(own):
            yield Noted(
                "understated",
                where=key,
                column=key,
                message=f"{own}, but its subject {entry.name} has {of_part} in {MODELS}",
                suggestion=f"write {of_part}, or correct {MODELS}",
            )
