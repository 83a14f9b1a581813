"""Risks by asset class and by system, techniques by tactic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seclab.coverage.evidence import worst_first
from seclab.coverage.records import (
    WORST_FIRST,
    GroupCoverage,
    Link,
    RiskCoverage,
    State,
    TechniqueCoverage,
    tally,
    worst,
)
from seclab.frameworks import Frameworks
from seclab.registers import ASSET_CLASSES
from seclab.threat_models.records import ThreatModel


def asset_classes(risks: Mapping[str, RiskCoverage]) -> dict[str, GroupCoverage]:
    """The risks to each class of assets, of classes that no risk is about too."""
    found = {}
    for name in ASSET_CLASSES:
        own = [risk for risk in risks.values() if risk.asset_class == name]
        found[name] = _group(
            name,
            name.replace("-", " "),
            {risk.id: risk.state for risk in own},
            links=[link for risk in own for link in risk.evidence],
            empty="none of these risks is about it",
        )
    return found


def tactics(
    techniques: Mapping[str, TechniqueCoverage], frameworks: Frameworks
) -> dict[str, GroupCoverage]:
    """The techniques of each tactic, in the order of the matrix."""
    found = {}
    for tactic in frameworks.tactics():
        own = [each for each in techniques.values() if tactic.id in each.tactics]
        found[tactic.id] = _group(
            tactic.id,
            tactic.name,
            {each.id: each.state for each in own},
            links=[link for each in own for link in each.evidence],
            empty="no technique belongs to it",
        )
    return found


def systems(
    risks: Mapping[str, RiskCoverage], threat_models: Mapping[str, ThreatModel]
) -> dict[str, GroupCoverage]:
    """The risks of each system, by the evidence about its own subjects alone."""
    return {id_: _system(risks, model) for id_, model in threat_models.items()}


def _system(risks: Mapping[str, RiskCoverage], model: ThreatModel) -> GroupCoverage:
    carried = set(model.risks)
    named = carried | {each.subject for each in model.out_of_scope}
    asked = {*model.subjects, f"system {model.id}"}
    members: dict[str, State] = {}
    links: list[Link] = []
    for risk in risks.values():
        if risk.id not in named:
            continue
        own = [link for link in risk.evidence if link.subject in model.subjects]
        lacking = asked & set(risk.missing)
        members[risk.id] = worst((link.state for link in own), missing=bool(lacking))
        if not own and risk.id not in carried:
            members[risk.id] = "out-of-scope"
        links += own
    found = _group(
        model.id, model.name, members, links=links, empty="it carries no risk of the register"
    )
    if not model.subjects:
        return replace(found, reason=f"it has no subject that is evaluated; {found.reason}")
    return replace(found, subjects=model.subjects)


def _group(
    id_: str, name: str, members: Mapping[str, State], *, links: Sequence[Link], empty: str
) -> GroupCoverage:
    state = worst(members.values())
    counted = tally(members.values())
    words = [f"{counted.counts[each]} {each}" for each in WORST_FIRST if counted.counts[each]]
    return GroupCoverage(
        id=id_,
        name=name,
        state=state,
        reason=", ".join(words) or empty,
        tally=counted,
        members=members,
        evidence=worst_first([link for link in links if link.state == state]),
    )
