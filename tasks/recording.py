"""Judge a subject and write its evidence."""

import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import tracking
from seclab.assessment import assess
from seclab.custody import Manifest
from seclab.datasets import Dataset
from seclab.evidence import Facts
from seclab.fingerprint import Digest
from seclab.measurement import CheckReport, Subject
from seclab.models import TrainedModel
from seclab.outcome import Outcome
from seclab.shelf import RunSummary
from seclab.tracking import Record, Recording, Version
from tasks.context import Beside, Context
from tasks.progress import progress

# Settings of the library that draws are those of the whole process, and several threads seal.
DRAWING = threading.Lock()


@task(
    name="record",
    task_run_name="record {recording.subject.name}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=3,
    timeout_seconds=600,
)
def record(
    context: Context,
    recording: Recording,
    *,
    outcomes: Sequence[Outcome],
    reports: Sequence[CheckReport],
    datasets: Sequence[Dataset],
    manifests: Mapping[Digest, Manifest],
    description: Mapping[str, Any] | None = None,
    model: TrainedModel | None = None,
) -> RunSummary:
    """Decide, seal, and store everything under the open run."""
    described = describe(model) if model else description or {}
    facts = facts_of(
        context,
        recording.subject,
        datasets=datasets,
        manifests=manifests,
        description=described,
    )
    store, name = context.store, context.project.settings.registered_model
    version = (
        tracking.ensure_version(store, name, model, run_id=recording.run_id) if model else None
    )
    while True:
        previous = tracking.previous_bundle(store, recording.subject)
        try:
            _seal(
                context,
                recording,
                replace(facts, previous=previous),
                outcomes=outcomes,
                reports=reports,
                version=version,
            )
        except tracking.Overtaken:
            continue
        break
    run = tracking.find_run(store, recording.run_id)
    if version:
        tracking.note_decision(store, version, run)
    progress.info("%-8s %s", run.verdict, run.subject)
    return run


def _seal(
    context: Context,
    recording: Recording,
    facts: Facts,
    *,
    outcomes: Sequence[Outcome],
    reports: Sequence[CheckReport],
    version: Version | None,
) -> None:
    with tempfile.TemporaryDirectory(prefix="seclab-") as folder:
        beside = context.beside if facts.datasets else Beside()
        _write(beside, Path(folder))
        with DRAWING:
            assessment = assess(
                facts,
                outcomes=outcomes,
                reports=reports,
                registers=context.project.registers,
                folder=Path(folder),
                key=context.key,
                champion=context.champion if version else None,
            )
        closing = Record(
            bundle=assessment.bundle,
            envelope=assessment.envelope,
            decision=assessment.decision,
            outcomes=outcomes,
            reports=reports,
            note="\n\n".join(filter(None, (assessment.note, beside.note))),
            folder=assessment.folder,
            datasets=facts.datasets,
            version=version,
            finished=facts.finished,
        )
        tracking.finish(context.store, recording, closing)


def _write(beside: Beside, folder: Path) -> None:
    """Write what is kept beside the numbers to where the bundle will pin it."""
    for name, text in beside.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def facts_of(
    context: Context,
    subject: Subject,
    *,
    datasets: Sequence[Dataset],
    manifests: Mapping[Digest, Manifest],
    description: Mapping[str, Any],
) -> Facts:
    """What a run was, up to now."""
    return Facts(
        subject=subject,
        profile=context.profile,
        seed=context.seed,
        started=context.started,
        finished=datetime.now(UTC),
        description=description,
        datasets=datasets,
        registers=context.project.digests,
        environment=context.environment,
        tier=context.project.registers.tier_of(subject.name).name,
        manifests=manifests,
    )


def describe(model: TrainedModel) -> Mapping[str, Any]:
    """What makes a model what it is."""
    return {
        "spec": model.spec.describe(),
        "seed": model.seed,
        "digest": str(model.digest),
        "trained_on": str(model.trained_on),
    }
