"""The quarantine of a dataset, read from the ledger, the refusals and the decisions it names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence.bundle import ROW_DECISIONS
from seclab.evidence.keyring import Keyring
from seclab.evidence.ledger import Entry, ledger_differences
from seclab.evidence.signing import check, signer_of
from seclab.evidence.statements import ROW_DECISION_TYPE
from seclab.fingerprint import ROW_RECIPE, of_bytes
from seclab.quarantine import (
    SUSPECTED_FILE,
    Choice,
    Found,
    Quarantine,
    RowDecision,
    hold,
    read_finding,
)
from seclab.shelf.decisions import read_record, record_name
from seclab.shelf.moves import decided_upon
from seclab.shelf.records import QUARANTINED, Evidence, Shelf

_TEXTS = ("choice", "dataset", "recipe", "by", "reason", "run", "at", "ledger")
# What MLflow calls a file that it has not written to its end.
_UNFINISHED = ".artifact.uploading."


def quarantined_datasets(entries: Sequence[Entry]) -> list[str]:
    """Names of the datasets of which rows were ever found to be set aside."""
    return sorted({entry.subject for entry in _findings(entries)})


def read_quarantine(
    shelf: Shelf, dataset: str, *, keyring: Keyring, signatures: bool
) -> Quarantine:
    """The quarantine of a dataset, as the ledger has it.

    A refusal whose process died before it was closed is void, and so is what it found.

    Args:
        shelf: The store.
        dataset: Name of the dataset.
        keyring: The public keys that are trusted.
        signatures: Whether a decision counts only when the key of a person's role signed it.

    Raises:
        EvidenceMismatch: A finding or a decision that the ledger names is gone or was changed, or
            the ledger is not whole: nobody knows what is set aside, so nothing may be trained.
        StoreUnavailable: The store cannot be read.
    """
    entries = shelf.ledger()
    runs = _Runs(shelf, {})
    found = [runs.found(entry) for entry in _findings(entries) if entry.subject == dataset]
    decisions = [
        runs.decision(entry, entries, keyring=keyring, signatures=signatures)
        for entry in entries
        if (entry.kind, entry.subject) == ("quarantine", dataset)
    ]
    broken = ledger_differences(entries) if found or decisions else []
    if broken:
        raise EvidenceMismatch([f"what is set aside of {dataset}: {what}" for what in broken])
    newest = entries[-1].digest_of_entry if entries else ""
    return hold(dataset, found, decisions, ledger=newest)


def _findings(entries: Iterable[Entry]) -> list[Entry]:
    """The entries of bundles that put rows into quarantine."""
    entries = list(entries)
    voided = {(entry.run, entry.digest) for entry in entries if entry.kind == "void"}
    return [
        entry
        for entry in entries
        if entry.kind == "bundle"
        and QUARANTINED in entry.about
        and (entry.run, entry.digest) not in voided
    ]


@dataclass(frozen=True, slots=True)
class _Runs:
    """The runs that quarantine rests on; each is read once."""

    shelf: Shelf
    known: dict[str, Path]

    def found(self, entry: Entry) -> Found:
        """What the run of a bundle's entry found, if it is what was entered."""
        what = f"the rows that run {entry.run} set aside (ledger entry {entry.sequence})"
        try:
            data = (self._folder(entry.run, entry.digest, what) / SUSPECTED_FILE).read_bytes()
        except OSError as error:
            raise EvidenceMismatch(f"{what} cannot be read: {error.strerror}") from error
        digest, expected = str(of_bytes(data)), entry.about[QUARANTINED]
        if digest != expected:
            raise EvidenceMismatch(f"{what}: expected {expected}, found {digest}")
        finding = read_finding(data)
        if finding.dataset != entry.subject:
            raise EvidenceMismatch(f"{what} are of {finding.dataset}, expected {entry.subject}")
        return Found(finding, entry.run, datetime.fromisoformat(entry.at))

    def decision(
        self, entry: Entry, entries: Sequence[Entry], *, keyring: Keyring, signatures: bool
    ) -> RowDecision:
        """What a decision's entry names, if it is what was entered, and what is wrong with it."""
        what = f"the decision of ledger entry {entry.sequence}"
        sealed = (e.digest for e in entries if (e.kind, e.run) == ("bundle", entry.run))
        folder = self._folder(entry.run, next(sealed, ""), what) / ROW_DECISIONS
        kept = _entered(folder, entry, entries, what=what)
        predicate = kept["record"]["predicate"]
        problem = _signature_problem(kept, keyring)
        if not problem and signatures and kept["envelope"] is None:
            problem = "it is unsigned"
        return RowDecision(
            choice=predicate["choice"],
            rows=tuple(predicate["rows"]),
            by=predicate["by"],
            reason=predicate["reason"],
            at=datetime.fromisoformat(predicate["at"]),
            digest=entry.digest,
            signed_by=signer_of(kept["envelope"]),
            problem=problem,
        )

    def _folder(self, run_id: str, bundle: str, what: str) -> Path:
        if run_id not in self.known:
            try:
                run = self.shelf.find(run_id)
                # A run that is just being closed has no tag yet that says so; the ledger does.
                run = replace(run, bundle_digest=run.bundle_digest or bundle)
                self.known[run_id] = self.shelf.evidence(run).folder
            except Misconfigured as error:
                raise EvidenceMismatch(
                    f"{what}: the run is not in the store any more; restore it "
                    f"(`mlflow runs restore --run-id {run_id}`): {error}"
                ) from error
        return self.known[run_id]


