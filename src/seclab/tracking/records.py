"""A run that is open, and what closes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from seclab.datasets import Dataset
from seclab.evidence import Bundle
from seclab.gate import Decision
from seclab.measurement import CheckReport, Subject
from seclab.outcome import Outcome
from seclab.tracking.store import Version


@dataclass(frozen=True, slots=True)
class Recording:
    """A run that has begun.

    Attributes:
        run_id: Its ID in MLflow.
        subject: What it is about.
        batch: ID shared by the runs of one command or schedule.
    """

    run_id: str
    subject: Subject
    batch: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that closes a run.

    Attributes:
        bundle: The sealed evidence.
        envelope: Its signed form, ``None`` when it is unsigned.
        decision: The verdict.
        outcomes: What the evaluations returned.
        reports: What the data checks returned.
        note: Markdown for the run page, verdict first.
        folder: Files to keep with the run; the bundle is added to them.
        datasets: Every dataset involved.
        version: The model version, ``None`` for another subject.
        tags: Further tags.
        finished: End of the run.
    """

    bundle: Bundle
    envelope: Mapping[str, Any] | None
    decision: Decision
    outcomes: Sequence[Outcome]
    reports: Sequence[CheckReport]
    note: str
    folder: Path
    datasets: Sequence[Dataset]
    version: Version | None
    finished: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
