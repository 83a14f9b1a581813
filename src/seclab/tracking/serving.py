"""What a serving process asks: which model is the champion, and is that proven?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from seclab.errors import EvidenceMismatch, NotEvaluated, UntrustedModel
from seclab.evidence.keys import Keyring
from seclab.evidence.ledger import ledger_differences
from seclab.fingerprint import of_bytes
from seclab.settings import Settings
from seclab.shelf.decisions import record_differences, signature_of
from seclab.shelf.moves import grounds, move_differences, said
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
    predicate, what = kept["record"]["predicate"], f"the record of {name} v{found.number}"
    signed = signature_of(kept, keyring)
    if signed is None and require_signature:
        differences.append(f"{what}: it is unsigned")
    if signed is not None and signed.problem:
        differences.append(f"{what}: {signed.problem}")
    differences += record_differences(predicate, entries, entry, what=what)
    if differences:
        raise EvidenceMismatch(differences)
    return _serve(store, found, predicate, signed.keyid if signed else "")


def _serve(store: Store, of: Champion, predicate: Mapping[str, Any], signed_by: str) -> ServedModel:
    from seclab.models.persistence import loads  # noqa: PLC0415 - only who serves needs it

    data = model_file(store, of.name, of.number)
    found, expected = of_bytes(data), predicate["model"]
    if str(found) != expected:
        raise UntrustedModel(
            f"the file of {of.name} v{of.number}: expected {expected}, found {found}"
        )
    return ServedModel(of, loads(data, expected=found), predicate, signed_by)
