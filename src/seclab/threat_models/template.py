"""The threat model that a new system begins with: every part once, to be replaced."""

from datetime import date

from seclab.threat_models.drawing import PLACEHOLDER
from seclab.threat_models.records import (
    PASTA_STAGES,
    AbuseCase,
    Actor,
    Asset,
    Assumption,
    Boundary,
    Control,
    Dismissal,
    Element,
    EntryPoint,
    Exclusion,
    Flow,
    Stage,
    Threat,
    ThreatModel,
)

_RISK = "R-NEW-01"
_STAGES = (
    "What the business wants of this system, what a failure costs, and whom.",
    "What belongs to it and what does not: parts, third parties, techniques.",
    "How it falls apart into elements and flows, and where trust changes.",
    "Who attacks such systems, how, and how likely: named techniques and known cases.",
    "Which weaknesses it has: what was measured, what is known, what was never looked at.",
    "How attacks go step by step: the abuse cases, and which of them were carried out.",
    "What is done about it, in order of risk, what is left, and who accepted that.",
)


def template(name: str, *, title: str, review_date: date) -> ThreatModel:
    """A threat model with one worked entry in every part.

    It is well-formed, so that it can be loaded, and :func:`check_threat_models` names each entry
    that still has to be replaced.

    Args:
        name: Id of the system, ``digits-service``.
        title: Its name for people.
        review_date: When it has to be looked at first.
    """
    return ThreatModel(
        id=name,
        name=title,
        description=_todo("What it does, for whom, and what depends on it."),
        owner="security",
        review_date=review_date,
        sensitivity="internal",
        criticality="moderate",
        subjects=(),
        assets=(
            Asset(
                "A1",
                _todo("Answers of the model"),
                asset_class="prediction-interface",
                description=_todo("Why it is worth protecting."),
                protects=("integrity", "availability"),
            ),
        ),
        actors=(
            Actor(
                "ACT1",
                _todo("Outsider with an account"),
                description=_todo("What moves them."),
                capability=_todo("What they can send, see and change."),
                knowledge="black-box",
            ),
        ),
        boundaries=(
            Boundary(
                "B1",
                _todo("Service"),
                description=_todo("What changes at the line."),
                elements=("E2", "E3"),
            ),
        ),
        elements=_elements(),
        flows=_flows(),
        entry_points=(
            EntryPoint(
                "EP1",
                _todo("Interface"),
                description=_todo("What can be put in or got out there."),
                flow="F1",
                actors=("ACT1",),
            ),
        ),
        assumptions=(
            Assumption(
                "AS1",
                text=_todo("What is taken for granted."),
                if_wrong=_todo("What follows if it does not hold."),
            ),
        ),
        threats=(_threat(),),
        dismissed=(
            Dismissal("F1", ("I",), reason=_todo("Why there is no such threat to this flow.")),
        ),
        abuse_cases=(
            AbuseCase(
                "AB1",
                title=_todo("What the attacker achieves"),
                actor="ACT1",
                steps=(_todo("First step."), _todo("Second step.")),
                threats=("T1",),
            ),
        ),
        controls=(
            Control(
                "C1",
                _todo("Hardened model"),
                description=_todo("What it does and where it stops."),
                kind="preventive",
                threats=("T1",),
                mitigations=("AML.M0003",),
                evaluations=(),
            ),
        ),
        pasta=tuple(Stage(number, _todo(_STAGES[number - 1])) for number in _numbers()),
        risks=(_RISK,),
        out_of_scope=(
            Exclusion("AML.T0051", reason=_todo("Why this technique does not apply here.")),
        ),
    )


def _todo(text: str) -> str:
    return f"{PLACEHOLDER} {text}"


def _numbers() -> range:
    return range(1, PASTA_STAGES + 1)


def _elements() -> tuple[Element, ...]:
    return (
        Element("E1", _todo("User"), "actor", description=_todo("What they want."), assets=()),
        Element(
            "E2", _todo("Service"), "process", description=_todo("What it does."), assets=("A1",)
        ),
        Element(
            "E3", _todo("Model store"), "store", description=_todo("What it keeps."), assets=()
        ),
    )


def _flows() -> tuple[Flow, ...]:
    named = (("F1", "Input", "E1", "E2"), ("F2", "Answer", "E2", "E1"), ("F3", "Model", "E3", "E2"))
    return tuple(
        Flow(
            id=each,
            name=_todo(name),
            source=source,
            target=target,
            description=_todo("What it holds."),
            protocol="HTTPS",
            encrypted=True,
            authenticated=True,
        )
        for each, name, source, target in named
    )


def _threat() -> Threat:
    return Threat(
        id="T1",
        title=_todo("Input that is answered wrongly"),
        description=_todo("How it is done."),
        target="F1",
        stride="T",
        actors=("ACT1",),
        risk=_RISK,
        severity="high",
        status="open",
        mitigation=_todo("What is done about it; say so where nothing is."),
    )
