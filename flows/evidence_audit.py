"""Verify all evidence on a schedule, and raise an event that somebody can be woken by."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed

from seclab import project, settings, tracking
from tasks.audit import audit_evidence


@flow(name="evidence-audit", flow_run_name="evidence audit", timeout_seconds=2 * 3600)
def evidence_audit() -> State[Any]:
    """Verify every bundle, signature, ledger entry and the champion.

    Ends as ``EvidenceChanged`` when anything is not as it was sealed, with the event
    ``evidence.audit.failed``; otherwise with ``evidence.audit.passed``.
    """
    parts = project.load(settings.find())
    findings = audit_evidence(parts, tracking.open_shelf(parts.settings))
    changed = [finding for finding in findings if finding.differences]
    rows = [
        {"what": finding.what, "difference": difference}
        for finding in changed
        for difference in finding.differences
    ]
    create_table_artifact(key="evidence-audit", description="What was changed", table=rows)
    emit_event(
        "evidence.audit.failed" if changed else "evidence.audit.passed",
        resource={
            "prefect.resource.id": f"seclab.evidence.{parts.settings.registered_model}",
            "prefect.resource.name": parts.settings.registered_model,
        },
        payload={"checked": len(findings), "differences": rows[:100]},
    )
    if changed:
        message = "; ".join(f"{found.what}: {found.differences[0]}" for found in changed[:5])
        return Failed(name="EvidenceChanged", message=message)
    return Completed(message=f"{len(findings)} things verified, none was changed")
