"""Threat models that hypothesis draws: well-formed, and every id in them refers to something."""

from datetime import date
from itertools import cycle

from hypothesis import strategies as st

from seclab.registers import ASSET_CLASSES, CRITICALITIES, OWNERS, SENSITIVITIES
from seclab.threat_models import (
    CONTROL_KINDS,
    ELEMENT_KINDS,
    KNOWLEDGE,
    PASTA_STAGES,
    PROPERTIES,
    SEVERITIES,
    STRIDE_OF,
    THREAT_STATUSES,
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

# Texts that look like something else to YAML, CSV, Markdown, HTML or a formula.
_AWKWARD = (
    "yes",
    "null",
    "~",
    "1e-3",
    "2027-03-31",
    "- not a list",
    "a: b # c",
    "'quoted'",
    '"double"',
    "<b>&amp;</b>",
    "| a | `b` |",
    "=1+1",
    "Größe ≥ 3 μm, 数字",
    "word " * 30 + "end",
    "two  blanks   and more " * 6 + "end",
)
_one_line = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=6)
lines = (st.sampled_from(_AWKWARD) | _one_line).filter(str.strip)
"""Texts of one line."""
texts = lines | st.lists(lines | st.just(""), min_size=2, max_size=3).map("\n".join).map(
    str.strip
).filter(bool)
"""Texts of one or more lines."""


class _Hand:
    """Draws the parts of one model; its texts come from a small pool, in turn."""

    def __init__(self, draw):
        self._draw = draw
        self.line = cycle(draw(st.lists(lines, min_size=2, max_size=4))).__next__
        self.text = cycle(draw(st.lists(texts, min_size=2, max_size=3))).__next__

    def one(self, options):
        return self._draw(st.sampled_from(options))

    def some(self, options, *, least=0, most=3):
        if not options:
            return ()
        drawn = st.lists(st.sampled_from(options), min_size=least, max_size=most, unique=True)
        return tuple(self._draw(drawn))

    def ids(self, prefix, *, least=0, most=2):
        count = self._draw(st.integers(least, most))
        return tuple(f"{prefix}{number}" for number in range(1, count + 1))


@st.composite
def threat_models(draw):
    """A threat model."""
    hand = _Hand(draw)
    assets = _assets(hand)
    actors = _actors(hand)
    elements = _elements(hand, assets)
    flows = _flows(hand, elements)
    risks = hand.some(("R-EVA-01", "R-POI-01", "R-RAG-02"), least=1)
    kinds = {each.id: each.kind for each in elements} | {each.id: "flow" for each in flows}
    cells = [(target, letter) for target, kind in kinds.items() for letter in STRIDE_OF[kind]]
    threats = _threats(hand, cells, actors, risks=risks)
    return ThreatModel(
        id=hand.one(["digits-service", "a", "b2-c3"]),
        name=hand.line(),
        description=hand.text(),
        owner=hand.one(OWNERS),
        review_date=draw(st.dates(min_value=date(1970, 1, 1))),
        sensitivity=hand.one(SENSITIVITIES),
        criticality=hand.one(CRITICALITIES),
        subjects=hand.some(("mlp", "digits")),
        assets=assets,
        actors=actors,
        boundaries=_boundaries(hand, elements),
        elements=elements,
        flows=flows,
        entry_points=_entry_points(hand, flows, actors),
        assumptions=tuple(
            Assumption(each, text=hand.text(), if_wrong=hand.text())
            for each in hand.ids("AS", most=1)
        ),
        threats=threats,
        dismissed=_dismissed(hand, cells, threats),
        abuse_cases=_abuse_cases(hand, actors, threats),
        controls=_controls(hand, threats),
        pasta=tuple(Stage(number, hand.text()) for number in range(1, PASTA_STAGES + 1)),
        risks=risks,
        out_of_scope=tuple(
            Exclusion(each, reason=hand.text())
            for each in hand.some(("R-EXT-01", "AML.T0051.001"), most=2)
        ),
    )


def _of(records):
    return [record.id for record in records]


def _assets(hand):
    return tuple(
        Asset(
            id=each,
            name=hand.line(),
            asset_class=hand.one(ASSET_CLASSES),
            description=hand.text(),
            protects=hand.some(PROPERTIES, least=1),
        )
        for each in hand.ids("A", least=1)
    )


def _actors(hand):
    return tuple(
        Actor(each, hand.line(), hand.text(), hand.text(), knowledge=hand.one(KNOWLEDGE))
        for each in hand.ids("ACT", least=1)
    )


def _elements(hand, assets):
    return tuple(
        Element(
            id=each,
            name=hand.line(),
            kind=hand.one(ELEMENT_KINDS),
            description=hand.text(),
            assets=hand.some(_of(assets)),
        )
        for each in hand.ids("E", least=1, most=4)
    )


def _boundaries(hand, elements):
    """Each element in one boundary at most."""
    inside = {each.id: hand.one([0, 0, 1, 2]) for each in elements}
    return tuple(
        Boundary(
            id=f"B{number}",
            name=hand.line(),
            description=hand.text(),
            elements=tuple(each for each, where in inside.items() if where == number),
        )
        for number in range(1, max(inside.values()) + 1)
    )


def _flows(hand, elements):
    return tuple(
        Flow(
            id=each,
            name=hand.line(),
            source=hand.one(_of(elements)),
            target=hand.one(_of(elements)),
            description=hand.text(),
            protocol=hand.line(),
            encrypted=hand.one([True, False]),
            authenticated=hand.one([True, False]),
        )
        for each in hand.ids("F", most=3)
    )


def _entry_points(hand, flows, actors):
    return tuple(
        EntryPoint(f"EP{number}", hand.line(), hand.text(), flow=flow, actors=tuple(_of(actors)))
        for number, flow in enumerate(hand.some(_of(flows), most=2), start=1)
    )


def _threats(hand, cells, actors, *, risks):
    return tuple(
        Threat(
            id=f"T{number}",
            title=hand.line(),
            description=hand.text(),
            target=target,
            stride=letter,
            actors=hand.some(_of(actors)),
            risk=hand.one(risks),
            severity=hand.one(SEVERITIES),
            status=hand.one(THREAT_STATUSES),
            mitigation=hand.text(),
        )
        for number, (target, letter) in enumerate(hand.some(cells), start=1)
    )


def _dismissed(hand, cells, threats):
    """All, some or none of what no threat answers."""
    answered = {(each.target, each.stride) for each in threats}
    left: dict[str, list[str]] = {}
    for target, letter in cells[:: hand.one([1, 2, 100])]:
        if (target, letter) not in answered:
            left.setdefault(target, []).append(letter)
    return tuple(
        Dismissal(target, tuple(letters), reason=hand.text()) for target, letters in left.items()
    )


def _abuse_cases(hand, actors, threats):
    return tuple(
        AbuseCase(
            id=each,
            title=hand.line(),
            actor=hand.one(_of(actors)),
            steps=tuple(dict.fromkeys((hand.line(), hand.line()))),
            threats=hand.some(_of(threats)),
        )
        for each in hand.ids("AB", most=1)
    )


def _controls(hand, threats):
    return tuple(
        Control(
            id=each,
            name=hand.line(),
            description=hand.text(),
            kind=hand.one(CONTROL_KINDS),
            threats=hand.some(_of(threats)),
            mitigations=hand.some(("AML.M0003", "AML.M0015")),
            evaluations=hand.some(("evasion_linf", "data_checks:digits")),
        )
        for each in hand.ids("C")
    )
