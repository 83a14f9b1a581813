"""A threat model to draw and to exchange: small, with one of everything."""

from dataclasses import replace
from datetime import date

from seclab.threat_models import (
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

_MODEL = ThreatModel(
    id="small-bot",
    name="Small bot",
    description="Answers questions.\nFor customers.",
    owner="security",
    review_date=date(2027, 3, 31),
    sensitivity="confidential",
    criticality="high",
    subjects=(),
    assets=(Asset("A1", "Passages", "context-system", "They are private.", ("integrity",)),),
    actors=(Actor("ACT1", "Outsider", "Curious.", "May ask.", "black-box"),),
    boundaries=(
        Boundary("B1", "Back end", "Only our code runs here.", ("E2", "E3")),
        Boundary("B2", "Knowledge", "Editors write here.", ("E4",)),
    ),
    elements=(
        Element("E1", "Customer", "actor", "Asks.", ()),
        Element("E2", "Bot", "process", "Answers.", ()),
        Element("E3", "Log", "store", "Keeps the turns.", ()),
        Element("E4", "Passages", "store", "What is known.", ("A1",)),
    ),
    flows=(
        Flow(
            "F1", "question", "E1", "E2", "Free text.", "HTTPS", encrypted=True, authenticated=False
        ),
        Flow("F2", "answer", "E2", "E1", "Free text.", "HTTPS", encrypted=True, authenticated=True),
        Flow("F3", "turns", "E2", "E3", "All.", "file", encrypted=False, authenticated=True),
        Flow("F4", "passages", "E4", "E2", "Text.", "SQL", encrypted=False, authenticated=True),
    ),
    entry_points=(EntryPoint("EP1", "Chat", "Anybody may ask.", "F1", ("ACT1",)),),
    assumptions=(Assumption("AS1", "Editors are honest.", "Passages may lie."),),
    threats=(
        Threat(
            "T1",
            "Prompt injection",
            "A passage holds instructions.",
            "E2",
            "T",
            ("ACT1",),
            "R-RAG-01",
            "high",
            "mitigated",
            "A guard.",
        ),
        Threat(
            "T2",
            "Passages read on the way",
            "The line is open.",
            "F4",
            "I",
            (),
            "R-RAG-02",
            "medium",
            "open",
            "Nothing yet.",
        ),
        Threat(
            "T3",
            "Poisoned passages",
            "Somebody writes them.",
            "E4",
            "T",
            ("ACT1",),
            "R-RAG-01",
            "critical",
            "accepted",
            "Accepted until March.",
        ),
    ),
    dismissed=(
        Dismissal("E1", ("S", "R"), "Customers are anonymous."),
        Dismissal("F4", ("T", "D"), "A private line."),
    ),
    abuse_cases=(
        AbuseCase(
            "AB1", "A refund for nothing", "ACT1", ("Write a passage.", "Ask."), ("T1", "T3")
        ),
    ),
    controls=(
        Control(
            "C1",
            "Guard",
            "Tells text from orders.",
            "preventive",
            ("T1",),
            ("AML.M0015",),
            ("rag_prompt_injection",),
        ),
    ),
    pasta=tuple(Stage(number, f"Result {number}.") for number in range(1, 8)),
    risks=("R-RAG-01", "R-RAG-02"),
    out_of_scope=(Exclusion("AML.T0051.001", "No such channel."),),
)


def small_model(**changes):
    """The model, some of its parts changed."""
    if "elements" in changes:
        changes = {
            "entry_points": (),
            "threats": (),
            "dismissed": (),
            "abuse_cases": (),
            "controls": (),
        } | changes
    return replace(_MODEL, **changes)
