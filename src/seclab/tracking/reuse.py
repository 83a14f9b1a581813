"""Finding what earlier runs have measured, and keeping what a run may not live to seal.

A long evaluation is sealed by itself as soon as it is done: a bundle with one outcome, entered into
the ledger, under a child run. When its run is finished, that is deleted; when its run is killed,
the next one finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Run, RunTag

from seclab.evidence import Bundle
from seclab.evidence.ledger import Entry, following
from seclab.evidence.signing import signer_of
from seclab.outcome import Evaluated
from seclab.shelf import Evidence, RunSummary
from seclab.shelf.contents import summary
from seclab.shelf.records import (
    BATCH_TAG,
    BUNDLE_TAG,
    KIND_TAG,
    PARENT_TAG,
    PROCESS_TAG,
    SIGNED_TAG,
    SUBJECT_TAG,
)
from seclab.tracking.contents import KEY_TAG
from seclab.tracking.ledger import append
from seclab.tracking.liveness import this_process
from seclab.tracking.reading import load_evidence
from seclab.tracking.recording import write_evidence
from seclab.tracking.records import Recording
from seclab.tracking.store import Store, unavailable_means

_PART_TAG = "seclab.part"  # kind of the subject; not that of runs, whose lists show no parts
_SEVERAL = 5  # newest runs that are looked at: where those are not good, it is measured again


@dataclass(frozen=True, slots=True)
class Holding:
    """Where a result is said to be.

    Attributes:
        run: The run with the files: a finished one, or a part that one kept.
        measured_by: ID of the run that measured it.
    """

    run: RunSummary
    measured_by: str


def holding(store: Store, evaluation: str, key: str) -> list[Holding]:
    """The newest runs that say they hold a measured result with a key, newest first.

    What they say is looked up by a tag, which anybody can set: it has to be checked.

    Args:
        store: The evidence store.
        evaluation: Name of the evaluation.
        key: Its key.

    Raises:
        Misconfigured: One of them was not written by this tool.
        StoreUnavailable: The store cannot be read.
    """
    with unavailable_means("earlier results cannot be looked up"):
        found = store.client.search_runs(
            [store.experiment_id],
            f"attributes.status = 'FINISHED' AND tags.`{KEY_TAG.format(evaluation)}` = '{key}'",
            max_results=_SEVERAL,
            order_by=["attributes.start_time DESC"],
        )
    return [_holding(run) for run in found]


def _holding(run: Run) -> Holding:
    tags = {key: value for key, value in run.data.tags.items() if key != PARENT_TAG}
    found = summary(
        run.info.run_id,
        name=run.info.run_name,
        status=run.info.status,
        started=run.info.start_time,
        tags={KIND_TAG: run.data.tags.get(_PART_TAG, "")} | tags,
    )
    return Holding(found, run.data.tags.get(PARENT_TAG, found.run_id))


def load_holding(store: Store, found: Holding) -> Evidence:
    """The evidence at a place where a result is said to be, as that of the run that measured it.

    Raises:
        Misconfigured: There is no evidence.
        EvidenceMismatch: A part of it is no document of its kind.
        StoreUnavailable: The store cannot be read.
    """
    evidence = load_evidence(store, found.run)
    return replace(evidence, run=replace(found.run, run_id=found.measured_by))


def keep_partial(
    store: Store,
    recording: Recording,
    outcome: Evaluated,
    *,
    bundle: Bundle,
    envelope: Mapping[str, Any] | None,
    folder: Path,
    at: datetime,
) -> None:
    """Keep a result of an open run, so that it is not lost with the run.

    Written in an order in which a kill leaves nothing that is found and not whole: files, ledger,
    and only then the tags it is found by.

    Args:
        store: The evidence store.
        recording: The open run.
        outcome: The result.
        bundle: What it was sealed in, alone.
        envelope: The signed form of that, ``None`` when it is unsigned.
        folder: The files that the bundle pins.
        at: When it was sealed.

    Raises:
        OSError: The folder cannot be written.
        EvidenceMismatch: The ledger is damaged.
        StoreUnavailable: The store cannot be written.
    """
    with unavailable_means(f"a result of run {recording.run_id} cannot be kept"):
        write_evidence(folder, bundle, envelope)
        run_id = store.client.create_run(
            store.experiment_id,
            run_name=f"KEPT {' '.join(outcome.risks)} {outcome.evaluation}",
            tags={
                PARENT_TAG: recording.run_id,
                BATCH_TAG: recording.batch,
                PROCESS_TAG: this_process(),
                SUBJECT_TAG: recording.subject.name,
                _PART_TAG: recording.subject.kind,
            },
        ).info.run_id
        store.client.log_artifacts(run_id, str(folder))
        entry = _Entry(recording, outcome.evaluation, bundle, signer_of(envelope), at)
        append(store, entry.after)
        tags = {
            BUNDLE_TAG: str(bundle.digest),
            SIGNED_TAG: signer_of(envelope),
            KEY_TAG.format(outcome.evaluation): outcome.key,
        }
        store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        store.client.set_terminated(run_id, "FINISHED")


@dataclass(frozen=True, slots=True)
class _Entry:
    """The place of a kept result in the ledger."""

    recording: Recording
    evaluation: str
    bundle: Bundle
    signed_by: str
    at: datetime

    def after(self, entries: Sequence[Entry]) -> Entry:
        """The entry that follows those that are there."""
        return following(
            entries,
            at=self.at.isoformat(),
            kind="partial",
            subject=self.recording.subject.name,
            run=self.recording.run_id,
            digest=str(self.bundle.digest),
            about={
                "kind": self.recording.subject.kind,
                "evaluation": self.evaluation,
                "signed_by": self.signed_by,
            },
        )
