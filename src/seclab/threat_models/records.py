"""A threat model of one system, as values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

from seclab.registers.records import AssetClass, Owner
from seclab.registers.tiers import Criticality, Sensitivity

ElementKind: TypeAlias = Literal["actor", "process", "store"]
Property: TypeAlias = Literal["confidentiality", "integrity", "availability"]
Knowledge: TypeAlias = Literal["white-box", "grey-box", "black-box"]
ThreatStatus: TypeAlias = Literal["open", "mitigated", "accepted", "transferred"]
Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
ControlKind: TypeAlias = Literal["preventive", "detective", "corrective"]

ELEMENT_KINDS: tuple[str, ...] = get_args(ElementKind)
PROPERTIES: tuple[str, ...] = get_args(Property)
KNOWLEDGE: tuple[str, ...] = get_args(Knowledge)
THREAT_STATUSES: tuple[str, ...] = get_args(ThreatStatus)
SEVERITIES: tuple[str, ...] = get_args(Severity)
CONTROL_KINDS: tuple[str, ...] = get_args(ControlKind)

STRIDE_NAMES: Mapping[str, str] = {
    "S": "spoofing",
    "T": "tampering",
    "R": "repudiation",
    "I": "information disclosure",
    "D": "denial of service",
    "E": "elevation of privilege",
}
STRIDE_LETTERS: Mapping[str, str] = {name: letter for letter, name in STRIDE_NAMES.items()}
STRIDE_OF: Mapping[str, tuple[str, ...]] = {
    "actor": ("S", "R"),
    "process": ("S", "T", "R", "I", "D", "E"),
    "store": ("T", "R", "I", "D"),
    "flow": ("T", "I", "D"),
}
"""Which kinds of threats there are to what is drawn.

References:
    Shostack, Threat Modeling: Designing for Security (2014), chapter 3, STRIDE per element.
"""

PASTA_STAGES = 7


@dataclass(frozen=True, slots=True)
class Asset:
    """Something worth protecting.

    Attributes:
        id: ``A1``; unique in the model, as all ids are.
        name: What it is.
        asset_class: One of the five classes of the risk register.
        description: Why it is worth protecting.
        protects: Which properties have to hold, at least one.
    """

    id: str
    name: str
    asset_class: AssetClass
    description: str
    protects: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may attack.

    Attributes:
        id: ``ACT1``.
        name: Who.
        description: What moves them.
        capability: What they can do, in words.
        knowledge: What they know of the model: white-box all of it, grey-box parts, black-box
            its answers.
    """

    id: str
    name: str
    description: str
    capability: str
    knowledge: Knowledge


@dataclass(frozen=True, slots=True)
class Boundary:
    """A line across which trust changes, around the elements inside it.

    Attributes:
        id: ``B1``.
        name: What is inside.
        description: What changes at the line.
        elements: Ids of the elements inside; an element is in one boundary at most.
    """

    id: str
    name: str
    description: str
    elements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """A node of the data-flow diagram.

    Attributes:
        id: ``E1``.
        name: What it is.
        kind: An actor outside of the system, a process or a store.
        description: What it does.
        assets: Ids of the assets it holds or gives access to.
    """

    id: str
    name: str
    kind: ElementKind
    description: str
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Data that moves from one element to another.

    Attributes:
        id: ``F1``.
        name: What moves, in a few words.
        source: Id of the element it comes from.
        target: Id of the element it goes to.
        description: What it holds.
        protocol: How; ``in process`` where nothing is between them.
        encrypted: Whether it is encrypted on its way.
        authenticated: Whether the target knows who sent it.
    """

    id: str
    name: str
    source: str
    target: str
    description: str
    protocol: str
    encrypted: bool
    authenticated: bool


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """Where somebody who is not trusted can put something in or get something out.

    Attributes:
        id: ``EP1``.
        name: What it is.
        description: What can be done there.
        flow: Id of the flow it lies on.
        actors: Ids of the actors who reach it.
    """

    id: str
    name: str
    description: str
    flow: str
    actors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that is taken for granted.

    Attributes:
        id: ``AS1``.
        text: What.
        if_wrong: What follows if it does not hold.
    """

    id: str
    text: str
    if_wrong: str


