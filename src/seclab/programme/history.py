"""What the evidence ever said, in order: one verdict per run and risk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from seclab.evidence.ledger import Entry
from seclab.shelf import RunSummary

FAILED, PASSED = "block", "pass"


@dataclass(frozen=True, slots=True)
class Said:
    """What one run said of one risk.

    Attributes:
        risk: The risk.
        subject: Name of the subject.
        version: Model version, empty for another subject.
        word: The verdict: ``pass``, ``block`` or one that is neither.
        known: When the bundle was sealed that says so.
        made: When it was measured, which is earlier where a result was used again.
        run: The run.
    """

    risk: str
    subject: str
    version: str
    word: str
    known: datetime
    made: datetime
    run: str


def said(runs: Iterable[RunSummary], entries: Sequence[Entry]) -> tuple[Said, ...]:
    """What all sealed runs said, the oldest first.

    A run whose bundle is not in the ledger, or was declared void there, has said nothing. Of two
    that were sealed in the same moment, a failure comes last: it is not closed by the other.

    Args:
        runs: The runs, in any order.
        entries: The ledger.
    """
    voided = {(entry.run, entry.digest) for entry in entries if entry.kind == "void"}
    sealed = {
        (entry.run, entry.digest): datetime.fromisoformat(entry.at)
        for entry in entries
        if entry.kind == "bundle" and (entry.run, entry.digest) not in voided
    }
    found = [
        Said(
            risk=risk,
            subject=run.subject,
            version=run.version,
            word=word,
            known=sealed[run.run_id, run.bundle_digest],
            made=min(run.started, run.measured.get(risk, run.started)),
            run=run.run_id,
        )
        for run in runs
        if run.verdict and (run.run_id, run.bundle_digest) in sealed
        for risk, word in run.risks.items()
    ]
    return tuple(sorted(found, key=lambda each: (each.known, each.word == FAILED, each.run)))
