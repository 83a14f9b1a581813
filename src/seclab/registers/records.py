"""What stands in the registers, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias, get_args

from seclab.fingerprint import Digest
from seclab.measurement import Parameters, Scalar, Subject, SubjectKind, label
from seclab.registers.tiers import Models, Tier

AssetClass: TypeAlias = Literal[
    "training-data", "model-artifact", "prediction-interface", "context-system", "feedback-loop"
]
Status: TypeAlias = Literal["open", "mitigated", "accepted"]
Owner: TypeAlias = Literal["ml-engineering", "security", "data-engineering", "platform"]
Kind: TypeAlias = Literal["at_least", "at_most"]
End: TypeAlias = Literal["pessimistic", "value", "optimistic"]
Setting: TypeAlias = Scalar | tuple[Scalar, ...]

ASSET_CLASSES: tuple[str, ...] = get_args(AssetClass)
STATUSES: tuple[str, ...] = get_args(Status)
OWNERS: tuple[str, ...] = get_args(Owner)
SUBJECTS: tuple[str, ...] = get_args(SubjectKind)
KINDS: tuple[str, ...] = get_args(Kind)
ENDS: tuple[str, ...] = get_args(End)

NEVER_TESTED = "none: never tested"
DATA_CHECKS = "data_checks"


@dataclass(frozen=True, slots=True)
class Risk:
    """One row of the risk register.

    Attributes:
        id: ``R-EVA-01``.
        title: The risk in a few words.
        asset: What is to be protected.
        asset_class: Kind of asset.
        actor: Who would do it, and with what access.
        attacker_goal: What the actor wants.
        attack_pattern: How it is done.
        trust_boundary: Where untrusted input or influence enters.
        nist_id: Id in NIST AI 100-2 E2025; ``None`` where the taxonomy has none.
        atlas_ids: MITRE ATLAS techniques; may be empty.
        owasp_ids: OWASP entries with their edition, ``ML01:2023``; may be empty.
        stride: STRIDE letters.
        likelihood: 1 rare to 5 expected, before controls.
        impact: 1 negligible to 5 severe, before controls.
        control: What is done about it.
        evidence: Evaluations and check suites that measure it, or :data:`NEVER_TESTED`.
        residual_risk: What is left when the control works.
        owner: The role that answers for it.
        status: Open, mitigated or accepted.
        review_date: When it has to be looked at again.
    """

    id: str
    title: str
    asset: str
    asset_class: AssetClass
    actor: str
    attacker_goal: str
    attack_pattern: str
    trust_boundary: str
    nist_id: str | None
    atlas_ids: tuple[str, ...]
    owasp_ids: tuple[str, ...]
    stride: tuple[str, ...]
    likelihood: int
    impact: int
    control: str
    evidence: str
    residual_risk: str
    owner: Owner
    status: Status
    review_date: date

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the evaluations that measure it, and ``data_checks`` for any suite.

        Empty when it was never tested.
        """
        if self.evidence == NEVER_TESTED:
            return ()
        return tuple(dict.fromkeys(item.partition(":")[0] for item in self.evidence.split(";")))


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row of the attack-defense matrix.

    Attributes:
        attack_surface: Where the attack is made; the words of :data:`ASSET_CLASSES`.
        attack: The attack.
        atlas_ids: The techniques that this attack carries out, of those of its risk; may be empty.
        evaluation: What measures it: an evaluation, ``data_checks``, or empty for nothing.
        metric: Which number; empty for data checks and for nothing.
        defensive_control: What stands against it.
        risk_id: The risk it belongs to.
        line: Its line in the file, for messages.
    """

    attack_surface: AssetClass
    attack: str
    atlas_ids: tuple[str, ...]
    evaluation: str
    metric: str
    defensive_control: str
    risk_id: str
    line: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A criterion that a measurement is held against.

    Attributes:
        id: ``T-EVA-01``.
        risk: The risk it guards against.
        subject: What it is meant for.
        evaluation: What measures it.
        metric: Which number.
        parameters: At which parameters, as the measurement records them; a measurement may have
            more of them.
        kind: Whether the bound is the least or the most that is allowed; ``None`` where the
            criterion is about the change against the champion alone.
        bound: The bound itself still passes; ``None`` as above.
        judged: The point estimate, or the end of its interval, that is held against the bound.
        why: The reason for this bound.
        least_n: Independent samples that the number must rest on at least.
        effort: Least value of parameters that the evaluation recorded, so that a weak attack
            proves nothing: ``steps: 20``; of a list its length, ``epsilons.count: 2``.
        oldest_days: Oldest age of the measurement in days; ``None`` leaves it to the tier.
        worse_than_champion_by: How much worse than the champion's the number may be at most, in
            its own unit; ``None`` compares nothing.
    """

    id: str
    risk: str
    subject: SubjectKind
    evaluation: str
    metric: str
    parameters: Parameters
    kind: Kind | None
    bound: float | None
    judged: End
    why: str
    least_n: int = 0
    effort: Mapping[str, float] = field(default_factory=dict)
    oldest_days: int | None = None
    worse_than_champion_by: float | None = None

    @property
    def label(self) -> str:
        """The criterion for people: ``tpr_at_1pct_fpr <= 0.10, judged at the pessimistic end``."""
        where = "point estimate" if self.judged == "value" else f"{self.judged} end"
        limits = []
        if self.bound is not None:
            limits.append(f"{'>=' if self.kind == 'at_least' else '<='} {_exact(self.bound)}")
        if self.worse_than_champion_by is not None:
            loss = _exact(self.worse_than_champion_by)
            limits.append(f"at most {loss} worse than the champion")
        what = label(self.metric, self.parameters)
        return f"{what} {' and '.join(limits)}, judged at the {where}"


