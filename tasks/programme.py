"""Compute the figures of the programme, and keep them as evidence is kept."""

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import programme, project, tracking
from seclab.evidence.ledger import Entry
from seclab.evidence.signing import sign
from seclab.programme import Figures
from seclab.project import Project
from seclab.tracking import Store, StoreShelf
from tasks.progress import progress


@task(
    name="programme",
    task_run_name="figures of the programme",
    cache_policy=NO_CACHE,
    timeout_seconds=1800,
)
def record_figures(
    parts: Project, store: Store, *, at: datetime
) -> tuple[Figures, Figures | None, Entry]:
    """Compute the figures of now, sign them where there is a key, and enter them in the ledger.

    Returns:
        The figures, those that were recorded last, and the ledger entry of the new ones.
    """
    shelf, settings = StoreShelf(store), parts.settings
    decided = programme.load_decided(settings.registers)
    facts = programme.gather(decided, shelf, registered_model=settings.registered_model, at=at)
    entries = shelf.ledger()
    last = programme.last_recorded(shelf, entries)
    before = last.figures if last else None
    figures = programme.compute(facts, before=before, at=at)
    newest = entries[-1].digest_of_entry if entries else ""
    record = programme.document_of(figures, registers=decided.digests, ledger=newest)
    key = project.signing_key(parts, "pipeline", at=at)
    entry = tracking.keep_figures(
        store,
        record,
        sign(record, key) if key else None,
        numbers=programme.numbers(figures),
        note=programme.render_markdown(figures, before),
        at=at,
    )
    progress.info("recorded programme figures, ledger entry %d", entry.sequence)
    return figures, before, entry
