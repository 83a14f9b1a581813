"""Evaluate models, the agent and the data for security; promote the best model that passes.

data -> checks -> training -> evaluations, side by side -> decision -> evidence -> promotion

Data that fails a critical check stops the run before anything is trained from it; the refusal is
sealed and stored like any other result.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field
from threadpoolctl import threadpool_limits

from seclab import admission, datasets, models, project, rag, registry, settings, tracking
from seclab.attacks.poisoning import KINDS
from seclab.custody import Manifest
from seclab.datasets import Dataset, Splits
from seclab.errors import EvidenceMismatch, Misconfigured, PromotionRefused
from seclab.evidence import observe
from seclab.fingerprint import Digest
from seclab.gate import Comparison, Verdict, clean_accuracy
from seclab.measurement import CheckReport, Subject, SubjectKind
from seclab.models import TrainedModel
from seclab.models.output_controls import CONTROLS
from seclab.outcome import Outcome
from seclab.rag import AgentTarget, catalogue_digest
from seclab.shelf import RunSummary
from seclab.tracking import Recording, Store
from tasks import detection
from tasks.announcement import announce
from tasks.context import Context
from tasks.custody import recorded, trace
from tasks.data import check_splits
from tasks.evaluation import evaluate_agent, evaluate_model
from tasks.keeping import Keeper
from tasks.poison import drill
from tasks.progress import progress
from tasks.promotion import promote_version
from tasks.quarantine import check_left, set_aside
from tasks.recording import describe, record
from tasks.reuse import earlier_results
from tasks.threads import Threads
from tasks.training import train_model

ModelName = Annotated[str, Field(json_schema_extra={"enum": list(models.SPECS)})]
ControlName = Annotated[str, Field(json_schema_extra={"enum": list(CONTROLS)})]
PoisonName = Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]
EvaluationName = Annotated[str, Field(json_schema_extra={"enum": list(registry.registered())})]


class EvaluationParameters(BaseModel):
    """What to evaluate, and how hard."""

    model_config = ConfigDict(extra="forbid")

    profile: Literal["quick", "standard", "deep"] = Field(
        default="standard", title="Profile", description="How much effort the attacks make."
    )
    models: list[ModelName] = Field(
        default_factory=lambda: list(models.SPECS),
        title="Models",
        description="Which models to train and evaluate.",
    )
    evaluations: list[EvaluationName] = Field(
        default_factory=lambda: list(registry.registered()),
        title="Evaluations",
        description="Leave one out, and every criterion on it is not evaluated, which blocks.",
    )
    controls: list[ControlName] = Field(
        default_factory=list,
        title="Output controls",
        description="Measure every model behind each of these too, and what it costs a client.",
    )
    poison: PoisonName | None = Field(
        default=None,
        title="Poison",
        description="Poison the data on purpose, to see what the checks find and repair saves.",
    )
    poison_rate: float = Field(
        default=0.02,
        ge=0.0,
        le=1.0,
        title="Poison rate",
        description="Poisoned rows as a fraction of all.",
    )
    seed: int = Field(
        default=0,
        ge=0,
        title="Seed",
        description="Decides everything random: the same seed gives the same numbers.",
    )
    promote: bool = Field(
        default=True,
        title="Promote",
        description="Make the most accurate passing model the champion.",
    )
    refresh: bool = Field(
        default=False,
        title="Refresh",
        description="Measure everything anew, also what an earlier run has measured already.",
    )


_Result: TypeAlias = tuple[RunSummary, tuple[Outcome, ...]]
# What an earlier run has measured is there at once.
_Work: TypeAlias = list[Outcome | PrefectFuture[Outcome]]
_Started: TypeAlias = tuple[AgentTarget, Recording, _Work]
# The runner's type parameter is that of futures of unlike tasks, which flow() does not spell.
_THREADS: Any = Threads(max_workers=os.cpu_count())


@flow(
    name="security-evaluation",
    flow_run_name="{parameters.profile} evaluation, seed {parameters.seed}",
    task_runner=_THREADS,
    timeout_seconds=4 * 3600,
)
def security_evaluation(parameters: EvaluationParameters) -> State[Any]:
    """Train, check, attack, decide, seal, store, and promote what passed."""
    context = _prepare(parameters)
    parts = context.project
    # Attacks work on many small matrices, where a second BLAS thread costs more than it gives.
    with threadpool_limits(limits=1), ExitStack() as stack:
        dataset = datasets.load(parts.settings.dataset)
        if parameters.poison:
            kind, rate = parameters.poison, parameters.poison_rate
            blocked = drill(context, stack, dataset, kind=kind, rate=rate)
            return announce(context.store, [blocked])
        checked = check_left(set_aside(dataset, context), context)
        dataset, reports = checked.dataset, list(checked.reports)
        context = replace(context, beside=checked.beside)
        if any(report.stopping() for report in reports):
            return announce(context.store, [_refuse(context, stack, dataset, reports)])
        splits, overlap = check_splits(dataset, parts, seed=parameters.seed)
        reports.append(overlap)
        if overlap.stopping():
            return announce(context.store, [_refuse(context, stack, dataset, reports)])
        manifests = trace(recorded(context, dataset), dataset, splits)
        agent = _start_agent(context, stack, _chosen(context, parameters, "agent"))
        chosen = _chosen(context, parameters, "dataset")
        data = detection.start(context, stack, dataset, reports, chosen, manifests=manifests)
        results = _evaluate_models(context, stack, parameters, splits, reports, manifests=manifests)
        results += detection.finish(context, data)
        results += _finish_agent(context, agent)
    if parameters.promote:
        _promote(context, results)
    return announce(context.store, [summary for summary, _ in results])


def _prepare(parameters: EvaluationParameters) -> Context:
    """Everything that can be refused is refused here, before any work is done."""
    parts = project.load(settings.find())
    problems = project.unknown_names(
        parts,
        profile=parameters.profile,
        models=parameters.models,
        evaluations=parameters.evaluations,
        controls=parameters.controls,
        poison=[parameters.poison] if parameters.poison else [],
    )
    if problems:
        raise Misconfigured(problems)
    store = tracking.open_store(parts.settings)
    now = datetime.now(UTC)
    for run_id in tracking.recover(store, at=now):
        progress.warning("closed   run %s, whose process had died", run_id)
    name = parts.settings.registered_model
    if tracking.reconcile(store, name, at=now):
        progress.warning("finished a promotion of %s, whose process had died", name)
    key = project.signing_key(parts, "pipeline", at=now)
    if key is None:
        progress.warning(
            "unsigned there is no key of the pipeline: `seclab keys init --role pipeline "
            "--owner TEAM` makes one"
        )
    return Context(
        project=parts,
        store=store,
        environment=observe(parts.settings.root),
        profile=parameters.profile,
        seed=parameters.seed,
        batch=str(flow_run.id),
        started=now,
        key=key,
        champion=_champion(store, name),
        refresh=parameters.refresh,
    )


def _champion(store: Store, name: str) -> Comparison | None:
    """What models are compared with. A promotion compares again, and refuses where it cannot."""
    try:
        return admission.compare_with(tracking.StoreShelf(store), name)
    except EvidenceMismatch as error:
        for problem in error.problems:
            progress.error("champion %s", problem)
        return None


def _chosen(
    context: Context, parameters: EvaluationParameters, kind: SubjectKind
) -> dict[str, Mapping[str, Any]]:
    """The evaluations to run on a kind of subject, with the profile's parameters."""
    profile = context.project.registers.profiles[parameters.profile].evaluations
    more: dict[str, Any] = {}
    if kind == "model" and parameters.controls:
        more[registry.OUTPUT_CONTROLS] = list(dict.fromkeys(parameters.controls))
    return {
        name: {**profile.get(name, {}), **more}
        for name in registry.registered(kind)
        if name in parameters.evaluations
    }


