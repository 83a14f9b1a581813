"""The evidence checklist and what is held of it, as values."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from seclab.measurement import SubjectKind

Family: TypeAlias = Literal["data", "model", "interface", "llm", "runtime"]
Place: TypeAlias = Literal[
    "measurement",
    "checks",
    "artifact",
    "statement",
    "custody",
    "signature",
    "approvals",
    "ledger",
    "promotion",
    "threat-model",
    "nothing",
]
Status: TypeAlias = Literal["present", "stale", "missing", "not-applicable"]

FAMILIES: tuple[Family, ...] = get_args(Family)
PLACES: tuple[Place, ...] = get_args(Place)
STATUSES: tuple[Status, ...] = get_args(Status)

# Places that are told apart by a name; the others have none.
NAMED: tuple[Place, ...] = ("measurement", "checks", "artifact", "statement")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a professional team holds.

    Attributes:
        id: ``MOD-01``.
        family: Which of the five it belongs to.
        holds: What must be held.
        why: What is not known without it.
        applies: Kinds of subjects that it is asked of.
        place: Where it is found; ``nothing`` where nothing in this project produces it.
        name: What it is called there, ``evasion_linf/robust_accuracy``; empty for places that
            hold one thing.
        ages: Whether it grows stale at the age that the tier of the subject allows.
    """

    id: str
    family: Family
    holds: str
    why: str
    applies: tuple[SubjectKind, ...]
    place: Place
    name: str
    ages: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one item for one subject.

    Attributes:
        item: The item.
        status: Whether it is there and fresh. Present says nothing of how it came out.
        reason: Why, in words.
        link: Address of the run's page, or path of the file; empty where there is none.
    """

    item: Item
    status: Status
    reason: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The checklist of one subject.

    Attributes:
        subject: Its name.
        kind: What it is; ``None`` where that is not known, so that everything is asked of it.
        tier: Name of its tier.
        held: Every item, in the order of the checklist.
    """

    subject: str
    kind: SubjectKind | None
    tier: str
    held: tuple[Held, ...]

    def count(self, status: Status, family: Family | None = None) -> int:
        """How many items have a status, of all families or of one."""
        return sum(
            each.status == status and family in {None, each.item.family} for each in self.held
        )
