"""Run any registered evaluation."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import registry
from seclab.datasets import Splits
from seclab.detection import DatasetTarget
from seclab.models import Target, TrainedModel
from seclab.outcome import Evaluated, Missing, Outcome
from seclab.rag import AgentTarget, catalogue_digest
from seclab.registry import Evaluable
from seclab.reuse import Wanted
from tasks import processes
from tasks.keeping import Keeper
from tasks.progress import progress

_LONGEST = 3600.0  # seconds


@task(
    name="evaluate",
    task_run_name="{want.entry.name} on {model.spec.name}",
    cache_policy=NO_CACHE,
)
def evaluate_model(want: Wanted, model: TrainedModel, splits: Splits, keeper: Keeper) -> Outcome:
    """Run one evaluation against one model, with a query count of its own."""
    digest = str(splits.test.fingerprint().ordered)
    return _run(want, Target(model, splits), digest, keeper)


@task(
    name="evaluate-agent",
    task_run_name="{want.entry.name} on the agent",
    cache_policy=NO_CACHE,
)
def evaluate_agent(want: Wanted, agent: AgentTarget, keeper: Keeper) -> Outcome:
    """Run one evaluation against the agent."""
    return _run(want, agent, str(catalogue_digest()), keeper)


@task(
    name="evaluate-dataset",
    task_run_name="{want.entry.name} on {want.subject.name}",
    cache_policy=NO_CACHE,
)
def evaluate_dataset(want: Wanted, target: DatasetTarget, keeper: Keeper) -> Outcome:
    """Run one evaluation against a dataset and the checks it has to pass."""
    return _run(want, target, target.subject.digest, keeper)


def _run(want: Wanted, target: Evaluable, digest: str, keeper: Keeper) -> Outcome:
    entry, seed, parameters = want.entry, want.seed, want.parameters
    began = time.monotonic()
    try:
        outcome = processes.call(
            registry.run,
            entry,
            target,
            seed=seed,
            dataset_digest=digest,
            **parameters,
            timeout=_LONGEST,
        )
    except processes.Died as error:
        reason = str(error)
        outcome = registry.unevaluated(entry, Missing.ERRORED, reason, seed=seed, **parameters)
    _tell(outcome, target.subject.name)
    dated = replace(outcome, key=want.key, measured_at=datetime.now(UTC))
    if isinstance(dated, Evaluated):
        keeper.keep(dated, seconds=time.monotonic() - began)
    return dated


def _tell(outcome: Outcome, name: str) -> None:
    if isinstance(outcome, Evaluated):
        progress.info(
            "measured %s  %s: %d numbers", name, outcome.evaluation, len(outcome.measurements)
        )
    else:
        progress.error("%s  %s  %s: %s", outcome.missing, name, outcome.evaluation, outcome.reason)
