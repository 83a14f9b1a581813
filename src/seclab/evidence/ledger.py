"""The ledger: what happened, in order, each entry with the digest of the one before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Literal, TypeAlias

import rfc8785
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from seclab.errors import EvidenceMismatch
from seclab.evidence.bundle import Bundle
from seclab.fingerprint import of_json
from seclab.measurement import Scalar

Kind: TypeAlias = Literal[
    "bundle",
    "partial",
    "approval",
    "promotion-intent",
    "promotion",
    "promotion-refused",
    "promotion-abandoned",
    "rollback",
    "quarantine",
    "programme",
    "void",
]


@with_config(ConfigDict(extra="forbid", strict=True))
@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        sequence: Its number, from 1.
        at: When it happened, ISO 8601.
        kind: What happened.
        subject: Name of the model, agent or dataset; of the registered model for a promotion.
        run: The run it belongs to.
        digest: Digest of the bundle, approval or record.
        about: Further facts. A bundle's ``kind`` is the kind of its subject.
        previous: Digest of the entry before, empty for the first.
    """

    sequence: Annotated[int, Field(ge=1)]
    at: str
    kind: Kind
    subject: str
    run: str
    digest: str
    about: Mapping[str, Scalar]
    previous: str

    @property
    def digest_of_entry(self) -> str:
        """Digest of all fields, which the next entry names."""
        return str(of_json(asdict(self)))


@cache
def _shape() -> TypeAdapter[Entry]:
    """What an entry has to look like; made when it is first asked for: importing is quicker."""
    return TypeAdapter(Entry)


def following(
    entries: Sequence[Entry],
    *,
    at: str,
    kind: Kind,
    subject: str,
    run: str,
    digest: str,
    about: Mapping[str, Scalar],
) -> Entry:
    """The entry that comes after ``entries``. Its parts are those of :class:`Entry`."""
    last = entries[-1] if entries else None
    return Entry(
        sequence=last.sequence + 1 if last else 1,
        at=at,
        kind=kind,
        subject=subject,
        run=run,
        digest=digest,
        about=dict(about),
        previous=last.digest_of_entry if last else "",
    )


def to_lines(entries: Sequence[Entry]) -> str:
    """The ledger as JSON Lines, one entry a line in its canonical form."""
    return "".join(rfc8785.dumps(asdict(entry)).decode() + "\n" for entry in entries)


def from_lines(text: str) -> list[Entry]:
    """The ledger from JSON Lines.

    Whether the entries follow from one another is not judged here: :func:`ledger_differences`.

    Raises:
        EvidenceMismatch: Lines that are no entry in its canonical form; all of them at once.
    """
    entries, problems = [], []
    # Not splitlines(): a text inside an entry may hold what Unicode calls the end of a line.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        try:
            entry = _shape().validate_json(line)
            if to_lines([entry]) != f"{line}\n":
                raise ValueError("it is not in its canonical form (RFC 8785)")
        except ValidationError as error:
            where = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'entry'}: {problem['msg']}"
                for problem in error.errors()
            )
            problems.append(f"ledger line {number}: {where}")
        except ValueError as error:
            problems.append(f"ledger line {number}: {error}")
        else:
            entries.append(entry)
    if problems:
        raise EvidenceMismatch(problems)
    return entries


def ledger_differences(entries: Sequence[Entry], *, anchor: Sequence[Entry] = ()) -> list[str]:
    """Where a ledger is not whole.

    Args:
        entries: The ledger as it is now.
        anchor: An earlier export. Without one, a changed or missing last entry does not show:
            nothing comes after it that would name it.

    Returns:
        The differences: gaps, reordering, changed and missing entries; empty when it is whole.
    """
    return [*_broken_links(entries), *_lost_since(anchor, entries)]


def _broken_links(entries: Sequence[Entry]) -> Iterator[str]:
    before = ""
    for expected, entry in enumerate(entries, start=1):
        if entry.sequence != expected:
            yield f"ledger entry {expected}: expected sequence {expected}, found {entry.sequence}"
        if entry.previous != before:
            yield (
                f"ledger entry {expected}: expected previous {before or 'none'}, "
                f"found {entry.previous or 'none'}"
            )
        before = entry.digest_of_entry


