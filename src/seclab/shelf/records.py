"""The values that both ways of reading a store give."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from seclab.evidence import Bundle
from seclab.evidence.ledger import Entry, Kind
from seclab.measurement import SubjectKind

# The experiment that all runs are in.
EXPERIMENT = "security-evaluations"

# The status of a run that came to its end.
FINISHED = "FINISHED"

# Tags of a run, and files kept with it.
KIND_TAG = "seclab.kind"
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
NAME_TAG = "mlflow.runName"
SUBJECT_TAG = "seclab.subject"
BATCH_TAG = "seclab.batch"
BUNDLE_TAG = "bundle.digest"
VERDICT_TAG = "seclab.verdict"
PROCESS_TAG = "seclab.process"
SIGNED_TAG = "seclab.signed"
# Per risk: the verdict, and when it was measured where that was before the run.
RISK_TAG = "risk.{}"
MEASURED_TAG = "measured.{}"

# The ledger: the run whose parameters are its entries, in an experiment of its own.
LEDGER_EXPERIMENT = "security-evidence-ledger"
LEDGER_ENTRY = "entry.{:08d}"
# What the entry of a bundle says besides, where its run found rows to be set aside: their digest.
QUARANTINED = "quarantine"

# The figures of the programme: the kind of their ledger entries, and the experiment of their runs.
PROGRAMME: Kind = "programme"
PROGRAMME_EXPERIMENT = "security-programme"

# Aliases of a registered model, tags of its versions, and files kept with each.
CHAMPION, PREVIOUS = "champion", "previous"
DIGEST_TAG = "model.digest"
PROMOTION_TAG = "promotion.run"
RECORD_TAG = "promotion.record"
REFUSED_TAG, REFUSED_AT_TAG = "promotion.refused", "promotion.refused_at"
MODEL_SOURCE = "models:/"
MODEL_FILE = "model.skops"
DECISIONS = "decisions"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run, as lists show it.

    Attributes:
        run_id: Its ID.
        name: Its name, verdict first.
        status: MLflow's: RUNNING, FINISHED, FAILED, KILLED.
        verdict: What the gate said, empty while it has not.
        kind: Kind of what was evaluated.
        subject: Name of what was evaluated.
        version: Model version, empty for another subject.
        profile: Name of the profile.
        batch: ID shared by the runs of one command.
        started: When it started.
        bundle_digest: Digest of its bundle, empty without one.
        signed_by: ID of the key its bundle is signed with, empty when unsigned.
        risks: Verdict word per risk.
        measured: When a risk was measured, where a result of before the run was used again.
    """

    run_id: str
    name: str
    status: str
    verdict: str
    kind: SubjectKind
    subject: str
    version: str
    profile: str
    batch: str
    started: datetime
    bundle_digest: str
    signed_by: str
    risks: Mapping[str, str]
    measured: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a run left behind to prove its verdict.

    Attributes:
        run: The run.
        bundle: Its bundle, as it is now.
        folder: The files that the bundle pins.
        envelope: The signed form of the bundle, ``None`` when it is unsigned.
        approvals: Signed approvals, as they are now.
    """

    run: RunSummary
    bundle: Bundle
    folder: Path
    envelope: Mapping[str, Any] | None
    approvals: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Champion:
    """The version an alias points at.

    Attributes:
        name: Name of the registered model.
        number: Version number.
        run_id: The run whose decision put it there, empty if none did.
        digest: Digest of its model file, as the registry has it.
    """

    name: str
    number: str
    run_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A version of a registered model.

    Attributes:
        name: Name of the registered model.
        number: Version number.
        model_id: The logged model behind it, which its files are kept with.
        created: When it was registered.
        tags: Its tags.
    """

    name: str
    number: str
    model_id: str
    created: datetime
    tags: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Digest of its model file, as the registry has it; empty when it has none."""
        return self.tags.get(DIGEST_TAG, "")


class Shelf(Protocol):
    """A store that can be read."""

    def runs(self, *, limit: int = 1000) -> list[RunSummary]:
        """The newest runs, newest first; without the child runs of single evaluations."""
        ...

    def newest(self, *, risks: Collection[str], subjects: Collection[str]) -> list[RunSummary]:
        """For each risk and subject, the newest finished run that says anything about it.

        Each run once, newest first, however many newer runs say nothing about it. One that was
        killed has no verdict, whatever it had written by then.
        """
        ...

    def find(self, reference: str) -> RunSummary:
        """A run by its ID, the beginning of its ID, or ``latest``.

        Raises:
            Misconfigured: No run, or more than one, is meant by it.
        """
        ...

    def evidence(self, run: RunSummary) -> Evidence:
        """What a run left behind.

        Raises:
            Misconfigured: It has no evidence: it is running, or was killed.
            EvidenceMismatch: A part of it is no document of its kind.
            StoreUnavailable: It cannot be read.
        """
        ...

    def ledger(self) -> Sequence[Entry]:
        """Every entry of the ledger, in order of their numbers; empty when there is none.

        Raises:
            EvidenceMismatch: An entry is none, or there are two ledgers.
        """
        ...

    def aliased(self, name: str, alias: str) -> Champion | None:
        """The version of a registered model that an alias points at, if any."""
        ...

    def versions(self, name: str) -> Sequence[Registered]:
        """Every version of a registered model, the oldest first; empty when there is none."""
        ...

    def registered(self) -> Sequence[str]:
        """Names of all registered models, with or without a version."""
        ...

    def files(self, run_id: str) -> Path:
        """The folder of the files kept with a run, of whatever kind it is.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        ...

    def kept(self, version: Registered) -> AbstractContextManager[Path]:
        """The folder of the files kept with a version, which may be gone once the context ends.

        Raises:
            EvidenceMismatch: What they were kept with is not in the store.
            StoreUnavailable: They cannot be read.
        """
        ...

    def page(self, run: RunSummary) -> str:
        """Address under which people open a run's page."""
        ...
