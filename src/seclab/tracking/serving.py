"""What a serving process asks: which model is the champion, and is that proven?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sklearn.pipeline import Pipeline

from seclab.errors import EvidenceMismatch, NotEvaluated, UntrustedModel
from seclab.evidence.keys import Keyring
from seclab.evidence.ledger import Entry, ledger_differences
from seclab.evidence.signing import check
from seclab.fingerprint import of_bytes
from seclab.settings import Settings
from seclab.shelf.moves import grounds, move_differences, place_problem, said
from seclab.shelf.records import CHAMPION, Champion
from seclab.tracking.decisions import load_record, model_file
from seclab.tracking.ledger import read_ledger
from seclab.tracking.reading import champion
from seclab.tracking.store import Store, open_store


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A champion whose whole chain was checked.

    Attributes:
        champion: The version.
        pipeline: The model, loaded from the file that was checked.
        record: What was decided when it became the champion.
        signed_by: ID of the key the record is signed with, empty when it is unsigned.
    """

    champion: Champion
    pipeline: Pipeline
    record: Mapping[str, Any]
    signed_by: str


def load_champion(
    settings: Settings, *, keyring: Keyring, require_signature: bool = True
) -> ServedModel:
    """Load the champion, if every link from its alias to its bytes holds.

    alias -> version -> ledger -> decision record -> signature -> model digest -> safe loading

    Args:
        settings: The project.
        keyring: The public keys that are trusted.
        require_signature: Refuse a record that nobody signed.

    Raises:
        NotEvaluated: There is no champion.
        EvidenceMismatch: A link does not hold; all that do not are named.
        UntrustedModel: The file is not the model of the record, or holds foreign code.
        StoreUnavailable: The store cannot be read.
    """
    store, name = open_store(settings), settings.registered_model
    found = champion(store, name)
    if found is None:
        raise NotEvaluated(f"{name} has no champion: nothing was promoted yet")
    entries = read_ledger(store)
    differences = [*ledger_differences(entries), *move_differences(entries)]
    entry = grounds(entries, name, found.number)
    if entry is None:
        differences.append(
            f"the alias {CHAMPION} points at {name} v{found.number}, the ledger says "
            f"{said(entries, name)}: it was moved by hand; `seclab promote RUN` or "
            "`seclab rollback` moves it with proof"
        )
        raise EvidenceMismatch(differences)
    kept = load_record(store, name, found.number, entry.digest)
    predicate = kept["record"]["predicate"]
    signed_by, problem = _signature(kept, keyring)
    if problem or (require_signature and not signed_by):
        differences.append(f"the record of {name} v{found.number}: {problem or 'it is unsigned'}")
    differences += _record_differences(predicate, found, entries, entry)
    if differences:
        raise EvidenceMismatch(differences)
    return _serve(store, found, predicate, signed_by)


def _serve(store: Store, of: Champion, predicate: Mapping[str, Any], signed_by: str) -> ServedModel:
    from seclab.models.persistence import loads  # noqa: PLC0415 - only who serves needs it

    data = model_file(store, of.name, of.number)
    found, expected = of_bytes(data), predicate["model"]
    if str(found) != expected:
        raise UntrustedModel(
            f"the file of {of.name} v{of.number}: expected {expected}, found {found}"
        )
    return ServedModel(of, loads(data, expected=found), predicate, signed_by)


def _record_differences(
    predicate: Mapping[str, Any], of: Champion, entries: Sequence[Entry], entry: Entry
) -> Iterator[str]:
    """Where a record is not about this version, or was not made for its place in the ledger."""
    record = f"the record of {of.name} v{of.number}"
    if (predicate["name"], predicate["version"]) != (of.name, of.number):
        yield f"{record} is about {predicate['name']} v{predicate['version']}"
    if predicate["move"] == "promotion-refused":
        yield f"{record} is that of a refusal"
    if problem := place_problem(entries, entry, str(predicate.get("ledger", ""))):
        yield f"{record}: {problem}"


def _signature(kept: Mapping[str, Any], keyring: Keyring) -> tuple[str, str]:
    """ID of the key of a record's signature and what is wrong with it, each maybe empty."""
    if not kept.get("envelope"):
        return "", ""
    # The time inside is the one that is signed; the ledger's is anybody's.
    at = datetime.fromisoformat(kept["record"]["predicate"]["at"])
    signed = check(kept["envelope"], kept["record"], keyring=keyring, role="pipeline", at=at)
    return signed.keyid, signed.problem
