"""Checking evidence: everything that can be computed again is computed again."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from seclab.errors import EvidenceMismatch, SeclabError
from seclab.evidence.bundle import (
    APPROVALS,
    BUNDLE_FILE,
    ENVELOPE_FILE,
    REPORT_FILE,
    ROW_DECISIONS,
    Bundle,
    artifact_digests,
    plain,
    read,
    statement_subjects,
)
from seclab.evidence.comparison import json_differences
from seclab.evidence.contents import champion_of, decide_again, outcomes_of
from seclab.evidence.custody import custody_differences
from seclab.evidence.json_text import parse
from seclab.evidence.keyring import Keyring
from seclab.evidence.schema import schema_problems
from seclab.evidence.signing import Signed, check
from seclab.evidence.statements import payload
from seclab.outcome import Evaluated

# Written after sealing, so that the bundle cannot pin them: its own two forms, and the page made
# of it. Approvals and decisions about rows come later still; the ledger has the digest of each.
_WRITTEN_AFTERWARDS = {BUNDLE_FILE, ENVELOPE_FILE, REPORT_FILE, APPROVALS, ROW_DECISIONS}

# What a criterion says, without how it words it: later versions may word it better, and old
# bundles must stay verifiable. The wording is pinned by the digest of the bundle. Each with what
# it is where a bundle is older than the field.
_DECIDED = {
    "risks": None,
    "verdict": None,
    "value": None,
    "judged": None,
    "bound": None,
    "waiver": "",
}


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of looking at a run's files.

    Attributes:
        bundle: The bundle that was found.
        signed: Its signature, ``None`` where it has none.
        differences: Everything that is not as it should be; empty when nothing was found.
    """

    bundle: Bundle
    signed: Signed | None
    differences: tuple[str, ...]


def examine(
    folder: Path,
    *,
    keyring: Keyring,
    expected_digest: str | None,
    beside: Collection[str] = (),
) -> Examination:
    """Verify a run from its files alone: bundle, signature and every file the bundle pins.

    Args:
        folder: The files of a run.
        keyring: The public keys that count.
        expected_digest: The digest recorded for the bundle; ``None`` where there is no record.
        beside: Files and folders in it that are not the run's.

    Returns:
        The bundle with its differences. Being unsigned is none: whether that is enough is the
        gate's question, and ``signed`` says it.

    Raises:
        EvidenceMismatch: There is no bundle that could be read.
    """
    bundle = read_file(folder / BUNDLE_FILE)
    envelope = folder / ENVELOPE_FILE
    signed = signature_of(bundle, envelope, keyring=keyring)
    differences = verify(bundle, expected_digest=expected_digest, artifacts=folder, beside=beside)
    differences += signature_differences(bundle, envelope, signed)
    return Examination(bundle, signed, tuple(differences))


def read_file(path: Path) -> Bundle:
    """The bundle in a file.

    Raises:
        EvidenceMismatch: There is none, or it is no bundle.
    """
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise EvidenceMismatch(f"{path}: the bundle cannot be read: {error.strerror}") from error


