"""Promotion: the alias moves by an intent in the ledger, and by nothing else.

The record of the decision is kept first, then the intent is entered into the ledger, then the
aliases move, then the ledger says that it is done. A process that dies in between leaves an open
intent, and the next one completes it. Two at once cannot both enter an intent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from seclab.errors import EvidenceMismatch, PromotionRefused
from seclab.evidence.ledger import Entry, Kind, following
from seclab.evidence.signing import signer_of
from seclab.evidence.statements import Move
from seclab.fingerprint import Digest, of_json
from seclab.shelf.moves import CLOSING, decided_upon, newest_move, open_intent
from seclab.shelf.records import CHAMPION, PREVIOUS, Champion
from seclab.tracking.decisions import keep_record, load_record, tag
from seclab.tracking.ledger import append, read_ledger
from seclab.tracking.liveness import is_dead, this_process
from seclab.tracking.reading import aliased
from seclab.tracking.store import Store, unavailable_means

_FORGOTTEN = timedelta(minutes=15)  # after which another machine's process is taken for dead
_under_way: set[tuple[str, int]] = set()  # intents that this process is carrying out


@dataclass(frozen=True, slots=True)
class Order:
    """A change of the champion, decided.

    Attributes:
        move: Promotion, rollback, or the refusal of one.
        name: Name of the registered model.
        version: The version that it is about.
        run_id: The run whose evidence it rests on.
        record: The statement of what was decided and why.
        envelope: Its signed form, ``None`` when it is unsigned.
        ledger: Digest of the newest ledger entry when it was decided, empty without any.
    """

    move: Move
    name: str
    version: str
    run_id: str
    record: Mapping[str, Any]
    envelope: Mapping[str, Any] | None
    ledger: str

    @property
    def digest(self) -> Digest:
        """Digest of the record."""
        return of_json(self.record)


def carry_out(store: Store, order: Order, *, at: datetime) -> Champion:
    """Move the champion alias as it was decided, and enter it into the ledger.

    Args:
        store: The evidence store.
        order: What was decided.
        at: Now.

    Raises:
        PromotionRefused: Another change of this champion is under way, or came in between.
            Nothing has moved.
        StoreUnavailable: The store cannot be written; what was begun is completed by
            :func:`reconcile`.
    """
    with unavailable_means(f"the champion of {order.name} cannot be changed"):
        _keep(store, order)
        intent = append(store, lambda entries: _intent(order, entries, at=at))
        key = (store.uri, intent.sequence)
        _under_way.add(key)
        try:
            return _complete(store, intent, at=at)
        finally:
            _under_way.discard(key)


def refuse(store: Store, order: Order, *, at: datetime) -> None:
    """Keep the record of a refused promotion, as that of one that was carried out.

    Raises:
        StoreUnavailable: The store cannot be written.
    """
    with unavailable_means(f"the refusal of {order.name} v{order.version} cannot be recorded"):
        _keep(store, order)
        append(
            store,
            lambda entries: following(
                entries,
                at=at.isoformat(),
                kind="promotion-refused",
                subject=order.name,
                run=order.run_id,
                digest=str(order.digest),
                about={"version": order.version, "signed_by": signer_of(order.envelope)},
            ),
        )
        tags = {"promotion.refused": order.run_id, "promotion.refused_at": at.isoformat()}
        tag(store, order.name, order.version, tags)


def reconcile(store: Store, name: str, *, at: datetime) -> Entry | None:
    """Complete the change of the champion that a dead process left half done, if there is one.

    Args:
        store: The evidence store.
        name: Name of the registered model.
        at: Now.

    Returns:
        The intent that was completed or, where its record is gone, given up; else ``None``.

    Raises:
        StoreUnavailable: The store cannot be written.
    """
    with unavailable_means(f"the champion of {name} cannot be looked after"):
        intent = open_intent(read_ledger(store), name)
        if intent is None or not _abandoned(store, intent, at):
            return None
        try:
            load_record(store, name, str(intent.about["version"]), intent.digest)
        except EvidenceMismatch as error:
            _close_intent(store, intent, "promotion-abandoned", at=at, why=str(error))
        else:
            _complete(store, intent, at=at)
        return intent


def _intent(order: Order, entries: Sequence[Entry], *, at: datetime) -> Entry:
    under_way = open_intent(entries, order.name)
    if under_way is not None:
        if (under_way.digest, under_way.about["process"]) == (str(order.digest), this_process()):
            return under_way  # it was written, and only the answer was lost
        raise PromotionRefused(
            f"another change of the champion of {order.name} is under way since {under_way.at} "
            f"(run {under_way.run}, ledger entry {under_way.sequence}): look at its result, then "
            "try again"
        )
    _require_unmoved(order, entries)
    newest = newest_move(entries, order.name)
    return following(
        entries,
        at=at.isoformat(),
        kind="promotion-intent",
        subject=order.name,
        run=order.run_id,
        digest=str(order.digest),
        about={
            "move": order.move,
            "version": order.version,
            # Not where the alias is: anybody may have moved that.
            "former": str(newest.about["version"]) if newest else "",
            "process": this_process(),
            "forced": order.record["predicate"]["forced"],
            "signed_by": signer_of(order.envelope),
        },
    )


def _require_unmoved(order: Order, entries: Sequence[Entry]) -> None:
    """Nobody may have moved the champion since it was decided to move it from where it was."""
    known = decided_upon(entries, order.ledger)
    if known is None:
        raise EvidenceMismatch("the ledger was changed while the promotion was decided")
    newest = newest_move(entries[known:], order.name)
    if newest is not None:
        raise PromotionRefused(
            f"the champion of {order.name} was changed while this was decided (run {newest.run}, "
            f"ledger entry {newest.sequence}): look at its result, then try again"
        )


def _complete(store: Store, intent: Entry, *, at: datetime) -> Champion:
    """Do what an intent says. Each step may have been done before."""
    name, version = intent.subject, str(intent.about["version"])
    former = str(intent.about["former"])
    if former not in ("", version):
        store.client.set_registered_model_alias(name, PREVIOUS, former)
    store.client.set_registered_model_alias(name, CHAMPION, version)
    tags = {
        "promotion.run": intent.run,
        "promotion.at": intent.at,
        "promotion.record": intent.digest,
        "promotion.forced": str(intent.about["forced"]),
    }
    tag(store, name, version, tags)
    kind: Kind = "rollback" if intent.about["move"] == "rollback" else "promotion"
    _close_intent(store, intent, kind, at=at)
    _follow_the_newest(store, intent)
    champion = aliased(store, name, CHAMPION)
    return champion or Champion(name, version, intent.run, "")


def _follow_the_newest(store: Store, intent: Entry) -> None:
    """Undo what a process did that was taken for dead, after others had gone on without it."""
    entries = read_ledger(store)
    newest = newest_move(entries, intent.subject)
    if newest is None or newest.about["intent"] == intent.sequence:
        return
    if open_intent(entries, intent.subject) is None:
        began = next(e for e in entries if e.sequence == newest.about["intent"])
        former, version = str(began.about["former"]), str(newest.about["version"])
        if former not in ("", version):
            store.client.set_registered_model_alias(intent.subject, PREVIOUS, former)
        store.client.set_registered_model_alias(intent.subject, CHAMPION, version)


def _close_intent(store: Store, intent: Entry, kind: Kind, *, at: datetime, why: str = "") -> None:
    def compose(entries: Sequence[Entry]) -> Entry:
        for entry in entries:
            if entry.kind in CLOSING and entry.about.get("intent") == intent.sequence:
                return entry
        about = {
            "intent": intent.sequence,
            "version": intent.about["version"],
            "forced": intent.about["forced"],
        }
        return following(
            entries,
            at=at.isoformat(),
            kind=kind,
            subject=intent.subject,
            run=intent.run,
            digest=intent.digest,
            about=about | ({"why": why} if why else {}),
        )

    append(store, compose)


def _abandoned(store: Store, intent: Entry, at: datetime) -> bool:
    process = str(intent.about["process"])
    if process == this_process():
        return (store.uri, intent.sequence) not in _under_way
    return is_dead(process) or at - datetime.fromisoformat(intent.at) > _FORGOTTEN


def _keep(store: Store, order: Order) -> None:
    keep_record(store, order.name, order.version, record=order.record, envelope=order.envelope)
