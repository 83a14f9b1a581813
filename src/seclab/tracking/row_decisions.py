"""Keeping what people decided about rows with the run that found them."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seclab.errors import Misconfigured
from seclab.evidence.bundle import ROW_DECISIONS
from seclab.evidence.ledger import Entry, following
from seclab.evidence.signing import signer_of
from seclab.fingerprint import of_json
from seclab.shelf.decisions import record_name
from seclab.shelf.row_decisions import decided_since
from seclab.tracking.ledger import append
from seclab.tracking.store import Store, unavailable_means


def keep_row_decision(
    store: Store, record: Mapping[str, Any], envelope: Mapping[str, Any] | None
) -> Entry:
    """Keep a decision with its run, and enter it into the ledger.

    Args:
        store: The evidence store.
        record: The decision, as :func:`seclab.evidence.statements.row_decision` gives it.
        envelope: Its signed form, ``None`` when it is unsigned.

    Raises:
        Misconfigured: Somebody else decided about rows of this dataset in between. Nothing was
            entered.
        StoreUnavailable: The store cannot be written.
    """
    about, digest = record["predicate"], str(of_json(record))

    def compose(entries: Sequence[Entry]) -> Entry:
        for entry in entries:
            if (entry.kind, entry.digest) == ("quarantine", digest):
                return entry
        if problem := decided_since(entries, about["dataset"], about["ledger"]):
            raise Misconfigured(
                f"nothing was decided: {problem}; look at `seclab quarantine list`, then decide "
                "again"
            )
        return following(
            entries,
            at=about["at"],
            kind="quarantine",
            subject=about["dataset"],
            run=about["run"],
            digest=digest,
            about={
                "choice": about["choice"],
                "rows": len(about["rows"]),
                "by": about["by"],
                "signed_by": signer_of(envelope),
            },
        )

    with (
        unavailable_means(f"the decision about rows of {about['dataset']} cannot be written"),
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / record_name(digest)
        kept = {"record": record, "envelope": envelope}
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        # First the file: an entry without one reads as a decision that was taken away.
        store.client.log_artifact(about["run"], str(path), ROW_DECISIONS)
        return append(store, compose)
