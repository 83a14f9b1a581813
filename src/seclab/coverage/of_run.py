"""What one run has evidence about: risks, and the techniques that the matrix names for them."""

from collections.abc import Mapping, Sequence

from seclab.coverage.contents import Contents, Row
from seclab.coverage.techniques import rows_by_technique
from seclab.gate import Decision
from seclab.measurement import CheckReport
from seclab.outcome import Outcome
from seclab.registers import Registers
from seclab.reports.covered import CoveredRisk, RunCoverage
from seclab.shelf.records import RISK_TAG
from seclab.shelf.verdicts import risk_tags

_STATES = {"pass": "passed", "block": "failed", "measured": "skipped"}


def of_run(
    registers: Registers,
    *,
    decision: Decision,
    outcomes: Sequence[Outcome],
    reports: Sequence[CheckReport],
) -> RunCoverage:
    """What a run has evidence about.

    Args:
        registers: The risks, the matrix and the thresholds that the run was judged by.
        decision: Its verdict.
        outcomes: Its evaluations.
        reports: Its data checks.
    """
    said = risk_tags(decision, outcomes, reports)
    judged = {each.id: (each.evaluation, each.metric) for each in registers.thresholds}
    contents = Contents(tuple(outcomes), decision.criteria, judged)
    rows = rows_by_technique(registers)
    return RunCoverage(
        risks=tuple(
            CoveredRisk(
                id=risk.id,
                title=risk.title,
                asset_class=risk.asset_class.replace("-", " "),
                state=_STATES.get(word) or contents.why_not_evaluated(risk.id)[0],
                techniques=_techniques(contents, risk.id, rows),
            )
            for risk in registers.risks.values()
            if (word := said.get(RISK_TAG.format(risk.id)))
        ),
        registered=len(registers.risks),
    )


def _techniques(
    contents: Contents, risk: str, rows: Mapping[str, Mapping[str, set[Row]]]
) -> dict[str, str]:
    states = {id_: contents.state_of(risk, by[risk]) for id_, by in rows.items() if risk in by}
    return {id_: found[0] for id_, found in sorted(states.items()) if found}
