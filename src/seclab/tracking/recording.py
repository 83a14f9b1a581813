"""Writing a run: opened when an evaluation starts, closed with its evidence or as killed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Param, Run, RunTag

from seclab.evidence import Bundle
from seclab.evidence.bundle import BUNDLE_FILE, ENVELOPE_FILE, REPORT_FILE
from seclab.evidence.ledger import Entry, following
from seclab.evidence.signing import signer_of
from seclab.fingerprint import of_file
from seclab.measurement import Subject
from seclab.quarantine import SUSPECTED_FILE
from seclab.shelf.records import (
    BATCH_TAG,
    NAME_TAG,
    NOTE_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    QUARANTINED,
)
from seclab.tracking.contents import (
    closing_tags,
    custody_metrics,
    gate_metrics,
    log_children,
    log_datasets,
    milliseconds,
    minute,
)
from seclab.tracking.ledger import Overtaken, append, newest_bundle, read_ledger
from seclab.tracking.liveness import is_dead, this_process
from seclab.tracking.records import Record, Recording
from seclab.tracking.store import Store, unavailable_means


@contextmanager
def recording(
    store: Store,
    subject: Subject,
    *,
    batch: str,
    started: datetime,
    tags: Mapping[str, str],
    parameters: Mapping[str, str],
) -> Iterator[Recording]:
    """A run for one subject: opened now, and closed as killed or failed if it is left unfinished.

    Raises:
        StoreUnavailable: The store cannot be written.
    """
    with unavailable_means("a run cannot be opened in the evidence store"):
        run = store.client.create_run(
            store.experiment_id,
            start_time=milliseconds(started),
            run_name=f"RUNNING {subject.name} {minute(started)}",
            tags={
                BATCH_TAG: batch,
                PROCESS_TAG: this_process(),
                "seclab.subject": subject.name,
                "seclab.kind": subject.kind,
                "subject.digest": subject.digest,
                **tags,
            },
        )
        store.client.log_batch(
            run.info.run_id, params=[Param(name, value) for name, value in parameters.items()]
        )
    run_id = run.info.run_id
    try:
        yield Recording(run_id, subject, batch)
    except Exception as error:
        _close(store, run_id, reason=f"{type(error).__name__}: {error}", status="FAILED")
        raise
    except BaseException as error:
        _close(store, run_id, reason=f"interrupted ({type(error).__name__})", status="KILLED")
        raise
    _close(store, run_id, reason="it was left without evidence", status="FAILED")


def finish(store: Store, recording: Recording, record: Record) -> None:
    """Write the evidence of a run, enter it into the ledger, and close the run.

    Raises:
        Overtaken: The bundle does not follow the newest one of its subject any more: seal anew
            and finish with that.
        StoreUnavailable: The store cannot be written; the run stays open.
    """
    with unavailable_means(f"the evidence of run {recording.run_id} cannot be written"):
        write_evidence(record.folder, record.bundle, record.envelope)
        # A repeated attempt must not leave the parts of a failed one beside its own.
        for part in _parts(store, recording.run_id):
            store.client.delete_run(part.info.run_id)
        log_children(store, recording, record)
        log_datasets(store, recording.run_id, record.datasets)
        store.client.log_artifacts(recording.run_id, str(record.folder))
        append(store, lambda entries: _entry(recording, record, entries))
        store.client.log_batch(
            recording.run_id,
            metrics=[*gate_metrics(record), *custody_metrics(record)],
            tags=[RunTag(key, value) for key, value in closing_tags(record).items()],
        )
        store.client.set_terminated(
            recording.run_id, "FINISHED", end_time=milliseconds(record.finished)
        )


def write_evidence(folder: Path, bundle: Bundle, envelope: Mapping[str, Any] | None) -> None:
    """Write a bundle, and its signed form, to where a run keeps them.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / BUNDLE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(bundle.text(), encoding="utf-8")
    if envelope:
        text = json.dumps(envelope, indent=2) + "\n"
        (folder / ENVELOPE_FILE).write_text(text, encoding="utf-8")


def _entry(recording: Recording, record: Record, entries: Sequence[Entry]) -> Entry:
    """The bundle's place in the ledger; the one it has already when this is a repeated attempt."""
    subject, digest = recording.subject, str(record.bundle.digest)
    for entry in entries:
        if (entry.kind, entry.run, entry.digest) == ("bundle", recording.run_id, digest):
            return entry
    if newest_bundle(entries, subject) != record.bundle.predicate["previous"]:
        raise Overtaken
    return following(
        entries,
        at=record.finished.isoformat(),
        kind="bundle",
        subject=subject.name,
        run=recording.run_id,
        digest=digest,
        about={
            "kind": subject.kind,
            "verdict": str(record.decision.verdict),
            "report": str(of_file(record.folder / REPORT_FILE)),
            "signed_by": signer_of(record.envelope),
            **_suspected(record.folder),
        },
    )


def _suspected(folder: Path) -> dict[str, str]:
    """What puts rows into quarantine: the same entry that seals the refusal."""
    path = folder / SUSPECTED_FILE
    return {QUARANTINED: str(of_file(path))} if path.is_file() else {}


def _close(store: Store, run_id: str, *, reason: str, status: str) -> None:
    """Close a run that will get no evidence, and say why in its name and note."""
    with unavailable_means(f"run {run_id} cannot be closed"):
        run = store.client.get_run(run_id)
        if run.info.status != "RUNNING":
            return
        for part in _parts(store, run_id):
            if part.info.status == "RUNNING":
                store.client.set_terminated(part.info.run_id, status)
        name = (run.info.run_name or "").removeprefix("RUNNING ")
        tags = {NAME_TAG: f"{status} {name}", NOTE_TAG: f"**{status}**: {reason}"}
        store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        store.client.set_terminated(run_id, status)


def _parts(store: Store, run_id: str) -> list[Run]:
    """The child runs of a run."""
    found: list[Run] = store.client.search_runs(
        [store.experiment_id], f"tags.`{PARENT_TAG}` = '{run_id}'"
    )
    return found


def recover(store: Store, *, at: datetime) -> list[str]:
    """Close the runs whose process on this machine has died, and return their IDs.

    Args:
        store: The evidence store.
        at: Now, for what has to be entered into the ledger.
    """
    with unavailable_means("unfinished runs cannot be looked up"):
        unfinished: list[Run] = store.client.search_runs(
            [store.experiment_id], f"attributes.status = 'RUNNING' AND tags.`{PROCESS_TAG}` != ''"
        )
    dead = [run.info.run_id for run in unfinished if is_dead(run.data.tags[PROCESS_TAG])]
    for run_id in dead:
        for entry in read_ledger(store):
            if (entry.kind, entry.run) == ("bundle", run_id):
                _void(store, entry, at)
        _close(store, run_id, reason="its process ended without closing it", status="KILLED")
    return dead


def _void(store: Store, sealed: Entry, at: datetime) -> None:
    """Note that a bundle's process died between the ledger and the end of its run."""

    def compose(entries: Sequence[Entry]) -> Entry:
        for entry in entries:
            if (entry.kind, entry.run, entry.digest) == ("void", sealed.run, sealed.digest):
                return entry
        return following(
            entries,
            at=at.isoformat(),
            kind="void",
            subject=sealed.subject,
            run=sealed.run,
            digest=sealed.digest,
            about={"reason": "its process died before the run was closed"},
        )

    append(store, compose)