@dataclass(frozen=True, slots=True)
class Threat:
    """What may be done to one element or flow.

    Attributes:
        id: ``T1``.
        title: The threat in a few words.
        description: How it is done.
        target: Id of the element or flow.
        stride: Its one STRIDE letter.
        actors: Ids of the actors who may do it.
        risk: The risk of the register that it belongs to.
        severity: How bad it is.
        status: What has become of it.
        mitigation: What is done about it; says so where nothing is.
    """

    id: str
    title: str
    description: str
    target: str
    stride: str
    actors: tuple[str, ...]
    risk: str
    severity: Severity
    status: ThreatStatus
    mitigation: str


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Kinds of threats to one element or flow that do not apply, and why.

    Attributes:
        target: Id of the element or flow.
        stride: The letters.
        reason: Why.
    """

    target: str
    stride: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class AbuseCase:
    """The story of an attack, from the attacker's side.

    Attributes:
        id: ``AB1``.
        title: What is achieved.
        actor: Id of the actor.
        steps: What they do, one after the other, at least one.
        threats: Ids of the threats it makes use of.
    """

    id: str
    title: str
    actor: str
    steps: tuple[str, ...]
    threats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Control:
    """What stands against threats.

    Attributes:
        id: ``C1``.
        name: What it is.
        description: What it does and where it stops.
        kind: Whether it prevents, detects or corrects.
        threats: Ids of the threats it stands against.
        mitigations: Ids of the framework mitigations that support it, ``AML.M0003``; may be empty.
        evaluations: Evaluations, and ``data_checks:<suite>``, that measure it; may be empty.
    """

    id: str
    name: str
    description: str
    kind: ControlKind
    threats: tuple[str, ...]
    mitigations: tuple[str, ...]
    evaluations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage of PASTA came to.

    Attributes:
        number: 1 to 7.
        result: What was found, in words.
    """

    number: int
    result: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A risk or technique that this system leaves out on purpose.

    Attributes:
        subject: A risk of the register or an ATLAS technique.
        reason: Why it is out of scope.
    """

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """The threat model of one system.

    Attributes:
        id: ``digits-service``; the name of its file without ``.yaml``.
        name: The system, for people.
        description: What it does and for whom.
        owner: The role that answers for it.
        review_date: When it has to be looked at again.
        sensitivity: Of the data that it was made of or can reach.
        criticality: How much depends on its answers.
        subjects: What of it this project evaluates: names of ``models.yaml``; may be empty.
        assets: What is worth protecting.
        actors: Who may attack.
        boundaries: Where trust changes.
        elements: The nodes of the data-flow diagram.
        flows: Its arrows.
        entry_points: Where somebody who is not trusted gets at it.
        assumptions: What is taken for granted.
        threats: What may be done, by STRIDE per element.
        dismissed: STRIDE letters of elements and flows that do not apply.
        abuse_cases: Stories of attacks.
        controls: What stands against them.
        pasta: The seven stages of PASTA, in order.
        risks: Ids of all its risks in the register.
        out_of_scope: What it leaves out on purpose.
    """

    id: str
    name: str
    description: str
    owner: Owner
    review_date: date
    sensitivity: Sensitivity
    criticality: Criticality
    subjects: tuple[str, ...]
    assets: tuple[Asset, ...]
    actors: tuple[Actor, ...]
    boundaries: tuple[Boundary, ...]
    elements: tuple[Element, ...]
    flows: tuple[Flow, ...]
    entry_points: tuple[EntryPoint, ...]
    assumptions: tuple[Assumption, ...]
    threats: tuple[Threat, ...]
    dismissed: tuple[Dismissal, ...]
    abuse_cases: tuple[AbuseCase, ...]
    controls: tuple[Control, ...]
    pasta: tuple[Stage, ...]
    risks: tuple[str, ...]
    out_of_scope: tuple[Exclusion, ...]

    def kinds(self) -> Mapping[str, str]:
        """What each id that a threat may target is: ``actor``, ``process``, ``store``, ``flow``."""
        nodes: dict[str, str] = {element.id: element.kind for element in self.elements}
        return nodes | {flow.id: "flow" for flow in self.flows}

    def boundary_of(self, element: str) -> Boundary | None:
        """The boundary that an element is in; ``None`` outside of all."""
        return next((each for each in self.boundaries if element in each.elements), None)

    def crosses(self, flow: Flow) -> bool:
        """Whether a flow crosses a trust boundary."""
        return self.boundary_of(flow.source) != self.boundary_of(flow.target)

    def unanswered(self) -> Iterator[tuple[str, str]]:
        """Target and STRIDE letter of what is neither a threat nor dismissed with a reason."""
        answered = {(threat.target, threat.stride) for threat in self.threats}
        answered |= {(each.target, letter) for each in self.dismissed for letter in each.stride}
        for target, kind in self.kinds().items():
            for letter in STRIDE_OF[kind]:
                if (target, letter) not in answered:
                    yield target, letter
