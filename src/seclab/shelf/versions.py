"""Whether what is kept with a model version is what the ledger and the evidence say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seclab.errors import EvidenceMismatch, SeclabError
from seclab.evidence import Bundle, decision_of, plain
from seclab.evidence.json_text import parse
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import Entry, Kind
from seclab.evidence.signing import signer_of
from seclab.fingerprint import of_file, of_json
from seclab.shelf.decisions import read_record, record_differences, record_name, signature_of
from seclab.shelf.moves import MOVED, decided_upon
from seclab.shelf.records import (
    DECISIONS,
    DIGEST_TAG,
    MODEL_FILE,
    RECORD_TAG,
    REFUSED_AT_TAG,
    REFUSED_TAG,
    Registered,
)

_INTENT: Kind = "promotion-intent"
_REFUSAL: Kind = "promotion-refused"
_RECORDED = (_INTENT, *MOVED, _REFUSAL)
# What MLflow calls a file that it has not written to its end.
_UNFINISHED = ".artifact.uploading."
_MALFORMED = (SeclabError, AttributeError, LookupError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the evidence of a run says, as far as a version repeats it.

    Attributes:
        model: Digest of the model that was evaluated.
        decision: Digest of the decision.
    """

    model: str
    decision: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a version is compared with.

    Attributes:
        entries: The ledger.
        own: The entries of it that name a record of this version.
        evidence: What the runs say that evaluated this version, by run.
        keyring: The public keys that are trusted.
    """

    entries: Sequence[Entry]
    own: Sequence[Entry]
    evidence: Mapping[str, Judged]
    keyring: Keyring


def judged(bundle: Bundle) -> Judged | None:
    """What a bundle says; ``None`` for a malformed one, which the schema names."""
    try:
        return Judged(bundle.predicate["subject"]["digest"], _digest_of_decision(bundle))
    except _MALFORMED:
        return None


def _digest_of_decision(bundle: Bundle) -> str:
    # By its meaning: what an older bundle does not say is what it means by default.
    return str(of_json(plain(decision_of(bundle))))


def entries_by_version(entries: Sequence[Entry], name: str) -> dict[str, list[Entry]]:
    """The entries that name a record which is kept with a version, by version.

    An intent that was given up is left out: it was, because its record is gone.

    Args:
        entries: The ledger.
        name: Name of the registered model.
    """
    given_up = {e.about.get("intent") for e in entries if e.kind == "promotion-abandoned"}
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if (entry.subject, entry.kind in _RECORDED) != (name, True):
            continue
        if entry.kind != _INTENT or entry.sequence not in given_up:
            found.setdefault(str(entry.about.get("version")), []).append(entry)
    return found


def version_differences(version: Registered, folder: Path, known: Known) -> list[str]:
    """Where a version or a file kept with it is not what ledger and evidence say.

    Args:
        version: The version.
        folder: The files kept with it.
        known: What it is compared with.

    Returns:
        The differences; empty when there are none.
    """
    return [
        *_model_differences(version, folder, known.evidence),
        *_tag_differences(version, known.own),
        *_recorded_differences(version, folder / DECISIONS, known),
        *_other_differences(version, folder / DECISIONS, known),
    ]


def _model_differences(
    version: Registered, folder: Path, evidence: Mapping[str, Judged]
) -> Iterator[str]:
    for run_id, run in evidence.items():
        if version.digest != run.model:
            yield (
                f"tag {DIGEST_TAG}: expected {run.model} by the evidence of run {run_id}, found "
                f"{version.digest or 'none'}"
            )
    file = folder / MODEL_FILE
    found = str(of_file(file)) if file.is_file() else "no file"
    if found != version.digest:
        yield f"{MODEL_FILE}: expected {version.digest or 'none by its tag'}, found {found}"


def _tag_differences(version: Registered, own: Sequence[Entry]) -> Iterator[str]:
    """Tags of decisions that no entry is about: each is written after its entry."""
    refused = [entry for entry in own if entry.kind == _REFUSAL]
    entered = {
        RECORD_TAG: {entry.digest for entry in own if entry.kind != _REFUSAL},
        REFUSED_TAG: {entry.run for entry in refused},
        REFUSED_AT_TAG: {entry.at for entry in refused},
    }
    for tag, values in entered.items():
        found = version.tags.get(tag, "")
        if found and found not in values:
            yield f"tag {tag}: expected a ledger entry about {found}, found none"


def _recorded_differences(version: Registered, folder: Path, known: Known) -> list[str]:
    """Where the records that the ledger names are not there as they were entered."""
    found: list[str] = []
    by_digest: dict[str, list[Entry]] = {}
    for entry in known.own:
        by_digest.setdefault(entry.digest, []).append(entry)
    for digest, named in by_digest.items():
        what = f"the record of ledger entry {named[0].sequence}"
        try:
            kept, digest_of_kept = read_record(folder / record_name(digest), what=what)
        except EvidenceMismatch as error:
            found += error.problems
            continue
        if digest_of_kept != digest:
            found.append(f"{what}: expected {digest}, found {digest_of_kept}")
        for entry in named:
            found += record_differences(
                kept["record"]["predicate"], known.entries, entry, what=what
            )
        found += _kept_differences(version, kept, known.keyring, what=what)
        found += _signer_differences(named, kept, what=what)
    return list(dict.fromkeys(found))


def _kept_differences(
    version: Registered, kept: Mapping[str, Any], keyring: Keyring, *, what: str
) -> Iterator[str]:
    """Where a record is not signed as it should be, or made another model the champion."""
    predicate, signed = kept["record"]["predicate"], signature_of(kept, keyring)
    if signed is not None and signed.problem:
        yield f"{what}: {signed.problem}"
    if signed is None and predicate.get("forced"):
        yield f"{what}: expected a signature, as it was forced, found none"
    if predicate["move"] in MOVED and predicate["model"] != version.digest:
        yield (
            f"{what} is about a model of digest {predicate['model']}, that of the version is "
            f"{version.digest or 'not known'}"
        )


def _signer_differences(
    named: Sequence[Entry], kept: Mapping[str, Any], *, what: str
) -> Iterator[str]:
    """Where a signature was taken away: nothing in a record itself says that it had one."""
    found = signer_of(kept["envelope"])
    for expected in {str(entry.about.get("signed_by", found)) for entry in named} - {found}:
        yield f"{what}: expected it signed by {expected or 'nobody'}, found {found or 'nobody'}"


def _other_differences(version: Registered, folder: Path, known: Known) -> Iterator[str]:
    """Where files that no entry names are not what this tool may have left there."""
    about = (version.name, version.number)
    named = {
        record_name(entry.digest)
        for entry in known.entries
        if (entry.subject, entry.about.get("version")) == about
    }
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        file, run_id = f"{DECISIONS}/{path.name}", path.stem.removeprefix("decision-")
        if path.name in named or path.name.startswith(_UNFINISHED):
            continue
        if path.match("record-*.json"):
            yield from _unentered(version, path, known)
        elif not path.match("decision-*.json"):
            yield f"{file}: expected decisions alone, found another file"
        elif run_id in known.evidence:
            found = _noted(path)
            if found != known.evidence[run_id].decision:
                yield f"{file}: expected the decision of that run, found {found}"


def _unentered(version: Registered, path: Path, known: Known) -> Iterator[str]:
    """Where a record without an entry is not what an interrupted promotion leaves.

    It is kept before it is entered. So the ledger has no entry for that of a process which was
    killed in between, or whose promotion came second of two at once.
    """
    what = f"{DECISIONS}/{path.name}"
    try:
        kept, digest = read_record(path, what=what)
    except EvidenceMismatch as error:
        yield from error.problems
        return
    predicate = kept["record"]["predicate"]
    if path.name != record_name(digest):
        yield f"{what}: expected the record that it is named after, found {digest}"
    if (predicate["name"], predicate["version"]) != (version.name, version.number):
        yield f"{what} is about {predicate['name']} v{predicate['version']}"
    newest = str(predicate.get("ledger", ""))
    if decided_upon(known.entries, newest) is None:
        yield f"{what}: it was decided upon ledger entry {newest}, which is not there"
    yield from _kept_differences(version, kept, known.keyring, what=what)


def _noted(path: Path) -> str:
    """Digest of the decision in a file."""
    try:
        decision = parse(path.read_bytes())
        return _digest_of_decision(Bundle({"predicate": {"decision": decision}}, of_file(path)))
    except (OSError, *_MALFORMED):
        return "none"
