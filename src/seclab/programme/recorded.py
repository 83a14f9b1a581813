"""The figures that were recorded, as the ledger names them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seclab.errors import EvidenceMismatch, SeclabError
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import Entry
from seclab.evidence.signing import signer_of
from seclab.programme.document import TEXTS, figures_of
from seclab.programme.records import Figures
from seclab.shelf import Shelf
from seclab.shelf.decisions import read_record, record_name, signature_of
from seclab.shelf.moves import decided_upon
from seclab.shelf.records import PROGRAMME


@dataclass(frozen=True, slots=True)
class Recorded:
    """Figures that were recorded.

    Attributes:
        entry: Their entry in the ledger.
        kept: Their file: the document and its signed form, which is ``None`` where nobody signed.
        figures: The figures.
    """

    entry: Entry
    kept: Mapping[str, Any]
    figures: Figures


def recordings(entries: Sequence[Entry]) -> list[Entry]:
    """The entries of recorded figures, the oldest first."""
    return [entry for entry in entries if entry.kind == PROGRAMME]


def last_recorded(shelf: Shelf, entries: Sequence[Entry]) -> Recorded | None:
    """The figures that were recorded last, if any were.

    Raises:
        EvidenceMismatch: They are gone or were changed.
        StoreUnavailable: The store cannot be read.
    """
    own = recordings(entries)
    return read_recorded(shelf, own[-1]) if own else None


def read_recorded(shelf: Shelf, entry: Entry) -> Recorded:
    """The figures that an entry of the ledger names.

    Raises:
        EvidenceMismatch: They are gone or were changed.
        StoreUnavailable: The store cannot be read.
    """
    what = f"the programme figures of ledger entry {entry.sequence}"
    path = shelf.files(entry.run) / record_name(entry.digest)
    kept, digest = read_record(path, what=what, texts=TEXTS)
    if digest != entry.digest:
        raise EvidenceMismatch(f"{what}: expected {entry.digest}, found {digest}")
    return Recorded(entry, kept, figures_of(kept["record"], what=what))


def recorded_differences(
    shelf: Shelf, entries: Sequence[Entry], entry: Entry, *, keyring: Keyring
) -> Iterator[str]:
    """Where recorded figures are not what was entered, or not signed as they were.

    Args:
        shelf: The store.
        entries: The whole ledger.
        entry: The entry of the figures.
        keyring: The public keys that are trusted.
    """
    try:
        kept = read_recorded(shelf, entry).kept
    except SeclabError as error:
        yield from error.problems
        return
    what, predicate = f"ledger entry {entry.sequence}", kept["record"]["predicate"]
    if predicate["at"] != entry.at:
        yield f"{what}: expected figures of {entry.at}, found those of {predicate['at']}"
    before = [each for each in entries if each.sequence < entry.sequence]
    if decided_upon(before, predicate["ledger"]) is None:
        yield f"{what}: computed upon ledger entry {predicate['ledger']}, which is not there"
    signer, expected = signer_of(kept["envelope"]), entry.about.get("signed_by")
    if signer != expected:
        yield f"{what}: expected it signed by {expected or 'nobody'}, found {signer or 'nobody'}"
    signed = signature_of(kept, keyring)
    if signed is not None and signed.problem:
        yield f"{what}: {signed.problem}"
