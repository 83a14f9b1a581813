"""Coverage, as values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from seclab.registers.records import AssetClass
from seclab.scoring import Score

State: TypeAlias = Literal[
    "passed", "failed", "errored", "skipped", "stale", "never-tested", "out-of-scope"
]
STATES: tuple[State, ...] = get_args(State)
# What stands for several: the first of these. Stale before what could not be evaluated, as in
# seclab.shelf: what failed is failed at any age, and anything else that is too old says nothing.
WORST_FIRST: tuple[State, ...] = (
    "failed",
    "stale",
    "errored",
    "skipped",
    "never-tested",
    "passed",
    "out-of-scope",
)


def worst(states: Iterable[State], *, missing: bool = False) -> State:
    """The state that stands for several; of none ``never-tested``.

    Args:
        states: The states.
        missing: Whether evidence is missing beside them.
    """
    found: list[State] = [*states]
    if missing or not found:
        found.append("never-tested")
    return min(found, key=WORST_FIRST.index)


@dataclass(frozen=True, slots=True)
class Link:
    """What the newest evidence about one subject says, and where it is.

    Attributes:
        risk: The risk that it is about.
        subject: Name of the subject.
        state: What it says, as it counts today.
        reason: Why, in words.
        run_id: The run.
        verdict: What the run said of the risk, however long ago.
        made: When it was measured.
        age_days: How long ago that was, in days.
        limit_days: Oldest age that still counts, in days.
        stale: Why it is too old to count, whatever it says; empty while it is fresh.
        page: Address of the run's page.
    """

    risk: str
    subject: str
    state: State
    reason: str
    run_id: str
    verdict: str
    made: datetime
    age_days: float
    limit_days: int
    stale: str
    page: str


@dataclass(frozen=True, slots=True)
class Point:
    """How a risk stood after a command had run.

    Attributes:
        at: When its last run started.
        run_id: That run.
        verdict: The worst that the newest run of any subject said by then.
        residual: The residual score by that.
    """

    at: datetime
    run_id: str
    verdict: str
    residual: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are in each state.

    Attributes:
        counts: The number by state; all states are there.
    """

    counts: Mapping[State, int]

    @property
    def in_scope(self) -> int:
        """All but those that are out of scope."""
        return sum(self.counts.values()) - self.counts["out-of-scope"]

    @property
    def passed(self) -> int:
        """Those with fresh, passing evidence."""
        return self.counts["passed"]

    @property
    def share(self) -> float | None:
        """Those that passed as a share of all in scope, tested or not; of none ``None``."""
        return self.passed / self.in_scope if self.in_scope else None


def tally(states: Iterable[State]) -> Tally:
    """The number in each state."""
    counts = dict.fromkeys(STATES, 0)
    for state in states:
        counts[state] += 1
    return Tally(counts)


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """A risk with its evidence.

    Attributes:
        id: The risk.
        title: What it is.
        asset_class: Kind of asset.
        state: The worst of its subjects; ``passed`` only where each of them passes freshly, and
            nothing that a system asks of it is missing.
        reason: Why, in words.
        evidence: Per subject the newest evidence, the worst first.
        missing: Subjects and systems that it is asked of, and that have no evidence.
        score: What the evidence makes of likelihood and impact.
        trend: How it stood after each of the last commands, the oldest first.
        systems: Ids of the threat models that carry it.
    """

    id: str
    title: str
    asset_class: AssetClass
    state: State
    reason: str
    evidence: tuple[Link, ...]
    missing: tuple[str, ...]
    score: Score
    trend: tuple[Point, ...]
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TechniqueCoverage:
    """An ATLAS technique with the evidence of the evaluations that exercise this very one.

    Attributes:
        id: ``AML.T0020``.
        name: Its name, for a sub-technique after that of its parent.
        tactics: The tactics it belongs to.
        state: The worst of the evidence. That of parents, subs and neighbours is not in it.
        reason: Why, in words.
        evidence: Per risk and subject the newest evidence, the worst first.
        evaluations: What exercises it, by the matrix.
        risks: The risks that the rows of the matrix about it belong to.
    """

    id: str
    name: str
    tactics: tuple[str, ...]
    state: State
    reason: str
    evidence: tuple[Link, ...]
    evaluations: tuple[str, ...]
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """An asset class, a system or a tactic: what stands in it.

    Attributes:
        id: ``training-data``, ``digits-service``, ``AML.TA0043``.
        name: For people.
        state: The worst in it.
        reason: Why, in words.
        tally: How many of it are in each state.
        members: State by id of each risk or technique in it.
        evidence: The evidence behind the state, the worst first.
        subjects: What of a system is evaluated; empty for anything else.
    """

    id: str
    name: str
    state: State
    reason: str
    tally: Tally
    members: Mapping[str, State]
    evidence: tuple[Link, ...] = ()
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that has no fresh, passing evidence.

    Attributes:
        kind: What it is.
        subject: Id of the risk, the technique or the system.
        state: Its state.
        sentence: What is missing, in a sentence.
    """

    kind: Literal["system", "risk", "technique"]
    subject: str
    state: State
    sentence: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was measured, and what came of it.

    Attributes:
        at: As of when.
        risks: By id, in the order of the register.
        techniques: Those of the newest ATLAS by id, in its order.
        asset_classes: By name.
        systems: By id of the threat model.
        tactics: Those of the newest ATLAS by id, in the order of its matrix.
        gaps: What is missing, the worst first.
    """

    at: datetime
    risks: Mapping[str, RiskCoverage]
    techniques: Mapping[str, TechniqueCoverage]
    asset_classes: Mapping[str, GroupCoverage]
    systems: Mapping[str, GroupCoverage]
    tactics: Mapping[str, GroupCoverage]
    gaps: tuple[Gap, ...]

    @property
    def risk_tally(self) -> Tally:
        """How many risks are in each state."""
        return tally(risk.state for risk in self.risks.values())

    @property
    def technique_tally(self) -> Tally:
        """How many techniques are in each state."""
        return tally(technique.state for technique in self.techniques.values())
