"""Keep what took long to measure while its run is open, so that an interruption costs little."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seclab import tracking
from seclab.assessment import assess
from seclab.custody import Manifest
from seclab.datasets import Dataset
from seclab.errors import SeclabError
from seclab.fingerprint import Digest
from seclab.measurement import CheckReport
from seclab.outcome import Evaluated
from seclab.tracking import Recording
from tasks.context import Context
from tasks.progress import progress
from tasks.recording import DRAWING, facts_of

# Each kept result is an entry in the ledger for ever: what took less is measured again.
WORTH_KEEPING = 20.0  # seconds


@dataclass(frozen=True, slots=True, eq=False)
class Keeper:
    """Where results of an open run are kept until it is sealed.

    Attributes:
        context: The evaluation run.
        recording: The open run about one subject.
        reports: What the data checks returned.
        datasets: Every dataset involved.
        manifests: Where they come from.
        description: What makes the subject what it is.
    """

    context: Context
    recording: Recording
    reports: Sequence[CheckReport]
    datasets: Sequence[Dataset]
    manifests: Mapping[Digest, Manifest]
    description: Mapping[str, Any]

    def keep(self, outcome: Evaluated, *, seconds: float) -> None:
        """Seal one result by itself, if it took long enough to measure and has a key.

        That it cannot be kept is no failure of the evaluation: a warning says so.
        """
        if seconds < WORTH_KEEPING or not outcome.key:
            return
        try:
            self._seal(outcome)
        except (SeclabError, OSError) as error:
            what = f"{self.recording.subject.name}  {outcome.evaluation}"
            progress.warning("not kept %s for the case of an interruption: %s", what, error)

    def _seal(self, outcome: Evaluated) -> None:
        context = self.context
        facts = facts_of(
            context,
            self.recording.subject,
            datasets=self.datasets,
            manifests=self.manifests,
            description=self.description,
        )
        with tempfile.TemporaryDirectory(prefix="seclab-") as folder:
            with DRAWING:
                sealed = assess(
                    facts,
                    outcomes=[outcome],
                    reports=self.reports,
                    registers=context.project.registers,
                    folder=Path(folder),
                    key=context.key,
                )
            tracking.keep_partial(
                context.store,
                self.recording,
                outcome,
                bundle=sealed.bundle,
                envelope=sealed.envelope,
                folder=sealed.folder,
                at=facts.finished,
            )
