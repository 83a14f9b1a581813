"""Check the data, split it, check the splits."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from seclab import data_checks, datasets
from seclab.datasets import Dataset, Splits
from seclab.measurement import CheckReport
from seclab.project import SPLITS_SUITE, Project
from tasks import processes
from tasks.progress import progress

_LONGEST = 600.0  # seconds


@task(
    name="check-data",
    task_run_name="check {dataset.name}",
    cache_policy=NO_CACHE,
)
def check_dataset(dataset: Dataset, project: Project) -> CheckReport:
    """Run the suite of a dataset; its recorded versions are what it is held against."""
    suite, baseline = project.suites[dataset.name], project.histories.get(dataset.name)
    report = processes.call(data_checks.check, dataset, suite, baseline=baseline, timeout=_LONGEST)
    tell(report)
    return report


@task(
    name="check-splits",
    task_run_name="check splits",
    cache_policy=NO_CACHE,
)
def check_splits(dataset: Dataset, project: Project, *, seed: int) -> tuple[Splits, CheckReport]:
    """Split a dataset and check that the parts share nothing."""
    splits = datasets.split(dataset, seed=seed)
    suite = project.suites[SPLITS_SUITE]
    report = processes.call(data_checks.check_splits, splits, suite, timeout=_LONGEST)
    tell(report)
    return splits, report


def tell(report: CheckReport) -> None:
    """Say how many checks of a suite passed, and what stops."""
    stopping = report.stopping()
    progress.info(
        "data     %s: %d of %d checks passed",
        report.suite,
        len(report.results) - len(stopping),
        len(report.results),
    )
    for result in stopping:
        progress.error("data     %s %s: %s", result.expectation, result.status, result.explanation)