def _refuse(
    context: Context, stack: ExitStack, dataset: Dataset, reports: Sequence[CheckReport]
) -> RunSummary:
    """Seal and store that the data was refused."""
    subject = Subject("dataset", dataset.name, str(dataset.fingerprint().ordered))
    recording = stack.enter_context(context.recording(subject))
    return record(
        context,
        recording,
        outcomes=(),
        reports=reports,
        datasets=[dataset],
        manifests=recorded(context, dataset),
    )


def _evaluate_models(
    context: Context,
    stack: ExitStack,
    parameters: EvaluationParameters,
    splits: Splits,
    reports: Sequence[CheckReport],
    *,
    manifests: Mapping[Digest, Manifest],
) -> list[_Result]:
    chosen = _chosen(context, parameters, "model")
    if not chosen:
        return []
    training = [
        train_model.submit(name, splits, seed=parameters.seed) for name in parameters.models
    ]
    data = {name: str(part.fingerprint().ordered) for name, part in splits.parts().items()}
    running: list[tuple[TrainedModel, Recording, _Work]] = []
    for future in training:
        model = future.result()
        subject = Subject("model", model.spec.name, str(model.digest))
        recording = stack.enter_context(context.recording(subject))
        wanted = context.wanted(subject, chosen, data=data)
        earlier = earlier_results(context, wanted)
        parts = list(splits.parts().values())
        keeper = Keeper(context, recording, reports, parts, manifests, describe(model))
        work: _Work = [
            earlier.get(want.entry.name) or evaluate_model.submit(want, model, splits, keeper)
            for want in wanted
        ]
        running.append((model, recording, work))
    results = []
    for model, recording, work in running:
        outcomes = _outcomes(work)
        summary = record(
            context,
            recording,
            outcomes=outcomes,
            reports=reports,
            datasets=list(splits.parts().values()),
            manifests=manifests,
            model=model,
        )
        results.append((summary, outcomes))
    return results