def signature_of(bundle: Bundle, envelope: Path, *, keyring: Keyring) -> Signed | None:
    """The signature of a bundle.

    Args:
        bundle: What has to be signed.
        envelope: Where its signed form is kept.
        keyring: The public keys that count.

    Returns:
        Who signed, and what is wrong with it if anything is; ``None`` without an envelope.
    """
    if not envelope.exists():
        return None
    try:
        found = parse(envelope.read_bytes())
        at = datetime.fromisoformat(bundle.predicate["finished"])
    except (OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        return Signed(keyid="", role="", owner="", problem=f"it cannot be read: {error}")
    return check(found, bundle.document, keyring=keyring, role="pipeline", at=at)


def signature_differences(bundle: Bundle, envelope: Path, signed: Signed | None) -> list[str]:
    """What is wrong with a signature; and where the bundle is not what its signed form says."""
    if signed is None or not signed.problem:
        return []
    try:
        sealed = payload(parse(envelope.read_bytes()))
    except (SeclabError, OSError, ValueError, RecursionError):
        sealed = bundle.document
    return [f"signature: {signed.problem}", *json_differences(sealed, bundle.document)]


def verify(
    bundle: Bundle,
    *,
    expected_digest: str | None,
    artifacts: Path | None = None,
    beside: Collection[str] = (),
) -> list[str]:
    """Compare a bundle with its recorded digest, its schema, itself, and the files beside it.

    Args:
        bundle: The document as it is now.
        expected_digest: The digest recorded when it was sealed; ``None`` where none was, which
            leaves what does not decide to the signature.
        artifacts: Folder of the files the bundle pins; ``None`` leaves them unchecked.
        beside: Files and folders in it that are not the run's.

    Returns:
        The differences, each with what was expected and what was found; empty when there are none.
    """
    differences = []
    if expected_digest is not None and str(bundle.digest) != expected_digest:
        differences.append(f"bundle: expected digest {expected_digest}, found {bundle.digest}")
    malformed = schema_problems(bundle.document)
    differences += malformed
    parts = [
        _statement_differences(bundle),
        _time_differences(bundle),
        _rate_differences(bundle),
        _custody_differences(bundle),
        _decision_differences(bundle),
    ]
    if artifacts is not None:
        parts.append(_file_differences(bundle, artifacts, beside))
    for part in parts:
        # What cannot be compared because of its shape, the schema has named already.
        differences += _until_malformed(part, silent=bool(malformed))
    return differences


def _until_malformed(differences: Iterator[str], *, silent: bool) -> Iterator[str]:
    """The differences; a document that does not even have the parts to compare is one as well."""
    try:
        yield from differences
    except (SeclabError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        if not silent:
            yield f"bundle: a part is missing or malformed: {error}"


def _statement_differences(bundle: Bundle) -> Iterator[str]:
    """Where the statement is about something else than the predicate inside it."""
    expected = [_pinned(entry) for entry in statement_subjects(bundle.predicate)]
    found = [_pinned(entry) for entry in bundle.document["subject"]]
    if expected == found:
        return
    lost, added = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    for entry in sorted(lost.elements()):
        yield f"statement: expected subject {entry}, found none"
    for entry in sorted(added.elements()):
        yield f"statement: expected no subject {entry}, found one"
    if not lost and not added:
        yield f"statement: expected subjects in the order {expected}, found {found}"


def _pinned(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']} sha256:{entry['digest']['sha256']}"


def _time_differences(bundle: Bundle) -> Iterator[str]:
    started, finished = (
        datetime.fromisoformat(bundle.predicate[key]) for key in ("started", "finished")
    )
    if finished < started:
        yield f"finished: expected not before {started.isoformat()}, found {finished.isoformat()}"
    for outcome in outcomes_of(bundle):
        if outcome.measured_at and outcome.measured_at > finished:
            yield (
                f"{outcome.evaluation}: expected it measured not after {finished.isoformat()}, "
                f"found {outcome.measured_at.isoformat()}"
            )


def _rate_differences(bundle: Bundle) -> Iterator[str]:
    """Where a rate is not the one that the answers kept with it give."""
    champion = champion_of(bundle)
    measured = [o.measurements for o in outcomes_of(bundle) if isinstance(o, Evaluated)]
    for measurement in chain(*measured, champion.measurements if champion else ()):
        kept = measurement.per_sample
        if kept and not kept.gives(measurement.value, measurement.n):
            yield (
                f"{measurement.evaluation}: {measurement.label()}: expected "
                f"{kept.hits.count('1')} of {len(kept.hits)} by its samples, found "
                f"{measurement.value} of n={measurement.n}"
            )


def _custody_differences(bundle: Bundle) -> Iterator[str]:
    """Where the manifests do not describe the datasets, or give another coverage."""
    yield from custody_differences(bundle.predicate)


def _decision_differences(bundle: Bundle) -> Iterator[str]:
    """Where the recorded decision is not the one that the measurements give."""
    again, recorded = plain(decide_again(bundle)), bundle.predicate["decision"]
    for key in ("subject", "verdict"):
        if again[key] != recorded[key]:
            yield f"decision: expected {key} {again[key]}, found {recorded[key]}"
    expected, found = (_by_criterion(decision["criteria"]) for decision in (again, recorded))
    for criterion in sorted(expected.keys() | found.keys()):
        if criterion not in found:
            yield f"decision: criterion {criterion} is missing"
        elif criterion not in expected:
            yield f"decision: criterion {criterion} follows from nothing in the bundle"
        else:
            for difference in _criterion_differences(expected[criterion], found[criterion]):
                yield f"decision: criterion {criterion}: {difference}"


def _by_criterion(results: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Results by criterion: two suites may make the same check."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        found.setdefault(result["criterion"], []).append(result)
    return found


def _criterion_differences(
    expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if len(expected) != len(found):
        yield f"expected {len(expected)} results, found {len(found)}"
        return
    for one, other in zip(expected, found, strict=True):
        for key, default in _DECIDED.items():
            value, recorded = one.get(key, default), other.get(key, default)
            if value != recorded:
                yield f"expected {key} {value}, found {recorded}"


def _file_differences(bundle: Bundle, folder: Path, beside: Collection[str]) -> Iterator[str]:
    recorded = bundle.predicate["artifacts"]
    files = {name: str(digest) for name, digest in artifact_digests(folder).items()}
    unpinned = {*_WRITTEN_AFTERWARDS, *beside}
    for name in sorted(recorded.keys() | files.keys()):
        if name not in recorded and (name in unpinned or name.partition("/")[0] in unpinned):
            continue
        expected, found = recorded.get(name, "no file"), files.get(name, "no file")
        if found != expected:
            yield f"{name}: expected {expected}, found {found}"
