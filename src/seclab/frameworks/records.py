"""What stands in the tables of the frameworks, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

Framework: TypeAlias = Literal[
    "MITRE ATLAS", "NIST AI 100-2", "OWASP LLM", "OWASP ML", "OWASP Agentic", "STRIDE", "PASTA"
]
Kind: TypeAlias = Literal[
    "tactic", "technique", "mitigation", "objective", "attack", "entry", "threat", "stage"
]
Status: TypeAlias = Literal["current", "superseded", "renamed", "retired"]
Verified: TypeAlias = Literal["yes", "secondary", "no"]
ChangeKind: TypeAlias = Literal[
    "new",
    "retired",
    "renamed",
    "tactics-changed",
    "links-changed",
    "same",
    "renumbered",
    "broadened",
    "nearest",
]
LegacyKind: TypeAlias = Literal[
    "attack-technique",
    "attack-tactic",
    "attack-mitigation",
    "legacy-edition",
    "edition-missing",
    "retired-atlas",
    "malformed",
    "spelling",
]
Severity: TypeAlias = Literal["error", "warning", "ok"]

FRAMEWORKS: tuple[str, ...] = get_args(Framework)
KINDS: tuple[str, ...] = get_args(Kind)
VERIFIED: tuple[str, ...] = get_args(Verified)
LEGACY_KINDS: tuple[str, ...] = get_args(LegacyKind)
SEVERITIES: tuple[str, ...] = get_args(Severity)

ATLAS = "MITRE ATLAS"


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a framework, as far as the tables hold it.

    Attributes:
        framework: Which one.
        edition: Its name, ``2026.09``; empty where the framework has none.
        published: The year, or the day as ``2026-09-15``; empty where nobody says.
        verified: How its ids and names were read: ``yes`` in the publisher's own files,
            ``secondary`` in two copies of others that agree, ``no`` where copies disagree.
        licence: Of the publisher's text; empty where nothing was taken over but common knowledge.
        address: Where to read it.
    """

    framework: Framework
    edition: str
    published: str
    verified: Verified
    licence: str
    address: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of one edition of a framework.

    Attributes:
        id: ``AML.T0043.001``, ``NISTAML.022``, ``LLM06:2025``, ``S``, ``PASTA-1``; no two
            frameworks share one.
        name: The name that the publisher gives it in this edition.
        full_name: The name that tells it from others: ``Parent: Sub`` for a sub-technique, with
            the objectives in brackets for an attack of NIST, where several are named alike.
        framework: Whose it is.
        edition: Of the framework; empty where it has none.
        kind: What it is.
        status: ``current`` in the newest edition; before that ``retired`` or ``renamed`` where the
            newest has no such id or another name for it, else ``superseded``.
        verified: How it was read, as for :class:`Edition`.
        parent: Id of the technique that a sub-technique belongs to; empty elsewhere.
        tactics: Ids of the tactics of a technique, in the order of the table.
        objectives: Ids of what an attack of NIST is aimed at.
        note: What a reader has to know; mostly empty.
    """

    id: str
    name: str
    full_name: str
    framework: Framework
    edition: str
    kind: Kind
    status: Status
    verified: Verified
    parent: str = ""
    tactics: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Crossing:
    """One threat in the words of all frameworks. The mapping is this project's own.

    Attributes:
        threat: ``evasion``.
        name: For people.
        system: What is attacked: ``predictive``, ``generative`` or both.
        nist_ids: Attacks of NIST AI 100-2.
        atlas_ids: Techniques of the newest edition of ATLAS.
        older_atlas_ids: Techniques that only an older edition has.
        mitigation_ids: Mitigations that ATLAS itself links to one of the techniques.
        judged_mitigation_ids: Mitigations that fit without such a link.
        owasp_ids: Entries of the OWASP lists, with the edition.
        stride: STRIDE letters.
        basis: What the mapping rests on.
    """

    threat: str
    name: str
    system: tuple[str, ...]
    nist_ids: tuple[str, ...]
    atlas_ids: tuple[str, ...]
    older_atlas_ids: tuple[str, ...]
    mitigation_ids: tuple[str, ...]
    judged_mitigation_ids: tuple[str, ...]
    owasp_ids: tuple[str, ...]
    stride: tuple[str, ...]
    basis: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id of the row."""
        return (
            *self.nist_ids,
            *self.atlas_ids,
            *self.older_atlas_ids,
            *self.mitigation_ids,
            *self.judged_mitigation_ids,
            *self.owasp_ids,
            *self.stride,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an id between two editions.

    Attributes:
        id: The id in the older edition; in the newer one where it is new.
        framework: Whose it is.
        old_edition: The older edition.
        new_edition: The newer one.
        kind: For ATLAS ``new``, ``retired``, ``renamed``, ``tactics-changed`` or
            ``links-changed``, the first that applies. For OWASP what ties the entry to its
            successor: ``same`` number and name, ``renumbered`` with the same content, ``renamed``,
            ``broadened``, or ``nearest`` where OWASP dropped the entry and the tie is ours.
        old_name: Its name before; empty where it is new.
        new_name: Its name after, or that of the entry that takes its place; empty where there is
            none.
        replacement: Id that takes its place; empty where the id stays or nothing does.
        gained: Tactics, or techniques of a mitigation, that only the newer edition links to it.
        lost: Those that only the older edition links to it.
    """

    id: str
    framework: Framework
    old_edition: str
    new_edition: str
    kind: ChangeKind
    old_name: str
    new_name: str
    replacement: str = ""
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name that an id carried before.

    Attributes:
        id: The id.
        name: The former name.
        first_seen: The release in which it was first seen.
        replacement: Id that took the place of this one; empty where the id is still in use.
    """

    id: str
    name: str
    first_seen: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Legacy:
    """What people write in the place of an id, and what they should write.

    Attributes:
        token: What stands there: ``T1595``, ``LLM06``, ``AML.T086``.
        context: Where only that decides what is meant: ``data poisoning``; else empty.
        kind: What kind of slip it is.
        what_it_is: What the token really is.
        replacement: The id to write; empty where only the context can tell.
        alternatives: Other ids that may have been meant.
        severity: How bad it is in a register.
    """

    token: str
    context: str
    kind: LegacyKind
    what_it_is: str
    replacement: str
    alternatives: tuple[str, ...]
    severity: Severity


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of ATT&CK that an entry of ATLAS was made after.

    Attributes:
        attack_id: ``T1595``.
        kind: ``tactic``, ``technique`` or ``mitigation``.
        atlas_id: ``AML.T0006``.
    """

    attack_id: str
    kind: str
    atlas_id: str


@dataclass(frozen=True, slots=True)
class Succession:
    """The entry of the next edition that goes on with an entry of an OWASP list.

    Attributes:
        id: In the next edition.
        kind: ``same``, ``renamed``, ``broadened`` or ``nearest``.
    """

    id: str
    kind: ChangeKind


@dataclass(frozen=True, slots=True)
class Content:
    """Everything the tables hold.

    Attributes:
        editions: Of each framework from the oldest to the newest.
        entries: In the order of the tables, older editions first.
        links: By edition of ATLAS and by mitigation: the techniques it stands against.
        successors: By id of an OWASP entry.
        crossings: One row per threat.
        former_names: Names that ids carried before.
        legacy: What people write in the place of an id.
        references: From ATT&CK to ATLAS.
    """

    editions: tuple[Edition, ...]
    entries: tuple[Entry, ...]
    links: Mapping[str, Mapping[str, tuple[str, ...]]]
    successors: Mapping[str, Succession] = field(default_factory=dict)
    crossings: tuple[Crossing, ...] = ()
    former_names: tuple[FormerName, ...] = ()
    legacy: tuple[Legacy, ...] = ()
    references: tuple[Reference, ...] = ()
