"""Hold the checks of a dataset to what they exist for: poison of every known kind."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.futures import PrefectFuture

from seclab import data_checks
from seclab.custody import Manifest
from seclab.data_checks import SuiteScreen
from seclab.datasets import Dataset
from seclab.detection import DatasetTarget, PoisonedSet
from seclab.fingerprint import Digest
from seclab.measurement import CheckReport
from seclab.outcome import Outcome
from seclab.reuse import code_digest
from seclab.shelf import RunSummary
from seclab.tracking import Recording
from tasks.context import Context
from tasks.evaluation import evaluate_dataset
from tasks.keeping import Keeper
from tasks.recording import record
from tasks.reuse import earlier_results

# The checks stand above the evaluations, whose code alone is in the key of every result.
_CHECKS = code_digest(Path(data_checks.__file__).parent)


@dataclass(frozen=True, slots=True, eq=False)
class Started:
    """The evaluations of a dataset at work.

    Attributes:
        recording: The open run about it.
        rows: What the run is about: the dataset, or the set that was poisoned on purpose.
        reports: What the checks said of these rows.
        manifests: Where they come from.
        description: What makes them what they are.
        work: One outcome an evaluation, there or to come.
    """

    recording: Recording
    rows: Dataset
    reports: Sequence[CheckReport]
    manifests: Mapping[Digest, Manifest]
    description: Mapping[str, Any]
    work: Sequence[Outcome | PrefectFuture[Outcome]]


def start(
    context: Context,
    stack: ExitStack,
    dataset: Dataset,
    reports: Sequence[CheckReport],
    chosen: Mapping[str, Mapping[str, Any]],
    *,
    manifests: Mapping[Digest, Manifest],
    planted: PoisonedSet | None = None,
    description: Mapping[str, Any] | None = None,
) -> Started | None:
    """Begin with the evaluations of a dataset that passed its checks.

    Args:
        context: The evaluation run.
        stack: Closes the run about the dataset, whatever happens.
        dataset: The rows, clean.
        reports: What the checks said.
        chosen: Parameters by name of the evaluation; with none nothing is begun.
        manifests: Where the data comes from.
        planted: The set that was poisoned on purpose, which the run then is about.
        description: What was done to that.
    """
    if not chosen:
        return None
    project, name = context.project, dataset.name
    suite, history = project.suites[name], project.histories.get(name)
    target = DatasetTarget(dataset, SuiteScreen(suite, history), planted)
    subject = target.subject
    recording = stack.enter_context(context.recording(subject))
    data = {
        "rows": str(dataset.fingerprint().ordered),
        "checks": _CHECKS,
        "suite": str(suite.digest),
        "recorded": str(history.newest.digest) if history else "",
    }
    described = {"screened_by": target.about, **(description or {})}
    wanted = context.wanted(subject, chosen, data=data)
    earlier = earlier_results(context, wanted)
    rows = planted.rows if planted else dataset
    keeper = Keeper(context, recording, reports, [rows], manifests, described)
    work = [
        earlier.get(want.entry.name) or evaluate_dataset.submit(want, target, keeper)
        for want in wanted
    ]
    return Started(recording, rows, reports, manifests, described, work)


def finish(
    context: Context, started: Started | None
) -> list[tuple[RunSummary, tuple[Outcome, ...]]]:
    """Wait for the evaluations of a dataset, judge it and store everything."""
    if started is None:
        return []
    outcomes = tuple(
        part.result() if isinstance(part, PrefectFuture) else part for part in started.work
    )
    summary = record(
        context,
        started.recording,
        outcomes=outcomes,
        reports=started.reports,
        datasets=[started.rows],
        manifests=started.manifests,
        description=started.description,
    )
    return [(summary, outcomes)]