def _lost_since(anchor: Sequence[Entry], entries: Sequence[Entry]) -> Iterator[str]:
    for place, expected in enumerate(anchor):
        if place >= len(entries):
            yield (
                f"ledger entry {expected.sequence}: expected {expected.digest_of_entry} as in the "
                "earlier export, found no entry"
            )
        elif entries[place].digest_of_entry != expected.digest_of_entry:
            yield (
                f"ledger entry {expected.sequence}: expected {expected.digest_of_entry} as in the "
                f"earlier export, found {entries[place].digest_of_entry}"
            )


def chain_differences(entries: Sequence[Entry], bundles: Mapping[str, Bundle]) -> list[str]:
    """Where bundles and ledger do not tell the same story.

    Args:
        entries: The ledger.
        bundles: Every bundle that is kept, by the digest it is kept under.

    Returns:
        The differences: bundles that are missing, that no entry names, or that do not name as
        their previous one the newest earlier bundle about the same subject.
    """
    voided = {entry.digest for entry in entries if entry.kind == "void"}
    entered = {entry.digest for entry in entries if entry.kind == "bundle"}
    lost = [
        f"bundle {entry.digest} of run {entry.run} ({entry.subject}): expected by ledger entry "
        f"{entry.sequence}, found nothing"
        for entry in entries
        if entry.kind == "bundle" and entry.digest not in bundles and entry.digest not in voided
    ]
    unknown = [_unknown(digest) for digest in sorted(bundles.keys() - entered)]
    misplaced = [
        difference
        for entry, before in _with_the_one_before(entries)
        if entry.digest in bundles
        for difference in _misplaced(entry, bundles[entry.digest], before)
    ]
    return [*lost, *unknown, *misplaced]


def outline(bundle: Bundle) -> Bundle:
    """The little of a bundle that :func:`chain_differences` looks at, to hold thousands of them."""
    predicate = bundle.document.get("predicate")
    if not isinstance(predicate, Mapping):
        return Bundle({}, bundle.digest)
    kept = {key: predicate[key] for key in ("subject", "previous") if key in predicate}
    return Bundle({"predicate": kept}, bundle.digest)


def place_differences(entries: Sequence[Entry], bundle: Bundle) -> list[str]:
    """Where one bundle is not in the place that a ledger gives it; others are not asked for."""
    places = [
        (entry, before)
        for entry, before in _with_the_one_before(entries)
        if entry.digest == str(bundle.digest)
    ]
    if not places:
        return [_unknown(str(bundle.digest))]
    return [difference for place in places for difference in _misplaced(place[0], bundle, place[1])]


def _unknown(digest: str) -> str:
    return f"bundle {digest}: the ledger has no entry for it"


def _with_the_one_before(entries: Sequence[Entry]) -> Iterator[tuple[Entry, str | None]]:
    """Every bundle entry, with the digest of the bundle before about the same kind and name."""
    newest: dict[tuple[Scalar, str], str] = {}
    for entry in entries:
        if entry.kind == "bundle":
            about = (entry.about.get("kind"), entry.subject)
            yield entry, newest.get(about)
            newest[about] = entry.digest


def _misplaced(entry: Entry, bundle: Bundle, before: str | None) -> Iterator[str]:
    place = f"ledger entry {entry.sequence}: bundle {entry.digest}"
    if str(bundle.digest) != entry.digest:
        yield f"{place}: found a bundle with digest {bundle.digest}"
    predicate = bundle.document.get("predicate")
    subject = predicate.get("subject") if isinstance(predicate, Mapping) else None
    if not isinstance(predicate, Mapping) or not isinstance(subject, Mapping):
        yield f"{place}: it says not what it is about"
        return
    expected = (entry.about.get("kind"), entry.subject)
    found = (subject.get("kind"), subject.get("name"))
    if found != expected:
        yield f"{place}: expected it to be about {_named(expected)}, found {_named(found)}"
    # The first version of the predicate named no previous bundle.
    if "previous" in predicate and predicate["previous"] != before:
        yield (
            f"{place}: expected previous {before or 'none'}, "
            f"found {predicate['previous'] or 'none'}"
        )


def _named(about: tuple[object, object]) -> str:
    return " ".join(map(str, about))