def _start_agent(
    context: Context, stack: ExitStack, chosen: Mapping[str, Mapping[str, Any]]
) -> _Started | None:
    if not chosen:
        return None
    agent = rag.default_agent()
    recording = stack.enter_context(context.recording(agent.subject))
    wanted = context.wanted(agent.subject, chosen, data={"cases": str(catalogue_digest())})
    earlier = earlier_results(context, wanted)
    keeper = Keeper(context, recording, (), (), {}, _describe(agent))
    work: _Work = [
        earlier.get(want.entry.name) or evaluate_agent.submit(want, agent, keeper)
        for want in wanted
    ]
    return agent, recording, work


def _finish_agent(context: Context, started: _Started | None) -> list[_Result]:
    if started is None:
        return []
    agent, recording, work = started
    outcomes = _outcomes(work)
    summary = record(
        context,
        recording,
        outcomes=outcomes,
        reports=(),
        datasets=(),
        manifests={},
        description=_describe(agent),
    )
    return [(summary, outcomes)]


def _describe(agent: AgentTarget) -> dict[str, Any]:
    return {**agent.agent.describe(), "cases": str(catalogue_digest())}


def _outcomes(work: _Work) -> tuple[Outcome, ...]:
    """The outcomes in their order, once the last is there."""
    return tuple(part.result() if isinstance(part, PrefectFuture) else part for part in work)


def _promote(context: Context, results: Sequence[_Result]) -> None:
    """Of the models that pass, promote the most accurate, unless their data did not pass."""
    for summary, _ in results:
        if summary.kind == "dataset" and summary.verdict != Verdict.PASS:
            progress.warning(
                "refused  no model is promoted: their data, %s, is %s",
                summary.subject,
                summary.verdict,
            )
            return
    passing = [
        (summary, outcomes)
        for summary, outcomes in results
        if summary.verdict == Verdict.PASS and summary.version
    ]
    if passing:
        best, _ = max(passing, key=lambda result: clean_accuracy(result[1]))
        now, key = datetime.now(UTC), context.key
        try:
            promote_version(context.project, context.store, best, at=now, key=key)
        except PromotionRefused as refusal:
            # What was measured stands: approvals can only be given to what is there.
            for problem in refusal.problems:
                progress.warning("refused  %s", problem)
