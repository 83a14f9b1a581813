"""Move the champion alias."""

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import promotion
from seclab.evidence.keys import SigningKey
from seclab.project import Project
from seclab.shelf import Champion, RunSummary
from seclab.tracking import Store
from tasks.progress import progress


@task(
    name="promote",
    task_run_name="promote {run.subject} v{run.version}",
    cache_policy=NO_CACHE,
    timeout_seconds=300,
)
def promote_version(
    project: Project,
    store: Store,
    run: RunSummary,
    *,
    at: datetime,
    key: SigningKey | None,
    force: str = "",
) -> Champion:
    """Promote the version a run evaluated, after its evidence was verified once more."""
    champion = promotion.promote(project, store, run, at=at, key=key, force=force)
    if force:
        progress.error(
            "FORCED   %s v%s in spite of the gate: %s", champion.name, run.version, force
        )
    progress.info("promoted %s v%s (%s)", champion.name, champion.number, run.subject)
    return champion
