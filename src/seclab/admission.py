"""From evidence to admission: is this run's proof whole, and does today's gate open on it?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import Bundle, outcomes_of, reports_of, subject_of, verify
from seclab.evidence.bundle import APPROVALS, REPORT_FILE
from seclab.evidence.keys import Keyring
from seclab.evidence.ledger import Entry, ledger_differences, place_differences
from seclab.evidence.signing import Signed, check, signer_of
from seclab.evidence.statements import APPROVAL_TYPE, payload
from seclab.fingerprint import of_file, of_json
from seclab.gate import Approval, Comparison, Conditions, Decision, admit, decide
from seclab.outcome import Evaluated, Outcome
from seclab.quarantine import SUSPECTED_FILE
from seclab.registers import Registers
from seclab.shelf import Evidence, Shelf
from seclab.shelf.moves import move_differences, newest_move
from seclab.shelf.records import QUARANTINED
from seclab.shelf.verdicts import tag_differences

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate says about a run now.

    Attributes:
        decision: Its numbers by today's criteria, and its evidence by those of its tier.
        differences: Where the evidence is not what was sealed. With any, the decision is void.
        signed: The signature of the bundle, ``None`` when it is unsigned.
        tier: Name of the tier of its subject.
    """

    decision: Decision
    differences: tuple[str, ...]
    signed: Signed | None
    tier: str


def judge(
    evidence: Evidence,
    *,
    registers: Registers,
    keyring: Keyring,
    ledger: Sequence[Entry],
    champion: Comparison | None,
    at: datetime,
) -> Admission:
    """Check the evidence of a run and judge it by the registers as they are now.

    Args:
        evidence: What the run left behind.
        registers: Today's thresholds, tiers and waivers.
        keyring: The public keys that are trusted.
        ledger: Every entry of the ledger.
        champion: What a challenger is compared with.
        at: Now.

    Raises:
        EvidenceMismatch: The bundle is too damaged to be judged at all.
        Misconfigured: The subject has no tier.
    """
    bundle = evidence.bundle
    differences = [
        *verify(bundle, expected_digest=evidence.run.bundle_digest, artifacts=evidence.folder),
        *tag_differences(evidence.run, bundle),
    ]
    try:
        subject = subject_of(bundle)
        outcomes, reports = outcomes_of(bundle), reports_of(bundle)
        finished = datetime.fromisoformat(bundle.predicate["finished"])
        clean = bundle.predicate["environment"]["git_clean"]
        measured = dict(_measured_outside(bundle, outcomes, finished))
    except (LookupError, TypeError, ValueError) as error:
        raise EvidenceMismatch([*differences, f"it cannot be judged: {error}"]) from error
    decision = decide(
        subject,
        outcomes,
        reports,
        registers.thresholds,
        required=registers.required_of(subject),
        waivers=registers.waivers,
        champion=champion if subject.kind == "model" else None,
        at=at,
    )
    signed = signature_of(evidence, keyring)
    conditions = Conditions(
        bundle=str(bundle.digest),
        finished=finished,
        signed=signed,
        clean=clean,
        approvals=tuple(approvals_of(evidence, keyring)),
        ledger=tuple(ledger_problems(evidence, ledger)),
        measured=measured,
    )
    tier = registers.tier_of(subject.name)
    admitted = admit(decision, conditions, tier, at=at, thresholds=registers.thresholds)
    admitted = replace(admitted, warnings=(*admitted.warnings, *_changed(registers, bundle)))
    return Admission(admitted, tuple(differences), signed, tier.name)


def _measured_outside(
    bundle: Bundle, outcomes: Sequence[Outcome], finished: datetime
) -> Iterator[tuple[str, datetime]]:
    """When evaluations were measured that were not measured during the run: reused ones."""
    started = datetime.fromisoformat(bundle.predicate["started"])
    for outcome in outcomes:
        at = outcome.measured_at
        if at is not None and not started <= at <= finished:
            yield outcome.evaluation, at


def signature_of(evidence: Evidence, keyring: Keyring) -> Signed | None:
    """The signature of a run's bundle, ``None`` when it is unsigned.

    A signature that the run was recorded with and that is gone is one with a problem.
    """
    if evidence.envelope is None:
        keyid = evidence.run.signed_by
        removed = f"the signature was removed: expected one by key {keyid}, found none"
        return Signed(keyid, "", "", removed) if keyid else None
    try:
        finished = datetime.fromisoformat(evidence.bundle.predicate["finished"])
    except (LookupError, TypeError, ValueError) as error:
        return Signed("", "", "", f"nobody knows when it was signed: {error}")
    document = evidence.bundle.document
    return check(evidence.envelope, document, keyring=keyring, role="pipeline", at=finished)


def ledger_problems(evidence: Evidence, ledger: Sequence[Entry]) -> list[str]:
    """Where the ledger is not whole, or does not say of a run what the run says of itself."""
    return [
        *ledger_differences(ledger),
        *move_differences(ledger),
        *place_differences(ledger, evidence.bundle),
        *entry_differences(evidence, ledger),
    ]


def entry_differences(evidence: Evidence, ledger: Iterable[Entry]) -> list[str]:
    """Where what stands beside a bundle is not what was entered: report, signature, approvals.

    Args:
        evidence: What the run left behind.
        ledger: The entries, at least all of this run.
    """
    own = [entry for entry in ledger if entry.run == evidence.run.run_id]
    return [
        *_beside(evidence, own),
        *(
            f"ledger entry {entry.sequence}: the bundle was declared void: "
            f"{entry.about.get('reason')}"
            for entry in own
            if (entry.kind, entry.digest) == ("void", str(evidence.bundle.digest))
        ),
        *_unentered_approvals(evidence, own),
    ]


