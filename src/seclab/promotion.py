"""Changing the champion: decide, write down why, and only then move anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seclab import admission, tracking
from seclab.admission import Admission
from seclab.errors import EvidenceMismatch, Misconfigured, PromotionRefused
from seclab.evidence import statements, verify
from seclab.evidence.keyring import Role
from seclab.evidence.keys import SigningKey
from seclab.evidence.ledger import Entry
from seclab.evidence.signing import sign
from seclab.evidence.statements import Move
from seclab.fingerprint import of_bytes
from seclab.gate import Decision, Verdict
from seclab.project import Project, signing_key
from seclab.shelf import Champion, RunSummary
from seclab.shelf.moves import MOVED
from seclab.shelf.records import CHAMPION, PREVIOUS
from seclab.tracking import Order, Store, StoreShelf

# A bad or removed signature and a ledger that is not whole are signs of a change, not a lack.
_NEVER_FORCED = ("E-SIG", "E-LED")


def promote(
    project: Project,
    store: Store,
    run: RunSummary,
    *,
    at: datetime,
    key: SigningKey | None,
    force: str = "",
) -> Champion:
    """Make the version a run evaluated the champion; the former one becomes previous.

    Args:
        project: Today's registers and the trusted keys.
        store: The evidence store.
        run: The run whose decision asks for it.
        at: Now.
        key: The pipeline's key; without one the record of the decision is unsigned.
        force: Why it is to be done in spite of the gate; empty to obey it. Evidence that was
            changed cannot be forced.

    Raises:
        PromotionRefused: The gate does not open, the evidence does not verify, it is about
            another model than the version, or another promotion is under way. Nothing has
            moved; the refusal is recorded.
        Misconfigured: There is nothing to promote, or forcing without a key.
        StoreUnavailable: The store cannot be read or written.
    """
    name = project.settings.registered_model
    if not run.version:
        raise Misconfigured(f"run {run.run_id} evaluated {run.subject}, which is no model version")
    if force and key is None:
        raise Misconfigured(
            "forcing a promotion needs a key of the role pipeline: `seclab keys init --role "
            "pipeline --owner TEAM` makes one"
        )
    tracking.reconcile(store, name, at=at)
    shelf = StoreShelf(store)
    ledger = shelf.ledger()
    case = _Case(project, store, run, at, key, _newest(ledger))
    try:
        admitted = admission.judge(
            shelf.evidence(run),
            registers=project.registers,
            keyring=project.keyring,
            ledger=ledger,
            champion=admission.compare_with(shelf, name),
            at=at,
        )
    except EvidenceMismatch as error:
        case.refuse(error.problems, None)
        raise
    problems = [*admitted.differences, *_other_model(store, name, run, admitted)]
    if not problems:
        problems = _closed(project, admitted, force)
    decision = admitted.decision
    if problems:
        case.refuse(problems, decision)
        raise PromotionRefused([f"run {run.run_id} is not promoted: {why}" for why in problems])
    forced = force if decision.verdict is not Verdict.PASS else ""
    try:
        return tracking.carry_out(store, case.order("promotion", decision, forced=forced), at=at)
    except PromotionRefused as error:
        case.refuse(error.problems, decision)
        raise


@dataclass(frozen=True, slots=True)
class _Case:
    """A promotion that is asked for, and what its record needs whatever comes of it."""

    project: Project
    store: Store
    run: RunSummary
    at: datetime
    key: SigningKey | None
    ledger: str

    def order(
        self, move: Move, decision: Decision | None, *, forced: str = "", reason: str = ""
    ) -> Order:
        """The record of what was decided, signed where there is a key."""
        name, run = self.project.settings.registered_model, self.run
        record = statements.promotion(
            move,
            name=name,
            version=run.version,
            model_digest=decision.subject.digest
            if decision
            else tracking.version_digest(self.store, name, run.version),
            run=run.run_id,
            bundle=run.bundle_digest,
            at=self.at,
            ledger=self.ledger,
            decision=decision,
            forced=forced,
            reason=reason,
        )
        return _order(move, record, self.key)

    def refuse(self, problems: Sequence[str], decision: Decision | None) -> None:
        """Keep the refusal as a promotion is kept."""
        order = self.order("promotion-refused", decision, reason="; ".join(problems))
        tracking.refuse(self.store, order, at=self.at)


def _newest(ledger: Sequence[Entry]) -> str:
    """Digest of the newest entry, empty without any."""
    return ledger[-1].digest_of_entry if ledger else ""


def _order(move: Move, record: Mapping[str, Any], key: SigningKey | None) -> Order:
    """What a record asks for, signed where there is a key."""
    about = record["predicate"]
    return Order(
        move,
        about["name"],
        about["version"],
        about["run"],
        record,
        sign(record, key) if key else None,
        about["ledger"],
    )


def roll_back(
    project: Project, store: Store, *, reason: str, at: datetime, key: SigningKey | None
) -> Champion:
    """Make the previous champion the champion again.

    Args:
        project: The project.
        store: The evidence store.
        reason: Why.
        at: Now.
        key: The pipeline's key; without one the record is unsigned.

    Raises:
        Misconfigured: No reason, or no previous champion.
        EvidenceMismatch: The previous champion was never promoted with proof, or its file is not
            the one that was. Nothing has moved.
        PromotionRefused: Another change of the champion is under way.
        StoreUnavailable: The store cannot be read or written.
    """
    name = project.settings.registered_model
    if not reason.strip():
        raise Misconfigured("a rollback needs a reason")
    tracking.reconcile(store, name, at=at)
    back = tracking.aliased(store, name, PREVIOUS)
    if back is None:
        raise Misconfigured(f"{name} has no {PREVIOUS} version to go back to")
    ledger = tracking.read_ledger(store)
    grounds = [
        entry
        for entry in ledger
        if entry.kind in MOVED and (entry.subject, entry.about["version"]) == (name, back.number)
    ]
    if not grounds:
        raise EvidenceMismatch(
            f"{name} v{back.number} was never made {CHAMPION} by this tool: the alias {PREVIOUS} "
            "was moved by hand"
        )
    former = tracking.load_record(store, name, back.number, grounds[-1].digest)
    predicate = former["record"]["predicate"]
    found = str(of_bytes(tracking.model_file(store, name, back.number)))
    if found != predicate["model"]:
        raise EvidenceMismatch(
            f"the file of {name} v{back.number}: expected {predicate['model']}, found {found}"
        )
    record = statements.promotion(
        "rollback",
        name=name,
        version=back.number,
        model_digest=found,
        run=predicate["run"],
        bundle=predicate["bundle"],
        at=at,
        ledger=_newest(ledger),
        reason=reason,
    )
    return tracking.carry_out(store, _order("rollback", record, key), at=at)


def approve(project: Project, store: Store, run: RunSummary, *, role: Role, at: datetime) -> str:
    """Sign that a role agrees with a run's evidence, and keep it with the run.

    Args:
        project: The project, with the trusted keys and the folder of the private ones.
        store: The evidence store.
        run: The run.
        role: Whose approval it is.
        at: Now.

    Returns:
        ID of the key it is signed with.

    Raises:
        Misconfigured: There is no usable key of that role here, or the run has no evidence.
        EvidenceMismatch: The evidence does not verify: nobody should put a name to it.
        StoreUnavailable: The store cannot be written.
    """
    key = signing_key(project, role, at=at)
    if key is None:
        raise Misconfigured(
            f"there is no usable key of the role {role} here: `seclab keys init --role {role} "
            "--owner TEAM` makes one, `seclab keys show` lists them"
        )
    evidence = StoreShelf(store).evidence(run)
    differences = verify(
        evidence.bundle, expected_digest=run.bundle_digest, artifacts=evidence.folder
    )
    if differences:
        raise EvidenceMismatch(differences)
    document = statements.approval(
        evidence.bundle.digest, subject=run.subject, run=run.run_id, role=role, at=at
    )
    tracking.keep_approval(store, run, sign(document, key), role=role, at=at)
    return key.keyid


def _other_model(store: Store, name: str, run: RunSummary, admitted: Admission) -> list[str]:
    """Where the version is not the model that was evaluated."""
    subject = admitted.decision.subject
    tagged = tracking.version_digest(store, name, run.version)
    file = str(of_bytes(tracking.model_file(store, name, run.version)))
    return [
        f"version {run.version} of {name} {what} a model of digest {digest}, the evidence is "
        f"about {subject.digest}"
        for what, digest in (("is tagged with", tagged), ("holds", file))
        if digest != subject.digest
    ]


def _closed(project: Project, admitted: Admission, force: str) -> list[str]:
    """Why the gate stays closed; empty when it opens, or is forced where that is allowed."""
    decision = admitted.decision
    if decision.verdict is Verdict.PASS:
        return []
    failed = [
        f"{result.criterion}: {result.reason}"
        for result in decision.criteria
        if result.verdict is not Verdict.PASS and not result.waiver
    ]
    if not force:
        return failed
    changed = [
        f"{result.criterion}: {result.reason}; evidence that was changed cannot be forced"
        for result in decision.of(Verdict.BLOCK)
        if result.criterion in _NEVER_FORCED
    ]
    if changed:
        return changed
    tier = project.registers.tier_of(decision.subject.name)
    return [] if tier.force else [*failed, f"models of tier {tier.name} may not be forced"]
