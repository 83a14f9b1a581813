"""Verifying a whole store: every bundle, signature and model version, ledger and champion."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from seclab import admission
from seclab.errors import EvidenceMismatch, SeclabError
from seclab.evidence import Bundle, verify
from seclab.evidence.keys import Keyring
from seclab.evidence.ledger import (
    Entry,
    chain_differences,
    ledger_differences,
    outline,
    place_differences,
)
from seclab.programme.recorded import recorded_differences, recordings
from seclab.shelf import Evidence, RunSummary, Shelf
from seclab.shelf.moves import grounds, move_differences, newest_move, open_intent
from seclab.shelf.records import CHAMPION, PROMOTION_TAG
from seclab.shelf.row_decisions import row_decision_differences
from seclab.shelf.verdicts import tag_differences
from seclab.shelf.versions import Judged, Known, entries_by_version, judged, version_differences

_ALL = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What verifying one thing found.

    Attributes:
        what: The run, by ID and name, or the model version, or the ledger, or the champion.
        run_id: The run, empty for the rest.
        signed_by: The key that signed it, empty when nobody did or the signature is not good.
        differences: What is not as it was sealed; empty when all of it is.
    """

    what: str
    run_id: str
    signed_by: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The little of every bundle that others are compared with.

    Attributes:
        outlines: Bundles in outline, by digest.
        judged: What each run says of the model it evaluated, by run.
    """

    outlines: dict[str, Bundle] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)


def audit(
    shelf: Shelf, *, keyring: Keyring, registered_model: str, anchor: Sequence[Entry] = ()
) -> Iterator[Finding]:
    """Verify everything in a store: one finding a run and model version, one for the rest each.

    Args:
        shelf: The store.
        keyring: The public keys that are trusted.
        registered_model: Name of the registered model whose versions are looked at.
        anchor: An earlier export of the ledger. Without one, entries and runs that were taken
            away together from the end do not show.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    seen = _Seen()
    entries: Sequence[Entry] = ()
    damaged: tuple[str, ...] = ()
    try:
        entries = shelf.ledger()
    except EvidenceMismatch as error:
        damaged = error.problems
    by_run: dict[str, list[Entry]] = {}
    for entry in entries:
        by_run.setdefault(entry.run, []).append(entry)
    runs = {run.run_id: run for run in shelf.runs(limit=_ALL)}
    for run in runs.values():
        if _holds_evidence(run, by_run.get(run.run_id, ())):
            yield _run(shelf, run, keyring, entries, seen, own=by_run.get(run.run_id, ()))
    evaluated = _by_version(runs, entries, registered_model, seen)
    yield from _versions(shelf, registered_model, keyring, entries, evaluated)
    for entry in recordings(entries):
        found = tuple(recorded_differences(shelf, entries, entry, keyring=keyring))
        yield Finding(f"programme figures {entry.run[:12]} of {entry.at[:16]}", "", "", found)
    differences = [
        *damaged,
        *ledger_differences(entries, anchor=anchor),
        *move_differences(entries),
        *chain_differences(entries, seen.outlines),
        *_void_differences(entries, runs),
    ]
    yield Finding(_of(entries), "", "", tuple(differences))
    differences = list(_champion_differences(shelf, registered_model, entries))
    what = f"champion of {registered_model}"
    if not differences and shelf.aliased(registered_model, CHAMPION) is None:
        what += ": there is none"
    yield Finding(what, "", "", tuple(differences))


def audit_run(shelf: Shelf, run: RunSummary, *, keyring: Keyring) -> Finding:
    """Verify one run and its place in the ledger.

    Raises:
        StoreUnavailable: The store cannot be read.
    """
    seen = _Seen()
    entries = shelf.ledger()
    found = _run(shelf, run, keyring, entries, seen, own=entries)
    differences = [
        *found.differences,
        *ledger_differences(entries),
        *move_differences(entries),
    ]
    for bundle in seen.outlines.values():
        differences += place_differences(entries, bundle)
    return Finding(found.what, run.run_id, found.signed_by, tuple(differences))


def _run(
    shelf: Shelf,
    run: RunSummary,
    keyring: Keyring,
    entries: Sequence[Entry],
    seen: _Seen,
    *,
    own: Sequence[Entry],
) -> Finding:
    what = f"{run.run_id[:12]} {run.name}"
    try:
        evidence = shelf.evidence(run)
    except SeclabError as error:
        return Finding(what, run.run_id, "", error.problems)
    seen.outlines[str(evidence.bundle.digest)] = outline(evidence.bundle)
    if (says := judged(evidence.bundle)) and str(evidence.bundle.digest) == run.bundle_digest:
        seen.judged[run.run_id] = says
    differences = verify(
        evidence.bundle, expected_digest=run.bundle_digest, artifacts=evidence.folder
    )
    differences += tag_differences(run, evidence.bundle)
    signed = admission.signature_of(evidence, keyring)
    if signed is not None and signed.problem:
        differences.append(f"signature: {signed.problem}")
    if run.signed_by != (signed.keyid if signed else ""):
        differences.append(
            f"signature: expected one by {run.signed_by or 'nobody'}, found one by "
            f"{signed.keyid if signed else 'nobody'}"
        )
    differences += _approval_differences(evidence, keyring)
    differences += admission.entry_differences(evidence, own)
    differences += row_decision_differences(evidence, entries, keyring)
    good = signed is not None and not signed.problem
    return Finding(what, run.run_id, run.signed_by if good else "", tuple(differences))


