"""Tiers: how much evidence a subject needs, by what it sees and what depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from seclab.errors import Misconfigured

TierName: TypeAlias = Literal["low", "moderate", "high", "critical"]
Sensitivity: TypeAlias = Literal["public", "internal", "confidential", "restricted"]
Criticality: TypeAlias = Literal["low", "moderate", "high", "critical"]
Approver: TypeAlias = Literal["security", "ml-engineering", "legal"]

TIERS: tuple[TierName, ...] = get_args(TierName)
SENSITIVITIES: tuple[Sensitivity, ...] = get_args(Sensitivity)
CRITICALITIES: tuple[Criticality, ...] = get_args(Criticality)
APPROVERS: tuple[Approver, ...] = get_args(Approver)


@dataclass(frozen=True, slots=True)
class Tier:
    """What the gate asks of the evidence itself.

    Attributes:
        name: The mildest is ``low``.
        signature: Whether the bundle must be signed.
        clean_tree: Whether the code must be a commit without changes.
        approvals: Roles that must have approved the bundle, each by a key of its own.
        oldest_days: Oldest age of the evidence in days.
        evaluations: Evaluations that must have run, whatever the thresholds say.
        force: Whether a promotion may be forced against the gate.
    """

    name: TierName
    signature: bool
    clean_tree: bool
    approvals: tuple[Approver, ...]
    oldest_days: int
    evaluations: tuple[str, ...]
    force: bool

    def milder_than(self, lower: "Tier") -> list[str]:
        """The keys in which it asks less than a lower tier does; empty when it never does."""
        less = {
            "signature": lower.signature and not self.signature,
            "clean_tree": lower.clean_tree and not self.clean_tree,
            "approvals": not set(lower.approvals) <= set(self.approvals),
            "oldest_days": self.oldest_days > lower.oldest_days,
            "evaluations": not set(lower.evaluations) <= set(self.evaluations),
            "force": self.force and not lower.force,
        }
        return [key for key, asks_less in less.items() if asks_less]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What a model, agent or dataset is worth protecting.

    Attributes:
        name: Name of the subject, or of the registered model.
        sensitivity: Of the data it was made of or can reach.
        criticality: Of what depends on its answers.
        owner: Who answers for it.
        why: The reason for both.
    """

    name: str
    sensitivity: Sensitivity
    criticality: Criticality
    owner: str
    why: str


@dataclass(frozen=True, slots=True)
class Models:
    """The tiers and who is in which.

    Attributes:
        tiers: By name, the mildest first.
        matrix: Tier by sensitivity and criticality.
        models: By name.
    """

    tiers: Mapping[TierName, Tier] = field(default_factory=dict)
    matrix: Mapping[Sensitivity, Mapping[Criticality, TierName]] = field(default_factory=dict)
    models: Mapping[str, ModelEntry] = field(default_factory=dict)

    def tier_of(self, name: str) -> Tier:
        """The tier of a subject or of a registered model.

        Raises:
            Misconfigured: It is not listed.
        """
        entry = self.models.get(name)
        if entry is None:
            known = ", ".join(self.models) or "none"
            raise Misconfigured(
                f"models.yaml has no entry for {name!r}, so nobody knows what it needs; known: "
                f"{known}; add it with its sensitivity and criticality"
            )
        return self.tier_for(entry.sensitivity, entry.criticality)

    def tier_for(self, sensitivity: Sensitivity, criticality: Criticality) -> Tier:
        """The tier of whatever holds or reaches such data, and has so much depend on it."""
        return self.tiers[self.matrix[sensitivity][criticality]]
