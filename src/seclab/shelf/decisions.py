"""The records of decisions about a model version: reading one, and what it has to agree with."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from seclab.errors import EvidenceMismatch
from seclab.evidence.json_text import parse
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import Entry
from seclab.evidence.signing import Signed, check
from seclab.fingerprint import of_json
from seclab.shelf.moves import place_problem

_FIELDS = {"record", "envelope"}
_TEXTS = ("move", "name", "version", "model", "run")


def record_name(digest: str) -> str:
    """Name of the file that the record of a digest is kept in."""
    return f"record-{digest.rpartition(':')[2][:16]}.json"


def read_record(
    path: Path, *, what: str, texts: Sequence[str] = _TEXTS
) -> tuple[dict[str, Any], str]:
    """The record of a decision, from its file.

    Args:
        path: The file.
        what: What is read, as the beginning of a sentence.
        texts: What it has to say.

    Returns:
        Its parts, ``record`` and ``envelope``, which is ``None`` where it is unsigned, and the
        digest of the record.

    Raises:
        EvidenceMismatch: It is missing or damaged.
    """
    try:
        kept = parse(path.read_bytes())
        if not isinstance(kept, dict) or set(kept) != _FIELDS:
            raise ValueError(f"it must have exactly the fields {', '.join(sorted(_FIELDS))}")
        digest = str(of_json(kept["record"]))
        predicate = kept["record"]["predicate"]
        datetime.fromisoformat(predicate["at"])
        if wrong := [name for name in texts if not isinstance(predicate[name], str)]:
            raise ValueError(f"it has no text for {', '.join(wrong)}")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise EvidenceMismatch(f"{what} is missing or damaged: {why}") from error
    return kept, digest


def signature_of(kept: Mapping[str, Any], keyring: Keyring) -> Signed | None:
    """What the signature of a record is worth; ``None`` when nobody signed it."""
    if kept["envelope"] is None:
        return None
    # The time inside is the one that is signed; the ledger's is anybody's.
    at = datetime.fromisoformat(kept["record"]["predicate"]["at"])
    return check(kept["envelope"], kept["record"], keyring=keyring, role="pipeline", at=at)


def record_differences(
    predicate: Mapping[str, Any], entries: Sequence[Entry], entry: Entry, *, what: str
) -> Iterator[str]:
    """Where a record does not say what the ledger entry says that names it.

    Args:
        predicate: What the record says.
        entries: The ledger.
        entry: The entry of it.
        what: The record, as the beginning of a sentence.
    """
    move = entry.about.get("move") if entry.kind == "promotion-intent" else entry.kind
    expected = (entry.subject, entry.about.get("version"))
    if (predicate["name"], predicate["version"]) != expected:
        yield f"{what} is about {predicate['name']} v{predicate['version']}"
    if predicate["move"] != move:
        yield f"{what} is that of a {predicate['move']}, expected that of a {move}"
    if predicate["run"] != entry.run:
        yield f"{what} is about run {predicate['run']}, expected {entry.run}"
    if problem := place_problem(entries, entry, str(predicate.get("ledger", ""))):
        yield f"{what}: {problem}"