def _exact(number: float) -> str:
    """Two digits where they say all of it."""
    rounded = f"{number:.2f}"
    return rounded if float(rounded) == number else f"{number!r}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A block that somebody answers for, until a day.

    Attributes:
        id: ``W-001``.
        risk: The risk that is borne.
        criterion: Id of the threshold it is about, and of no other.
        model: Name of the subject it is about, and of no other.
        reason: Why the block may be passed over.
        owner: Who answers for the risk.
        approver: Who agreed; never the owner.
        until: The last day it counts, in UTC.
    """

    id: str
    risk: str
    criterion: str
    model: str
    reason: str
    owner: str
    approver: str
    until: date


@dataclass(frozen=True, slots=True)
class Profile:
    """How much effort an evaluation run makes.

    Attributes:
        name: ``quick``.
        description: What it is for.
        evaluations: The evaluations to run, each with the parameters that differ from its
            defaults.
        suites: Check suites that look at the dataset besides its own, by name.
    """

    name: str
    description: str
    evaluations: Mapping[str, Mapping[str, Setting]]
    suites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registers:
    """All registers of one folder, free of mistakes.

    Attributes:
        risks: By id, in the order of the file.
        matrix: The attack-defense matrix.
        thresholds: Every criterion of the gate.
        profiles: By name.
        digests: Digest of the bytes of each file, by file name.
        models: Tiers, and what each of the models and agents is worth protecting.
        waivers: Blocks that somebody answers for, expired ones among them.
    """

    risks: Mapping[str, Risk]
    matrix: tuple[MatrixRow, ...]
    thresholds: tuple[Threshold, ...]
    profiles: Mapping[str, Profile]
    digests: Mapping[str, Digest]
    models: Models = field(default_factory=Models)
    waivers: tuple[Waiver, ...] = ()

    def tier_of(self, name: str) -> Tier:
        """The tier of a subject or of a registered model.

        Raises:
            Misconfigured: It is not listed: whoever is forgotten must not be judged mildly.
        """
        return self.models.tier_of(name)

    def required_of(self, subject: Subject) -> tuple[str, ...]:
        """The evaluations that its tier requires of a subject.

        Of those in the tier, a subject needs no evaluation that the thresholds know as one of
        other kinds of subjects alone.

        Raises:
            Misconfigured: The subject is not listed.
        """
        kinds: dict[str, set[str]] = {}
        for threshold in self.thresholds:
            kinds.setdefault(threshold.evaluation, set()).add(threshold.subject)
        return tuple(
            name
            for name in self.tier_of(subject.name).evaluations
            if subject.kind in kinds.get(name, {subject.kind})
        )
