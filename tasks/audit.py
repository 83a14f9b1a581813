"""Verify what the store holds."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab.audit import Finding, audit
from seclab.project import Project
from seclab.shelf import Shelf
from tasks.progress import progress


@task(name="audit", task_run_name="audit the evidence", cache_policy=NO_CACHE, timeout_seconds=3600)
def audit_evidence(project: Project, shelf: Shelf) -> list[Finding]:
    """Verify every run, the ledger and the champion; give all findings, good ones too."""
    name = project.settings.registered_model
    findings = list(audit(shelf, keyring=project.keyring, registered_model=name))
    for finding in findings:
        for difference in finding.differences:
            progress.error("changed  %s: %s", finding.what, difference)
    progress.info("audited  %d runs", sum(bool(finding.run_id) for finding in findings))
    return findings
