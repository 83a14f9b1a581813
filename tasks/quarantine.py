"""Set quarantined rows aside, check what is left, and put what checks stop on into quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import data_checks, quarantine
from seclab.custody import Rows
from seclab.data_checks import Inspection
from seclab.datasets import Dataset
from seclab.measurement import CheckReport
from seclab.project import Project
from seclab.quarantine import SET_ASIDE_FILE, SUSPECTED_FILE, Divided, Finding
from seclab.shelf.row_decisions import read_quarantine
from seclab.tracking import StoreShelf
from tasks import processes
from tasks.context import Beside, Context
from tasks.data import tell
from tasks.progress import progress

_LONGEST = 600.0  # seconds


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A dataset without what is set aside, and what its checks found.

    Attributes:
        dataset: The rows that are left.
        reports: What the checks found in them, the suite of the dataset first.
        beside: What was set aside, released and newly suspected, for the evidence.
    """

    dataset: Dataset
    reports: tuple[CheckReport, ...]
    beside: Beside


@task(name="set-aside", task_run_name="set aside {acquired.name}", cache_policy=NO_CACHE)
def set_aside(acquired: Dataset, context: Context) -> Divided:
    """Divide a dataset by its quarantine, as the evidence store has it."""
    project, name = context.project, acquired.name
    held = read_quarantine(
        StoreShelf(context.store),
        name,
        keyring=project.keyring,
        signatures=project.registers.tier_of(name).signature,
    )
    for row in held.rows.values():
        if row.decisions and row.decisions[-1].problem:
            problem = row.decisions[-1].problem
            progress.warning("suspect  row %s of %s still: %s", row.row[:12], name, problem)
    divided = quarantine.divide(acquired, held)
    if divided.words():
        progress.warning("aside    %s: %s", name, divided.words())
    return divided


@task(name="check-data", task_run_name="check {divided.left.name}", cache_policy=NO_CACHE)
def check_left(divided: Divided, context: Context) -> Checked:
    """Run the suites of a dataset on what is left of it; what stops becomes suspected.

    A profile may name suites besides that of the dataset.
    """
    project, left = context.project, divided.left
    more = project.registers.profiles[context.profile].suites
    inspections = [_inspect(name, divided, project) for name in (left.name, *more)]
    files: dict[str, str] = {}
    notes: list[str] = []
    if divided.words():
        files[SET_ASIDE_FILE] = divided.text()
        notes.append(f"{divided.words()}: `{SET_ASIDE_FILE}`")
    suspected = _suspected(divided, inspections)
    if suspected:
        files[SUSPECTED_FILE] = suspected.text()
        notes.append(_tell_suspected(suspected))
    reports = tuple(each.report for each in inspections)
    return Checked(left, reports, Beside(files, "\n\n".join(notes)))


def _inspect(suite: str, divided: Divided, project: Project) -> Inspection:
    left = divided.left
    inspection = processes.call(
        data_checks.inspect,
        left,
        project.suites[suite],
        baseline=project.histories.get(left.name),
        acquired=Rows.of(divided.acquired) if divided.aside else None,
        released=divided.decided(),
        timeout=_LONGEST,
    )
    tell(inspection.report)
    return inspection


def _suspected(divided: Divided, inspections: Sequence[Inspection]) -> Finding | None:
    """The rows that checks stopped on, but for those that people have looked at and released."""
    released = divided.decided().keys()
    flagged: dict[int, tuple[str, ...]] = {}
    for inspection in inspections:
        for row, by in inspection.suspects().items():
            if row not in released:
                flagged[row] = tuple(dict.fromkeys((*flagged.get(row, ()), *by)))
    if not flagged:
        return None
    acquired = str(divided.acquired.fingerprint().ordered)
    places = divided.places.tolist()
    return quarantine.find(divided.left, flagged, places=places, acquired=acquired)


def _tell_suspected(suspected: Finding) -> str:
    """Say how many rows go into quarantine and what to do next, also for the run's page."""
    count, name = len(suspected.rows), suspected.dataset
    progress.error("suspect  %d rows of %s go into quarantine", count, name)
    progress.error("next     `seclab quarantine list` shows them; confirm or release rows with a")
    progress.error("         reason, or leave them, then evaluate again: it uses what is left")
    return (
        f"{count} rows are suspected from now on and set aside: `{SUSPECTED_FILE}`. See `seclab "
        "quarantine list`, confirm or release rows with a reason, then evaluate again"
    )
