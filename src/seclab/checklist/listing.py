"""What is held of the checklist for one subject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seclab.checklist.records import Held, Item, Listing
from seclab.checklist.sources import Found, Source, broke, find, sources
from seclab.errors import Misconfigured
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import Entry
from seclab.gate.evidence_criteria import CLOCK_SKEW
from seclab.measurement import SubjectKind
from seclab.registers import Registers, Tier
from seclab.shelf import RunSummary, Shelf
from seclab.threat_models import FOLDER
from seclab.threat_models.records import ThreatModel


@dataclass(frozen=True, slots=True)
class Known:
    """What a project knows, beside the runs.

    Attributes:
        registers: The subjects and their tiers.
        models: The threat models, by id.
        keyring: The public keys that are trusted.
        dataset: Name of the project's dataset, which is one even where nothing was evaluated.
    """

    registers: Registers
    models: Mapping[str, ThreatModel]
    keyring: Keyring
    dataset: str


@dataclass(frozen=True, slots=True)
class _Subject:
    """A subject with everything that was found about it."""

    name: str
    kind: SubjectKind | None
    tier: Tier
    models: tuple[ThreatModel, ...]
    sources: Sequence[Source]
    problems: Sequence[str]
    promotion: Entry | None


def listings(
    items: Sequence[Item], known: Known, shelf: Shelf, *, subjects: Sequence[str], at: datetime
) -> tuple[Listing, ...]:
    """What is held of the checklist, subject by subject.

    Args:
        items: The checklist.
        known: Registers, threat models and keys.
        shelf: The evidence.
        subjects: Names of ``models.yaml``.
        at: Now, in UTC.

    Raises:
        Misconfigured: A subject is not listed in ``models.yaml``.
        StoreUnavailable: The store cannot be read.
        EvidenceMismatch: The ledger is damaged.
    """
    entries = shelf.ledger()
    found = []
    for name in subjects:
        tier = known.registers.tier_of(name)
        runs = shelf.newest(risks=known.registers.risks, subjects=[name])
        subject = _subject(name, tier, known, shelf, runs=runs, entries=entries)
        held = tuple(_held(item, subject, shelf, at=at) for item in items)
        found.append(Listing(name, subject.kind, tier.name, held))
    return tuple(found)


def _subject(
    name: str,
    tier: Tier,
    known: Known,
    shelf: Shelf,
    *,
    runs: Sequence[RunSummary],
    entries: Sequence[Entry],
) -> _Subject:
    read, problems = sources(shelf, runs, entries, known.keyring)
    kind = runs[0].kind if runs else None
    if kind is None and name == known.dataset:
        kind = "dataset"
    models = tuple(each for each in known.models.values() if name in each.subjects)
    return _Subject(name, kind, tier, models, read, problems, _promoted(name, entries))


def _promoted(name: str, entries: Sequence[Entry]) -> Entry | None:
    """The newest promotion of a subject: what serves may be older than its newest evidence."""
    own = {entry.run for entry in entries if (entry.kind, entry.subject) == ("bundle", name)}
    found = [entry for entry in entries if entry.kind == "promotion" and entry.run in own]
    return found[-1] if found else None


def _held(item: Item, subject: _Subject, shelf: Shelf, *, at: datetime) -> Held:
    if excused := _excused(item, subject):
        return Held(item, "not-applicable", excused)
    if item.place == "nothing":
        return Held(item, "missing", "nothing in this project produces it")
    if item.place == "threat-model":
        return _threat_model(item, subject, at=at)
    found = _found(item, subject, shelf)
    if found is None:
        return _missing(item, subject, shelf)
    if item.place == "approvals" and (lacking := _unapproved(subject, found)):
        return Held(item, "missing", f"{found.what}, but not by {lacking}", shelf.page(found.run))
    return _aged(item, found, subject.tier, link=found.file or shelf.page(found.run), at=at)


def _found(item: Item, subject: _Subject, shelf: Shelf) -> Found | None:
    promotion = subject.promotion
    if item.place != "promotion" or promotion is None:
        return find(item, subject.sources)
    try:
        run = shelf.find(promotion.run)
    except Misconfigured:  # somebody deleted the run
        return None
    version = f"{promotion.subject} v{promotion.about.get('version')}"
    forced = ", forced" if promotion.about.get("forced") else ""
    return Found(f"{version}{forced}, ledger entry {promotion.sequence}", run.started, run)


def _aged(item: Item, found: Found, tier: Tier, *, link: str, at: datetime) -> Held:
    """Evidence that is there, and whether it is fresh enough for the tier."""
    age, limit = (at - found.made) / timedelta(days=1), tier.oldest_days
    if item.ages and found.made - at > CLOCK_SKEW:
        reason = f"{found.what}; it lies in the future ({found.made:%Y-%m-%d %H:%M %Z})"
        return Held(item, "stale", reason, link)
    if item.ages and age > limit:
        reason = f"{found.what}; {age:.1f} days old, at most {limit} by tier {tier.name}"
        return Held(item, "stale", reason, link)
    return Held(item, "present", f"{found.what}, {found.made:%Y-%m-%d}", link)


def _excused(item: Item, subject: _Subject) -> str:
    """Why an item is not asked of a subject; empty where it is."""
    if subject.kind is not None and subject.kind not in item.applies:
        return f"asked of every {' and '.join(item.applies)}; this is of kind {subject.kind}"
    if item.place == "approvals" and not subject.tier.approvals:
        return f"tier {subject.tier.name} asks for no approvals"
    if item.place == "promotion" and subject.sources and subject.promotion is None:
        return "it was never promoted"
    return ""


def _unapproved(subject: _Subject, found: Found) -> str:
    """The roles of the tier that an approval is missing of."""
    given = {
        entry.about.get("role")
        for source in subject.sources
        if source.evidence.run == found.run
        for entry in source.entries
        if entry.kind == "approval"
    }
    return ", ".join(role for role in subject.tier.approvals if role not in given)


def _threat_model(item: Item, subject: _Subject, *, at: datetime) -> Held:
    if not subject.models:
        return Held(item, "missing", "no threat model lists it among its subjects")
    model = max(subject.models, key=lambda each: (each.review_date, each.id))
    link = f"{FOLDER}/{model.id}.yaml"
    if model.review_date < at.date():
        return Held(item, "stale", f"{model.id} was to be reviewed by {model.review_date}", link)
    return Held(item, "present", f"{model.id}, to be reviewed by {model.review_date}", link)


def _missing(item: Item, subject: _Subject, shelf: Shelf) -> Held:
    if item.place == "promotion" and subject.promotion is not None:
        entry = subject.promotion.sequence
        return Held(item, "missing", f"the run behind ledger entry {entry} is gone")
    if subject.problems:
        return Held(item, "missing", f"not in what can be read; {subject.problems[0]}")
    if not subject.sources:
        return Held(item, "missing", "it was never evaluated")
    if broken := broke(item, subject.sources):
        why, run = broken
        return Held(item, "missing", why, shelf.page(run))
    return Held(item, "missing", "not in its newest evidence")
