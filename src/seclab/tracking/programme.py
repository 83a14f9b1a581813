"""Keeping the figures of the programme: a run of their own, in an experiment of their own."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from seclab.evidence.ledger import Entry, following
from seclab.evidence.signing import signer_of
from seclab.fingerprint import of_json
from seclab.shelf.decisions import record_name
from seclab.shelf.records import KIND_TAG, NOTE_TAG, PROGRAMME, PROGRAMME_EXPERIMENT, SIGNED_TAG
from seclab.tracking.contents import milliseconds, minute
from seclab.tracking.ledger import append
from seclab.tracking.store import Store, unavailable_means

DIGEST_TAG = "figures.digest"


def keep_figures(
    store: Store,
    record: Mapping[str, Any],
    envelope: Mapping[str, Any] | None,
    *,
    numbers: Mapping[str, float],
    note: str,
    at: datetime,
) -> Entry:
    """Keep figures as a run with their document and numbers, and enter them into the ledger.

    Args:
        store: The evidence store.
        record: The document, as :func:`seclab.evidence.statements.programme` gives it.
        envelope: Its signed form, ``None`` when it is unsigned.
        numbers: What MLflow shows and compares, by name.
        note: Markdown for the run page.
        at: As of when the figures are.

    Returns:
        Their entry in the ledger, which names their run.

    Raises:
        StoreUnavailable: The store cannot be written. A run without an entry is no record.
    """
    digest = str(of_json(record))
    with unavailable_means("the programme figures cannot be written"):
        run_id = _begin(store, note=note, digest=digest, signer=signer_of(envelope), at=at)
        try:
            _write(store, run_id, digest, {"record": record, "envelope": envelope})
            _log(store, run_id, numbers, at=at)
            # First the file: an entry without one reads as figures that were taken away.
            entry = append(store, lambda entries: _entry(entries, run_id, digest, envelope, at=at))
        except BaseException:
            store.client.set_terminated(run_id, "FAILED")
            raise
        store.client.set_terminated(run_id, "FINISHED")
    return entry


def _begin(store: Store, *, note: str, digest: str, signer: str, at: datetime) -> str:
    run = store.client.create_run(
        _experiment(store),
        start_time=milliseconds(at),
        run_name=f"PROGRAMME {minute(at)}",
        tags={KIND_TAG: PROGRAMME, NOTE_TAG: note, DIGEST_TAG: digest, SIGNED_TAG: signer},
    )
    return str(run.info.run_id)


def _write(store: Store, run_id: str, digest: str, kept: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / record_name(digest)
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        store.client.log_artifact(run_id, str(path))


def _log(store: Store, run_id: str, numbers: Mapping[str, float], *, at: datetime) -> None:
    metrics = [
        Metric(f"{PROGRAMME}/{name}", value, milliseconds(at), 0) for name, value in numbers.items()
    ]
    store.client.log_batch(run_id, metrics=metrics)


def _entry(
    entries: Sequence[Entry],
    run_id: str,
    digest: str,
    envelope: Mapping[str, Any] | None,
    *,
    at: datetime,
) -> Entry:
    return following(
        entries,
        at=at.isoformat(),
        kind=PROGRAMME,
        subject=PROGRAMME,
        run=run_id,
        digest=digest,
        about={"signed_by": signer_of(envelope)},
    )


def _experiment(store: Store) -> str:
    """The experiment of the figures, made where there is none: no evaluation is among them."""
    client = store.client
    found = client.get_experiment_by_name(PROGRAMME_EXPERIMENT)
    if found is None:
        # An embedded store keeps all files in one folder; a server says itself where.
        evaluations = client.get_experiment(store.experiment_id)
        embedded = store.uri.startswith("sqlite:")
        location = evaluations.artifact_location if embedded else None
        try:
            return str(client.create_experiment(PROGRAMME_EXPERIMENT, artifact_location=location))
        except MlflowException:
            # Two first recordings at once: the other one made it.
            found = client.get_experiment_by_name(PROGRAMME_EXPERIMENT)
            if found is None:
                raise
    return str(found.experiment_id)
