"""Tell Prefect what the gate said: state, artifacts and events."""

from collections.abc import Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed

from seclab.gate import Verdict, overall
from seclab.shelf import RunSummary
from seclab.tracking import Store, page


def announce(store: Store, runs: Sequence[RunSummary]) -> State[Any]:
    """Publish the verdicts and give the state that the flow ends in.

    A blocked gate is a failure of its own name, so that schedules and automations can tell it
    from an evaluation that broke.
    """
    create_table_artifact(
        key="verdicts",
        description="Verdict per evaluated subject",
        table=[
            {
                "verdict": run.verdict,
                "subject": run.subject,
                "version": run.version,
                "run": run.run_id,
                "risks": ", ".join(f"{risk} {word}" for risk, word in sorted(run.risks.items())),
            }
            for run in runs
        ],
    )
    create_markdown_artifact(
        key="evidence",
        description="The runs in MLflow",
        markdown="\n".join(f"- [{run.name}]({page(store, run.run_id)})" for run in runs),
    )
    for run in runs:
        _emit(run)
    verdict = overall((run.kind, Verdict(run.verdict)) for run in runs)
    message = "; ".join(f"{run.verdict} {run.subject}" for run in runs)
    if verdict is Verdict.PASS:
        return Completed(message=message)
    name = "GateFailed" if verdict is Verdict.BLOCK else "NotEvaluated"
    return Failed(name=name, message=message)


def _emit(run: RunSummary) -> None:
    resource = (
        f"mlflow.model-version.{run.version}" if run.version else f"seclab.{run.kind}.{run.subject}"
    )
    emit_event(
        "model.gate.passed" if run.verdict == Verdict.PASS else "model.gate.failed",
        resource={"prefect.resource.id": resource, "prefect.resource.name": run.subject},
        payload={"verdict": run.verdict, "run": run.run_id, "risks": dict(run.risks)},
    )
