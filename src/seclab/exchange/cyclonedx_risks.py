"""Risks as vulnerabilities of CycloneDX: severity from the score, state from the evidence.

CycloneDX has no state for a risk that is borne, and none for one that was never looked at:

- ``exploitable``: a criterion of the risk blocks. A waiver changes nothing about that; it stands
  in the properties, with its last day.
- ``resolved``: every criterion of the risk passes, everything was measured that the register
  names as its evidence and that is about models, and the register calls it mitigated. It is
  resolved as far as these criteria go, which the detail names.
- ``in_triage``: anything else. It was not evaluated, was measured without a criterion, was never
  tested or not by all of its evidence, or passes while its owner calls it open or accepted.

``not_affected`` and ``false_positive`` are never written: no evidence of this package shows that.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from seclab.evidence import Bundle, decision_of, outcomes_of, reports_of
from seclab.exchange.values import JsonObject, properties, text
from seclab.gate import CriterionResult
from seclab.outcome import Evaluated
from seclab.registers import DATA_CHECKS, Registers, Risk
from seclab.reports.frameworks import ids_of
from seclab.scoring import Band, Scoring
from seclab.shelf.records import RISK_TAG
from seclab.shelf.verdicts import risk_tags

State: TypeAlias = Literal["exploitable", "resolved", "in_triage"]

MODEL_REF = "model"
NEVER_TESTED = "never-tested"

_SOURCE = {"name": "risk register of ai-security-lab"}
_METHOD = "likelihood x impact before controls, 1 to 25, of the risk register"
# The bands of scoring.yaml in the words of CycloneDX.
SEVERITIES: Mapping[Band, str] = {
    "low": "low",
    "moderate": "medium",
    "high": "high",
    "critical": "critical",
}


@dataclass(frozen=True, slots=True)
class RiskCase:
    """A risk and what one bundle says about it.

    Attributes:
        id: Its id.
        risk: Its row in the register; ``None`` where the register has none any more.
        evidence: ``block``, ``not-evaluated``, ``measured`` (no criterion judges it), ``pass``,
            or ``never-tested``.
        criteria: The criteria that guard against it, decided.
        waivers: The waivers behind them, as they were sealed.
        missing: What the register names as evidence for it, and the bundle does not hold.
    """

    id: str
    risk: Risk | None
    evidence: str
    criteria: tuple[CriterionResult, ...] = ()
    waivers: tuple[dict[str, Any], ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The state of the analysis; see the head of this module."""
        if self.evidence == "block":
            return "exploitable"
        mitigated = self.risk is not None and self.risk.status == "mitigated"
        whole = self.evidence == "pass" and not self.missing
        return "resolved" if whole and mitigated else "in_triage"

    @property
    def detail(self) -> str:
        """What the state follows from, and what is left of the risk."""
        said = [f"Evidence: {self.evidence}."]
        said += [
            f"{each.criterion} {each.verdict}: {each.reason.rstrip('.')}." for each in self.criteria
        ]
        said += [
            f"Waived by {each['id']} until {each['until']}: {each['reason']}"
            for each in self.waivers
        ]
        if self.risk is None:
            said.append("The register has no such risk any more.")
        else:
            said.append(f"The register calls it {self.risk.status}.")
            said.append(f"What is left when the control works: {self.risk.residual_risk}")
        return " ".join(said)


def risk_cases(
    bundle: Bundle, registers: Registers, carried: Collection[str]
) -> tuple[RiskCase, ...]:
    """Every risk that a bundle says something about or that its subject is known to carry.

    Args:
        bundle: The evidence.
        registers: The risks.
        carried: Ids of the risks that the subject carries, tested or not.

    Returns:
        Those of the register in its order, then the others.
    """
    decision = decision_of(bundle)
    tags = risk_tags(decision, outcomes_of(bundle), reports_of(bundle))
    words = {tag.removeprefix(RISK_TAG.format("")): word for tag, word in tags.items()}
    named = {*words, *carried}
    waivers = {each["id"]: each for each in bundle.predicate.get("waivers", ())}
    found = []
    for name in (*filter(named.__contains__, registers.risks), *sorted(named - {*registers.risks})):
        criteria = tuple(each for each in decision.criteria if name in each.risks)
        used = dict.fromkeys(each.waiver for each in criteria if each.waiver in waivers)
        found.append(
            RiskCase(
                id=name,
                risk=registers.risks.get(name),
                evidence=words.get(name, NEVER_TESTED),
                criteria=criteria,
                waivers=tuple(waivers[waiver] for waiver in used),
                missing=_missing(registers.risks.get(name), bundle, registers),
            )
        )
    return tuple(found)


def _missing(risk: Risk | None, bundle: Bundle, registers: Registers) -> tuple[str, ...]:
    """The sources of a risk that are about subjects of this kind, and of which there is nothing."""
    held = {each.evaluation for each in outcomes_of(bundle) if isinstance(each, Evaluated)}
    if bundle.predicate["checks"]:
        held.add(DATA_CHECKS)
    kinds: dict[str, set[str]] = {}
    for threshold in registers.thresholds:
        kinds.setdefault(threshold.evaluation, set()).add(threshold.subject)
    kind = bundle.predicate["subject"]["kind"]
    return tuple(
        source
        for source in (risk.sources if risk else ())
        if source not in held and kind in kinds.get(source, {kind})
    )


def vulnerabilities(cases: Collection[RiskCase], scoring: Scoring) -> list[JsonObject]:
    """The ``vulnerabilities`` of a document, each of the model."""
    return [_vulnerability(case, scoring) for case in cases]


def _vulnerability(case: RiskCase, scoring: Scoring) -> JsonObject:
    return {
        "bom-ref": f"risk-{text(case.id)}",
        "id": text(case.id),
        "source": _SOURCE,
        **(_of_register(case.risk, scoring) if case.risk else {}),
        "affects": [{"ref": MODEL_REF}],
        "analysis": {"state": case.state, "detail": text(case.detail)},
        "properties": properties(
            {"evidence": case.evidence, "not-measured": " ".join(case.missing)}
            | _ownership(case)
            | _waived(case)
        ),
    }


def _of_register(risk: Risk, scoring: Scoring) -> JsonObject:
    score = risk.likelihood * risk.impact
    references = [
        {
            "id": text(entry),
            "source": {
                "name": text(f"{framework.name} {framework.edition}".strip()),
                "url": framework.address,
            },
        }
        for framework, entry in ids_of(risk)
    ]
    return {
        "description": text(risk.title),
        "detail": text(f"{risk.actor}: {risk.attacker_goal}. {risk.attack_pattern}"),
        "recommendation": text(risk.control),
        "ratings": [
            {
                "score": score,
                "severity": SEVERITIES[scoring.band_of(score)],
                "method": "other",
                "justification": _METHOD,
            }
        ],
        **({"references": references} if references else {}),
    }


def _ownership(case: RiskCase) -> dict[str, object]:
    risk = case.risk
    if risk is None:
        return {}
    return {
        "status": risk.status,
        "owner": risk.owner,
        "review-date": risk.review_date,
        "accepted-until": risk.review_date if risk.status == "accepted" else None,
        "asset-class": risk.asset_class,
        "stride": " ".join(risk.stride),
    }


def _waived(case: RiskCase) -> dict[str, object]:
    """The waivers, one after another: what blocks stays exploitable until it is mended."""
    return {
        f"waiver:{each['id']}": (
            f"{each['criterion']} until {each['until']}, owner {each['owner']}, approved by "
            f"{each['approver']}: {each['reason']}"
        )
        for each in case.waivers
    }