def approvals_of(evidence: Evidence, keyring: Keyring) -> list[Approval]:
    """Every approval kept with a run, good or not; what is wrong with one is its problem."""
    return [_approval(envelope, keyring) for envelope in evidence.approvals]


def compare_with(shelf: Shelf, name: str) -> Comparison | None:
    """The champion's numbers, for challengers to be compared with; ``None`` without a champion.

    The ledger says who is champion: who moves or deletes the alias spares nobody the comparison.

    Args:
        shelf: The store.
        name: Name of the registered model.

    Raises:
        EvidenceMismatch: The champion's own evidence does not verify: nothing may be measured
            against it.
        StoreUnavailable: The store cannot be read.
    """
    ledger = shelf.ledger()
    move = newest_move(ledger, name)
    if move is None:
        return None
    whose = f"the champion's evidence, run {move.run}"
    try:
        evidence = shelf.evidence(shelf.find(move.run))
    except (EvidenceMismatch, Misconfigured) as error:
        raise EvidenceMismatch([f"{whose}: {what}" for what in error.problems]) from error
    differences = [
        *verify(
            evidence.bundle, expected_digest=evidence.run.bundle_digest, artifacts=evidence.folder
        ),
        *entry_differences(evidence, ledger),
    ]
    if differences:
        raise EvidenceMismatch([f"{whose}: {what}" for what in differences])
    return Comparison(
        run=move.run,
        bundle=str(evidence.bundle.digest),
        version=str(move.about["version"]),
        measurements=tuple(
            measurement
            for outcome in outcomes_of(evidence.bundle)
            if isinstance(outcome, Evaluated)
            for measurement in outcome.measurements
        ),
    )


def _approval(envelope: Mapping[str, Any], keyring: Keyring) -> Approval:
    try:
        document = payload(envelope)
        predicate = document["predicate"]
        at = datetime.fromisoformat(predicate["at"])
        role, bundle = str(predicate["role"]), str(predicate["bundle"])
        kind = document["predicateType"]
    except (EvidenceMismatch, LookupError, TypeError, ValueError) as error:
        return Approval("", "", "", "", _NEVER, f"it is no approval: {error}")
    signed = check(envelope, document, keyring=keyring, role=None, at=at)
    problem = signed.problem
    if kind != APPROVAL_TYPE:
        problem = f"it is a {kind}, no approval"
    elif not problem and signed.role != role:
        problem = f"it is given for {role} by a key of {signed.role}"
    return Approval(role, signed.keyid, signed.owner, bundle, at, problem)


def _beside(evidence: Evidence, own: Sequence[Entry]) -> Iterator[str]:
    """Where the entry of a run's bundle says something else than what is there.

    It pins what the bundle cannot: report and signature. That it says of the bundle what stands in
    it matters for the last entry, which no other names yet.
    """
    digest = str(evidence.bundle.digest)
    entry = next((e for e in own if (e.kind, e.digest) == ("bundle", digest)), None)
    if entry is None:
        yield f"run {evidence.run.run_id}: the ledger has no entry of this run for bundle {digest}"
        return
    report = evidence.folder / REPORT_FILE
    predicate = evidence.bundle.document.get("predicate", {})
    decision = predicate.get("decision", {})
    known = {**entry.about, "at": entry.at}
    found = {
        "report": str(of_file(report)) if report.is_file() else "no file",
        "signed_by": signer_of(evidence.envelope),
        "verdict": decision.get("verdict") if isinstance(decision, Mapping) else None,
        "at": predicate.get("finished"),
    }
    entered = entry.about.get(QUARANTINED)
    artifacts = predicate.get("artifacts", {})
    pinned = artifacts.get(SUSPECTED_FILE) if isinstance(artifacts, Mapping) else None
    if entered != pinned:
        names = (entered or "none", pinned or "none")
        yield "{}: expected {} by the ledger, found {}".format(SUSPECTED_FILE, *names)
    for what, value in found.items():
        expected = known.get(what, "nothing")
        if expected != value:
            yield f"{what}: expected {expected or 'none'} by the ledger, found {value or 'none'}"


def _changed(registers: Registers, bundle: Bundle) -> Iterator[str]:
    """The registers that are not what they were: today's judge, and that has to be said."""
    sealed = bundle.predicate["registers"]
    for name, digest in sorted(registers.digests.items()):
        if sealed.get(name) != str(digest):
            yield (
                f"registers: {name} was changed after this run "
                f"({sealed.get(name, 'none')} then); it is judged by today's, {digest}"
            )


def _unentered_approvals(evidence: Evidence, ledger: Sequence[Entry]) -> list[str]:
    """Where the approvals kept with a run are not those that were entered for it."""
    entered = {
        entry.digest: entry.about.get("role")
        for entry in ledger
        if (entry.kind, entry.run) == ("approval", evidence.run.run_id)
    }
    kept = {str(of_json(envelope)) for envelope in evidence.approvals}
    folder = evidence.folder / APPROVALS
    return [
        *(
            f"{path.relative_to(evidence.folder)}: expected approvals alone, found another file"
            for path in sorted(folder.rglob("*"))
            if path.parent != folder or path.suffix != ".json"
        ),
        *(
            f"approval {digest}: the ledger has no entry for it"
            for digest in sorted(kept - entered.keys())
        ),
        *(
            f"approval {digest} for {entered[digest]}: expected by the ledger, found nothing"
            for digest in sorted(entered.keys() - kept)
        ),
    ]