def _entered(
    folder: Path, entry: Entry, entries: Sequence[Entry], *, what: str
) -> Mapping[str, Any]:
    """The record that an entry names.

    Raises:
        EvidenceMismatch: It is gone, is another, or does not say what the entry says.
    """
    kept, digest = _read(folder / record_name(entry.digest), what=what)
    problems = [f"{what}: expected {entry.digest}, found {digest}"] * (digest != entry.digest)
    predicate = kept["record"]["predicate"]
    expected = {
        "choice": entry.about.get("choice"),
        "dataset": entry.subject,
        "run": entry.run,
        "by": entry.about.get("by"),
        "at": entry.at,
    }
    problems += [
        f"{what}: expected {name} {value} by the ledger, found {predicate[name]}"
        for name, value in expected.items()
        if predicate[name] != value
    ]
    signer = signer_of(kept["envelope"])
    if signer != entry.about.get("signed_by"):
        problems.append(
            f"{what}: expected it signed by {entry.about.get('signed_by') or 'nobody'}, found "
            f"{signer or 'nobody'}"
        )
    before = [each for each in entries if each.sequence < entry.sequence]
    if problem := decided_since(before, entry.subject, predicate["ledger"]):
        problems.append(f"{what}: {problem}")
    if problems:
        raise EvidenceMismatch(problems)
    return kept


def _read(path: Path, *, what: str) -> tuple[Mapping[str, Any], str]:
    kept, digest = read_record(path, what=what, texts=_TEXTS)
    record, predicate = kept["record"], kept["record"]["predicate"]
    rows = predicate.get("rows")
    if (
        record.get("predicateType") != ROW_DECISION_TYPE
        or predicate["recipe"] != ROW_RECIPE
        or predicate["choice"] not in get_args(Choice)
        or not (isinstance(rows, list) and all(isinstance(row, str) for row in rows))
    ):
        raise EvidenceMismatch(f"{what} is no decision about rows")
    return kept, digest


def decided_since(entries: Sequence[Entry], dataset: str, newest: str) -> str:
    """Why a decision does not follow the entries before it; empty when it does.

    A record names the newest entry at the time of the decision, so that a signed one cannot be
    entered again after others, and two people who decide at once do not overrule one another
    unseen.

    Args:
        entries: The ledger before the decision.
        dataset: The dataset whose rows are decided about.
        newest: Digest of the newest entry when it was decided, empty when there was none.
    """
    known = decided_upon(entries, newest)
    if known is None:
        return f"it was decided upon ledger entry {newest}, which is not there"
    for entry in entries[known:]:
        if (entry.kind, entry.subject) == ("quarantine", dataset):
            return (
                f"ledger entry {entry.sequence}, by {entry.about.get('by')}, decided about rows "
                f"of {dataset} in between"
            )
    return ""


def _signature_problem(kept: Mapping[str, Any], keyring: Keyring) -> str:
    """What is wrong with the signature of a decision; empty where nobody signed it."""
    if kept["envelope"] is None:
        return ""
    at = datetime.fromisoformat(kept["record"]["predicate"]["at"])
    signed = check(kept["envelope"], kept["record"], keyring=keyring, role=None, at=at)
    if not signed.problem and signed.role == "pipeline":
        return "it is signed with a key of the pipeline, whose suspicion people are to judge"
    return signed.problem


def row_decision_differences(
    evidence: Evidence, entries: Sequence[Entry], keyring: Keyring
) -> Iterator[str]:
    """Where the decisions kept with a run are not those that were entered, or not well signed.

    A decision is kept before it is entered. One without an entry is what a killed process leaves,
    or one that came second of two at once; it has to be about this run.

    Args:
        evidence: What the run left behind.
        entries: The whole ledger.
        keyring: The public keys that are trusted.
    """
    folder, run_id = evidence.folder / ROW_DECISIONS, evidence.run.run_id
    own = [entry for entry in entries if (entry.kind, entry.run) == ("quarantine", run_id)]
    for entry in own:
        what = f"the decision of ledger entry {entry.sequence}"
        try:
            kept = _entered(folder, entry, entries, what=what)
        except EvidenceMismatch as error:
            yield from error.problems
            continue
        if problem := _signature_problem(kept, keyring):
            yield f"{what}: {problem}"
    names = {record_name(entry.digest) for entry in own}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in names or path.name.startswith(_UNFINISHED):
            continue
        what = f"{ROW_DECISIONS}/{path.name}"
        try:
            kept, digest = _read(path, what=what)
        except EvidenceMismatch as error:
            yield from error.problems
            continue
        if path.name != record_name(digest) or kept["record"]["predicate"]["run"] != run_id:
            yield f"{what}: expected a decision about rows of this run, found another"
