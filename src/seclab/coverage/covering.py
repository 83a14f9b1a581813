"""Coverage of the register, of ATLAS and of the systems, from the newest evidence."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from seclab.coverage.asked import Asked, asked
from seclab.coverage.evidence import Evidence, gather
from seclab.coverage.gaps import gaps
from seclab.coverage.groups import asset_classes, systems, tactics
from seclab.coverage.records import Coverage, Link, RiskCoverage, State, worst
from seclab.coverage.techniques import techniques
from seclab.coverage.trend import Past, past
from seclab.frameworks import Frameworks
from seclab.registers import NEVER_TESTED, Registers, Risk
from seclab.scoring import Scoring, Strength, score, strictest
from seclab.shelf import Shelf
from seclab.threat_models.records import ThreatModel


def cover(
    registers: Registers,
    frameworks: Frameworks,
    threat_models: Mapping[str, ThreatModel],
    shelf: Shelf,
    *,
    scoring: Scoring,
    at: datetime,
) -> Coverage:
    """What was measured, and what came of it.

    The state of a risk is the worst of the newest evidence of its subjects. It has passed only
    where each of them passes freshly, and each system that carries it has evidence of its own. A
    technique has the state of the rows of the matrix that name it, and of nothing else.

    Args:
        registers: Risks, matrix, thresholds and tiers.
        frameworks: The techniques and tactics of ATLAS.
        threat_models: The systems, by id; which risks they carry, and what they leave out.
        shelf: The evidence.
        scoring: What evidence does to a score.
        at: Now, with time zone.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    evidence = gather(registers, shelf, at=at)
    whom = asked(registers, threat_models, evidence.kinds)
    history = past(registers, shelf, evidence, whom, scoring=scoring)
    risks = {
        risk.id: _risk(risk, evidence, whom, history=history, scoring=scoring)
        for risk in registers.risks.values()
    }
    found = techniques(registers, frameworks, evidence, whom)
    of_systems = systems(risks, threat_models)
    return Coverage(
        at=at,
        risks=risks,
        techniques=found,
        asset_classes=asset_classes(risks),
        systems=of_systems,
        tactics=tactics(found, frameworks),
        gaps=gaps(risks, found, of_systems),
    )


def _risk(
    risk: Risk, evidence: Evidence, whom: Asked, *, history: Past, scoring: Scoring
) -> RiskCoverage:
    links = evidence.links(risk.id)
    missing = whom.missing(risk.id, risk.sources, evidence=[link.subject for link in links])
    state, reason = _stands(risk, links, missing)
    carriers = whom.carriers.get(risk.id, ())
    if not links and not carriers and (excluded := whom.excluded(risk.id)):
        state, reason = "out-of-scope", excluded
    tier = strictest(whom.tiers(risk.id, evidence.registers))
    return RiskCoverage(
        id=risk.id,
        title=risk.title,
        asset_class=risk.asset_class,
        state=state,
        reason=reason,
        evidence=links,
        missing=missing,
        score=score(risk, _strength(risk, state, evidence, history), scoring, tier=tier),
        trend=history.trend(risk),
        systems=tuple(model.id for model in carriers),
    )


def _strength(risk: Risk, state: State, evidence: Evidence, history: Past) -> Strength:
    """What the evidence rests on: criteria that are in force, and that judged every run."""
    if state != "passed":
        return "none"
    kinds = {each.run.kind for each in evidence.standings[risk.id]}
    return history.strength(risk.id, kinds) if evidence.judged(risk.id) else "checks"


def _stands(risk: Risk, links: tuple[Link, ...], missing: tuple[str, ...]) -> tuple[State, str]:
    if not links:
        nothing = risk.evidence == NEVER_TESTED
        would = risk.evidence.replace(";", " or ")
        return "never-tested", (
            "nothing measures it" if nothing else f"no run measured it; {would} would"
        )
    state = worst((link.state for link in links), missing=bool(missing))
    return state, "; ".join(_words(state, links, missing))


def _words(state: State, links: tuple[Link, ...], missing: tuple[str, ...]) -> Iterator[str]:
    own = [link for link in links if link.state == state]
    if own:
        subjects = ", ".join(link.subject for link in own)
        yield f"{state} on {subjects}"
        yield from dict.fromkeys(link.reason for link in own if state not in {"passed", "failed"})
    if missing:
        yield f"no evidence about {', '.join(missing)}"
