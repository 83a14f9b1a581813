"""The risk register as Markdown for people: a table for each asset class, with its evidence."""

from collections.abc import Iterator

from seclab.coverage import Coverage, RiskCoverage
from seclab.coverage.words import share
from seclab.registers import ASSET_CLASSES, Registers, Risk
from seclab.reports.judged import clean
from seclab.reports.markdown import cell

_COLUMNS = (
    "risk",
    "evidence",
    "asset",
    "attacker goal",
    "attack pattern",
    "control",
    "residual risk",
    "score",
    "owner",
    "status",
)


def to_register_markdown(registers: Registers, coverage: Coverage) -> str:
    """Every risk of the register, by asset class, with what the newest evidence says.

    No text of the register can start markup in it or break a table.

    Args:
        registers: The risks, in the order of the file.
        coverage: What was measured of them; a risk that it does not know was never tested.
    """
    return "\n".join(_lines(registers, coverage)) + "\n"


def _lines(registers: Registers, coverage: Coverage) -> Iterator[str]:
    yield "# Risk register"
    yield ""
    yield (
        f"As of {coverage.at:%Y-%m-%d %H:%M} UTC; risks: {share(coverage.risk_tally)}. What was "
        "not measured counts as not passed. A score is likelihood x impact, 1 to 25, before "
        "controls and with what the evidence shows."
    )
    for asset_class in ASSET_CLASSES:
        risks = [risk for risk in registers.risks.values() if risk.asset_class == asset_class]
        if risks:
            yield ""
            yield f"## {asset_class}"
            yield ""
            yield f"| {' | '.join(_COLUMNS)} |"
            yield f"|{' --- |' * len(_COLUMNS)}"
            yield from (_row(risk, coverage.risks.get(risk.id)) for risk in risks)


def _row(risk: Risk, found: RiskCoverage | None) -> str:
    state = f"**{found.state}**: {_cell(found.reason)}" if found else "**never-tested**"
    score = str(risk.likelihood * risk.impact)
    if found:
        score += f", then {found.score.residual}"
    words = (risk.asset, risk.attacker_goal, risk.attack_pattern, risk.control, risk.residual_risk)
    status = f"{risk.status}, review by {risk.review_date.isoformat()}"
    cells = (
        f"{_cell(risk.id)} {_cell(risk.title)}",
        state,
        *map(_cell, words),
        score,
        _cell(risk.owner),
        status,
    )
    return f"| {' | '.join(cells)} |"


def _cell(words: str) -> str:
    return cell(clean(words))
