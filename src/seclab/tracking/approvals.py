"""Keeping approvals with the run that they are about."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from seclab.evidence.bundle import APPROVALS
from seclab.evidence.ledger import Entry, following
from seclab.evidence.signing import signer_of
from seclab.fingerprint import of_json
from seclab.shelf.records import RunSummary
from seclab.tracking.ledger import append, read_ledger
from seclab.tracking.store import Store, unavailable_means


def keep_approval(
    store: Store, run: RunSummary, envelope: Mapping[str, Any], *, role: str, at: datetime
) -> None:
    """Keep a signed approval with its run, and enter it into the ledger.

    A key approves a run for a role once: approving again changes nothing.

    Args:
        store: The evidence store.
        run: The run.
        envelope: The approval, signed.
        role: Whose it is.
        at: When it was given.

    Raises:
        StoreUnavailable: The store cannot be written.
    """
    digest, keyid = str(of_json(envelope)), signer_of(envelope)

    def compose(entries: Sequence[Entry]) -> Entry:
        for entry in entries:
            if _gives(entry, run, role=role, keyid=keyid):
                return entry
        return following(
            entries,
            at=at.isoformat(),
            kind="approval",
            subject=run.subject,
            run=run.run_id,
            digest=digest,
            about={"role": role, "keyid": keyid},
        )

    with (
        unavailable_means(f"the approval of run {run.run_id} cannot be written"),
        tempfile.TemporaryDirectory() as folder,
    ):
        if any(_gives(entry, run, role=role, keyid=keyid) for entry in read_ledger(store)):
            return
        path = Path(folder) / f"{role}-{keyid[:12]}.dsse.json"
        path.write_text(json.dumps(envelope, indent=2) + "\n", encoding="utf-8")
        # First the file: an entry without one reads as an approval that was taken away. A file
        # without an entry, where a process died in between, is overwritten the next time.
        store.client.log_artifact(run.run_id, str(path), APPROVALS)
        append(store, compose)


def _gives(entry: Entry, run: RunSummary, *, role: str, keyid: str) -> bool:
    given = (entry.kind, entry.run, entry.about.get("role"), entry.about.get("keyid"))
    return given == ("approval", run.run_id, role, keyid)
