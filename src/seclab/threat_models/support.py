"""Whether risks, controls and exclusions of a threat model rest on what there is."""

from collections.abc import Collection, Iterator

from seclab.frameworks import Frameworks
from seclab.registers.loading import RISKS
from seclab.threat_models.context import Context, Noted
from seclab.threat_models.records import Control, ThreatModel


def support_findings(model: ThreatModel, context: Context) -> Iterator[Noted]:
    """Findings about risks, controls, what they rest on, and what is left out."""
    yield from _risks(model, context)
    yield from _uncontrolled(model)
    for control in model.controls:
        yield from _control(control, model, context)
    yield from _exclusions(model, context)


def _risks(model: ThreatModel, context: Context) -> Iterator[Noted]:
    known = context.registers.risks
    for threat in model.threats:
        if threat.risk not in known:
            yield _unknown_risk(threat.id, "risk", threat.risk)
        elif threat.risk not in model.risks:
            yield Noted(
                "unlisted-risk",
                where=threat.id,
                column="risk",
                message=f"{threat.risk} is not in the risks of this model",
                suggestion="add it to risks, or give the threat one of those",
            )
    used = {threat.risk for threat in model.threats}
    for risk in model.risks:
        if risk not in known:
            yield _unknown_risk("risks", "risks", risk)
        elif risk not in used:
            yield Noted(
                "risk-without-threat",
                where="risks",
                column="risks",
                message=f"no threat of this model belongs to {risk}",
                suggestion="say how it is done here, or take it off the list",
            )


def _unknown_risk(where: str, column: str, risk: str) -> Noted:
    return Noted(
        "unknown-risk",
        where=where,
        column=column,
        message=f"{risk} is not in {RISKS}",
        suggestion="write the id of a risk that is there, or add it with `seclab register new`",
    )


def _uncontrolled(model: ThreatModel) -> Iterator[Noted]:
    controlled = {threat for control in model.controls for threat in control.threats}
    for threat in model.threats:
        if threat.status == "mitigated" and threat.id not in controlled:
            yield Noted(
                "mitigated-without-control",
                where=threat.id,
                column="status",
                message=f"{threat.id} is mitigated, and no control stands against it",
                suggestion="name it in the threats of the control, or leave it open",
            )


def _control(control: Control, model: ThreatModel, context: Context) -> Iterator[Noted]:
    if not control.threats:
        yield Noted(
            "idle-control",
            where=control.id,
            column="threats",
            message=f"{control.id} ({control.name}) stands against no threat",
            suggestion="name the threats that it makes less likely or less bad, or leave it out",
        )
        return
    risks = {threat.risk for threat in model.threats if threat.id in control.threats}
    yield from _mitigations(control, risks, context)
    yield from _measured(control, risks, context)


def _mitigations(control: Control, risks: set[str], context: Context) -> Iterator[Noted]:
    known = context.registers.risks
    techniques = {each for risk in risks if risk in known for each in known[risk].atlas_ids}
    # What is wrong in the register is found there; nothing can be said on top of it.
    settled = risks <= known.keys() and all(map(context.frameworks.get, techniques))
    for name in control.mitigations:
        entry = context.frameworks.get(name)
        if entry is None or entry.kind != "mitigation":
            yield Noted(
                "unknown-mitigation",
                where=control.id,
                column="mitigations",
                message=f"there is no mitigation {name}",
                suggestion="look it up with `seclab frameworks`",
            )
        elif settled and not techniques & _linked(name, context.frameworks):
            yield Noted(
                "unsupported-control",
                where=control.id,
                column="mitigations",
                message=f"ATLAS names {name} ({entry.name}) against no technique of "
                f"{_names(risks)}: {_names(techniques)}",
                suggestion="leave it out, or name the mitigation that ATLAS gives for them",
                level="warning",
            )


def _linked(mitigation: str, frameworks: Frameworks) -> set[str]:
    """The techniques that any edition of ATLAS names a mitigation against."""
    return {
        technique.id
        for entry in frameworks.editions_of(mitigation)
        for technique in frameworks.techniques_of(mitigation, edition=entry.edition)
    }


def _measured(control: Control, risks: set[str], context: Context) -> Iterator[Noted]:
    for name in control.evaluations:
        measured = context.sources.get(name)
        if measured is None:
            yield Noted(
                "unknown-evaluation",
                where=control.id,
                column="evaluations",
                message=f"there is no evaluation or check suite {name}",
                suggestion=f"known are {_names(context.sources)}",
            )
        elif not risks & measured:
            yield Noted(
                "unfit-evaluation",
                where=control.id,
                column="evaluations",
                message=f"{name} is no evidence for {_names(risks)}, the risks of the threats here",
                suggestion=f"it is evidence for {_names(measured)}; leave it out, or name a threat "
                "of those",
            )


def _exclusions(model: ThreatModel, context: Context) -> Iterator[Noted]:
    known = context.registers.risks
    carried = set(model.risks)
    carried |= {each for risk in model.risks if risk in known for each in known[risk].atlas_ids}
    for index, each in enumerate(model.out_of_scope):
        entry = context.frameworks.get(each.subject)
        if each.subject not in known and (entry is None or entry.kind != "technique"):
            yield Noted(
                "unknown-exclusion",
                where=f"out_of_scope[{index}]",
                column="subject",
                message=f"{each.subject} is neither a risk of {RISKS} nor an ATLAS technique",
                suggestion="write the id of what is left out",
            )
        elif each.subject in carried:
            yield Noted(
                "contradictory-exclusion",
                where=f"out_of_scope[{index}]",
                column="subject",
                message=f"{each.subject} is left out here, and the risks of this model hold it",
                suggestion="decide which of the two holds",
            )


def _names(words: Collection[str]) -> str:
    return ", ".join(sorted(words)) or "none"
