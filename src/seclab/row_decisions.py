"""Deciding about rows in quarantine: who says so, and why, kept as evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from seclab import tracking
from seclab.errors import Misconfigured
from seclab.evidence import statements
from seclab.evidence.signing import sign
from seclab.project import Project, signing_key
from seclab.quarantine import Choice, Held, decidable, pick
from seclab.shelf.row_decisions import read_quarantine
from seclab.tracking import Store, StoreShelf

People: TypeAlias = Literal["security", "ml-engineering", "legal"]


@dataclass(frozen=True, slots=True)
class Meant:
    """Which rows a decision is about.

    Attributes:
        rows: Rows by index or by the beginning of their digest.
        everything: Every row that is still suspected.
        run: Only what this run found, by the beginning of its ID.
    """

    rows: Sequence[str] = ()
    everything: bool = False
    run: str = ""


def decide(
    project: Project,
    store: Store,
    dataset: str,
    choice: Choice,
    *,
    meant: Meant,
    by: str,
    reason: str,
    at: datetime,
    role: People | None = None,
) -> list[Held]:
    """Confirm or release rows, and keep that with the run that found the first of them.

    Args:
        project: Registers, trusted keys, and the folder of the private ones.
        store: The evidence store.
        dataset: Name of the dataset.
        choice: Whether the rows are bad indeed, or a false alarm.
        meant: Which rows.
        by: Who decides.
        reason: Why.
        at: Now.
        role: Whose key signs it, ``None`` to leave it unsigned.

    Returns:
        The rows, as they were before.

    Raises:
        Misconfigured: Rows that are not there, were decided about in this way, no reason, nobody
            who decides, no key of the role, or a tier that asks for a signature.
        EvidenceMismatch: What the ledger names is gone or was changed.
        StoreUnavailable: The store cannot be read or written.
    """
    tier = project.registers.tier_of(dataset)
    quarantine = read_quarantine(
        StoreShelf(store), dataset, keyring=project.keyring, signatures=tier.signature
    )
    rows = pick(quarantine, meant.rows, everything=meant.everything, run=meant.run)
    decidable(rows, choice, by=by, reason=reason)
    if role is None and tier.signature:
        raise Misconfigured(
            f"{dataset} is in tier {tier.name}, where only signed decisions count: give --role, "
            "whose key signs it"
        )
    key = signing_key(project, role, at=at) if role else None
    if role and key is None:
        raise Misconfigured(
            f"there is no usable key of the role {role} here: `seclab keys init --role {role} "
            "--owner TEAM` makes one, `seclab keys show` lists them"
        )
    record = statements.row_decision(
        choice,
        dataset=dataset,
        rows=[held.row for held in rows],
        by=by.strip(),
        reason=reason.strip(),
        run=rows[0].runs[0],
        at=at,
        ledger=quarantine.ledger,
    )
    tracking.keep_row_decision(store, record, sign(record, key) if key else None)
    return rows
