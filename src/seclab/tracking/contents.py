"""What is written into a run: its tags, its numbers, its data, and a child run per evaluation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mlflow.entities import Dataset as MlflowDataset
from mlflow.entities import DatasetInput, InputTag, Param, RunTag
from mlflow.entities import Metric as MlflowMetric

from seclab.datasets import Dataset
from seclab.evidence.signing import signer_of
from seclab.measurement import CheckReport, CheckStatus, Measurement, Parameters
from seclab.outcome import Evaluated, Outcome
from seclab.shelf.records import (
    BATCH_TAG,
    BUNDLE_TAG,
    NAME_TAG,
    NOTE_TAG,
    PARENT_TAG,
    SIGNED_TAG,
    VERDICT_TAG,
)
from seclab.shelf.verdicts import risk_tags, tags_about_risks
from seclab.tracking.records import Record, Recording
from seclab.tracking.store import Store, Version

KEY_TAG = "key.{}"  # per evaluation: the key of its result, by which it is found again
_VALUE_LENGTH = 6000  # characters that MLflow keeps of a parameter
_DIGEST_COLUMN = 36  # characters that MLflow keeps of a dataset digest; tags carry the whole


def metric_key(measurement: Measurement) -> str:
    """Name of a metric in MLflow: one slash, text parameters as a suffix, numbers as steps.

    By the name of the parameter, as a sealed bundle has them: the key can be computed from that.
    """
    words = [str(v) for _, v in sorted(measurement.parameters.items()) if isinstance(v, str)]
    return ".".join([f"{measurement.evaluation}/{measurement.metric}", *words])


def closing_tags(record: Record) -> dict[str, str]:
    """The tags that a finished run is found and read by."""
    decision, predicate = record.decision, record.bundle.predicate
    version = f" v{record.version.number}" if record.version else ""
    subject = decision.subject
    profile, finished = predicate["profile"], minute(record.finished)
    tags = {
        NAME_TAG: f"{decision.verdict} {subject.name}{version} {profile} {finished}",
        NOTE_TAG: record.note,
        VERDICT_TAG: decision.verdict,
        BUNDLE_TAG: str(record.bundle.digest),
        SIGNED_TAG: signer_of(record.envelope),
        "mlflow.loggedArtifacts": _tables(record.folder),
        **{f"dataset.{d['name']}.digest": d["ordered"] for d in predicate["datasets"]},
        **{f"register.{name}.digest": digest for name, digest in predicate["registers"].items()},
        **tags_about_risks(predicate, decision, record.outcomes, record.reports),
        **_key_tags(record.outcomes),
        **record.tags,
    }
    if record.version:
        tags["model.version"] = record.version.number
    return tags


def _key_tags(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The keys of what was measured. What failed is never looked for: it is tried again."""
    return {
        KEY_TAG.format(outcome.evaluation): outcome.key
        for outcome in outcomes
        if isinstance(outcome, Evaluated) and outcome.key
    }


def _tables(folder: Path) -> str:
    """The list by which MLflow's pages know that a JSON file is a table."""
    return json.dumps(
        [
            {"path": path.relative_to(folder).as_posix(), "type": "table"}
            for path in sorted(folder.glob("tables/*.json"))
        ]
    )


def log_children(store: Store, recording: Recording, record: Record) -> None:
    """A child run per evaluation and check suite, named by its risks, with every number in it."""
    verdicts = risk_tags(record.decision, record.outcomes, record.reports)
    # A measurement is linked to the data it was measured on, by the digest it carries.
    datasets = {d["ordered"]: d["name"] for d in record.bundle.predicate["datasets"]}
    now = milliseconds(record.finished)
    for report in record.reports:
        child = _Child(f"data_checks.{report.suite}", report.risks, _check_metrics(report, now))
        child.log(store, recording, verdicts)
    for outcome in record.outcomes:
        if isinstance(outcome, Evaluated):
            metrics = _metrics(outcome, record.version, now, datasets)
            note = "\n\n".join([*_reuse_note(outcome), *outcome.notes])
        else:
            metrics, note = [], outcome.reason
        child = _Child(
            outcome.evaluation,
            outcome.risks,
            metrics,
            parameters=outcome.parameters,
            note=note,
            evaluated=isinstance(outcome, Evaluated),
            reused_from=outcome.reused_from.run if outcome.reused_from else "",
        )
        child.log(store, recording, verdicts)


def _reuse_note(outcome: Evaluated) -> list[str]:
    if outcome.reused_from is None:
        return []
    return [f"Reused from run {outcome.reused_from.run}, measured {outcome.measured_at}."]


