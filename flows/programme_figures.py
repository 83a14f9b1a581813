"""Compute the figures of the programme on a schedule, and record them as evidence is recorded."""

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed

from seclab import project, settings, tracking
from seclab.programme import changes, numbers, written
from tasks.programme import record_figures


@flow(name="programme-figures", flow_run_name="programme figures", timeout_seconds=3600)
def programme_figures() -> State[Any]:
    """Record how the programme stands: a run with its numbers, a document, a ledger entry.

    Raises the event ``programme.figures.recorded``. What the figures say never fails the run:
    they report, and the gate decides.
    """
    parts = project.load(settings.find())
    store = tracking.open_store(parts.settings)
    figures, before, entry = record_figures(parts, store, at=datetime.now(UTC))
    rows = [
        {
            "figure": change.measure.name,
            "now": written(change.measure, change.now),
            "before": written(change.measure, change.before),
            "trend": change.trend,
            "how it is counted": change.measure.counted,
        }
        for change in changes(figures, before)
    ]
    create_table_artifact(key="programme-figures", description="How it stands", table=rows)
    emit_event(
        "programme.figures.recorded",
        resource={
            "prefect.resource.id": f"seclab.programme.{parts.settings.registered_model}",
            "prefect.resource.name": parts.settings.registered_model,
        },
        payload={"run": entry.run, "digest": entry.digest, "numbers": numbers(figures)},
    )
    worse = [row["figure"] for row in rows if row["trend"] == "worse"]
    said = f"; worse than before: {', '.join(worse)}" if worse else ""
    return Completed(message=f"recorded as run {entry.run[:12]}{said}")