def _versions(
    shelf: Shelf,
    name: str,
    keyring: Keyring,
    entries: Sequence[Entry],
    evidence: Mapping[str, Mapping[str, Judged]],
) -> Iterator[Finding]:
    """One finding per version, of those too that only the ledger knows."""
    entered = entries_by_version(entries, name)
    for version in shelf.versions(name):
        number = version.number
        known = Known(entries, entered.pop(number, ()), evidence.get(number, {}), keyring)
        differences: Sequence[str]
        try:
            with shelf.kept(version) as folder:
                differences = version_differences(version, folder, known)
        except SeclabError as error:
            differences = error.problems
        yield Finding(f"{name} v{number}", "", "", tuple(differences))
    for number, own in entered.items():
        missing = f"expected in the registry by ledger entry {own[0].sequence}, found no version"
        yield Finding(f"{name} v{number}", "", "", (missing,))


def _by_version(
    runs: Mapping[str, RunSummary], entries: Sequence[Entry], name: str, seen: _Seen
) -> dict[str, dict[str, Judged]]:
    """What the runs say that evaluated a version, by their tags or by the ledger."""
    found: dict[str, dict[str, Judged]] = {}
    pairs = {(run.version, run_id) for run_id, run in runs.items()}
    for number, own in entries_by_version(entries, name).items():
        pairs |= {(number, entry.run) for entry in own}
    for number, run_id in sorted(pairs):
        if run_id in seen.judged:
            found.setdefault(number, {})[run_id] = seen.judged[run_id]
    return found


def _approval_differences(evidence: Evidence, keyring: Keyring) -> Iterator[str]:
    bundle = str(evidence.bundle.digest)
    for approval in admission.approvals_of(evidence, keyring):
        problem = approval.problem
        if not problem and approval.bundle != bundle:
            problem = f"it is about another bundle, {approval.bundle}"
        if problem:
            yield f"approval for {approval.role or 'nobody'}: {problem}"


def _holds_evidence(run: RunSummary, entries: Iterable[Entry]) -> bool:
    """Whether anything says that a run was judged: one tag that was removed hides nothing."""
    kinds = {entry.kind for entry in entries}
    if run.verdict or run.bundle_digest:
        return True
    return "bundle" in kinds and "void" not in kinds and run.status != "RUNNING"


def _of(entries: Sequence[Entry]) -> str:
    """The ledger by its size. A void entry takes a bundle out of the chain, so it is counted."""
    voids = sum(entry.kind == "void" for entry in entries)
    return f"ledger of {len(entries)} entries" + (f", {voids} void" if voids else "")


def _void_differences(entries: Sequence[Entry], runs: Mapping[str, RunSummary]) -> Iterator[str]:
    """Void entries about runs that did not end as those do whose process has died."""
    for entry in entries:
        if entry.kind != "void":
            continue
        run = runs.get(entry.run)
        found = "nothing" if run is None else f"{run.status} {run.verdict}".strip()
        if found not in ("KILLED", "RUNNING"):
            yield (
                f"ledger entry {entry.sequence}: it declares bundle {entry.digest} void, expected "
                f"the run {entry.run} to be killed, found {found}"
            )


def _champion_differences(shelf: Shelf, name: str, entries: Sequence[Entry]) -> Iterator[str]:
    """Where alias and version do not say of the champion what the ledger says."""
    intent = open_intent(entries, name)
    if intent is not None:
        yield (
            f"the change to v{intent.about.get('version')} that began at {intent.at} (ledger entry "
            f"{intent.sequence}) is not completed: the next promotion or evaluation completes it"
        )
    champion = shelf.aliased(name, CHAMPION)
    newest = newest_move(entries, name)
    found = f"v{champion.number}" if champion else "none"
    expected = f"v{newest.about.get('version')}" if newest else "none"
    if not (champion and grounds(entries, name, champion.number)) and found != expected:
        yield f"expected {expected} by the ledger, found {found}: the alias was moved by hand"
    elif champion and newest and found == expected and champion.run_id != newest.run:
        yield (
            f"tag {PROMOTION_TAG} of {expected}: expected {newest.run} by the ledger, found "
            f"{champion.run_id or 'none'}"
        )