@dataclass(frozen=True, slots=True)
class _Child:
    """A child run: one evaluation, or one suite of checks."""

    evaluation: str
    risks: tuple[str, ...]
    metrics: list[MlflowMetric]
    parameters: Parameters = field(default_factory=dict)
    note: str = ""
    evaluated: bool = True
    reused_from: str = ""

    def log(self, store: Store, recording: Recording, verdicts: Mapping[str, str]) -> None:
        """Write it in three round trips."""
        name = f"{' '.join(self.risks)} {self.evaluation}"
        run_id = store.client.create_run(
            store.experiment_id,
            run_name=name if self.evaluated else f"NOT_EVALUATED {name}",
            tags={
                PARENT_TAG: recording.run_id,
                BATCH_TAG: recording.batch,
                "seclab.evaluation": self.evaluation,
                "seclab.subject": recording.subject.name,
                "risk_ids": " ".join(self.risks),
                **({"seclab.reused_from": self.reused_from} if self.reused_from else {}),
                **{f"risk.{risk}": verdicts[f"risk.{risk}"] for risk in self.risks},
            },
        ).info.run_id
        store.client.log_batch(
            run_id,
            metrics=self.metrics,
            params=[Param(k, str(v)[:_VALUE_LENGTH]) for k, v in sorted(self.parameters.items())],
            tags=[RunTag(NOTE_TAG, self.note)] if self.note else [],
        )
        store.client.set_terminated(run_id, "FINISHED" if self.evaluated else "FAILED")


def _check_metrics(report: CheckReport, timestamp: int) -> list[MlflowMetric]:
    """How many checks of a suite ended how."""
    statuses = [result.status for result in report.results]
    return [
        MlflowMetric(f"data_checks.{report.suite}/{status}", statuses.count(status), timestamp, 0)
        for status in CheckStatus
    ]


def _metrics(
    outcome: Evaluated, version: Version | None, timestamp: int, datasets: Mapping[str, str]
) -> list[MlflowMetric]:
    """Every measurement; sweeps become steps in the order they were measured."""
    steps: dict[str, int] = {}
    metrics = []
    for measurement in outcome.measurements:
        key = metric_key(measurement)
        step = steps[key] = steps.get(key, -1) + 1
        name = datasets.get(measurement.dataset_digest)
        metrics.append(
            MlflowMetric(
                key,
                measurement.value,
                timestamp,
                step,
                model_id=version.model_id if version else None,
                dataset_name=name,
                dataset_digest=_short(measurement.dataset_digest) if name else None,
            )
        )
    return metrics


def gate_metrics(record: Record) -> list[MlflowMetric]:
    """What each criterion judged, on the parent run: the columns people compare runs by."""
    timestamp = milliseconds(record.finished)
    return [
        MlflowMetric(
            f"gate/{result.criterion}.{result.measured.partition(' ')[0]}",
            result.judged,
            timestamp,
            0,
            model_id=record.version.model_id if record.version else None,
        )
        for result in record.decision.criteria
        if result.judged is not None
    ]


def custody_metrics(record: Record) -> list[MlflowMetric]:
    """How much of the data has a known origin, 0 to 1; nothing where there is no data."""
    entries = record.bundle.predicate["custody"]["coverage"]
    rows = sum(entry["rows"] for entry in entries)
    if not rows:
        return []
    covered = sum(entry["covered"] for entry in entries)
    return [MlflowMetric("custody/coverage", covered / rows, milliseconds(record.finished), 0)]


def log_datasets(store: Store, run_id: str, datasets: Sequence[Dataset]) -> None:
    """Link a run to the data it used."""
    inputs = []
    for dataset in datasets:
        pinned = dataset.fingerprint()
        entity = MlflowDataset(
            name=dataset.name,
            digest=_short(str(pinned.ordered)),
            source_type="local",
            source=json.dumps({"uri": dataset.provenance.source}),
            schema=None,
            profile=json.dumps({"num_rows": pinned.rows, "num_columns": dataset.features.shape[1]}),
        )
        context = InputTag("mlflow.data.context", dataset.name.rpartition("/")[2])
        inputs.append(DatasetInput(entity, [context]))
    if inputs:
        store.client.log_inputs(run_id, datasets=inputs)


def _short(digest: str) -> str:
    return digest.rsplit(":", 1)[-1][:_DIGEST_COLUMN]


def milliseconds(moment: datetime) -> int:
    """A moment as MLflow counts it."""
    return int(moment.timestamp() * 1000)


def minute(moment: datetime) -> str:
    """A moment as names of runs give it."""
    return moment.strftime("%Y-%m-%d %H:%M")
