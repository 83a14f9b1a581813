"""Where the data of a run comes from: the recorded versions, and what the run makes of them."""

from collections.abc import Mapping

from seclab.custody import Manifest, coverage, manifest_of, set_aside, split_manifests
from seclab.datasets import Dataset, Splits
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_bytes
from seclab.quarantine import SET_ASIDE_FILE
from tasks.context import Context
from tasks.progress import progress


def recorded(context: Context, dataset: Dataset) -> Mapping[Digest, Manifest]:
    """The manifests of the recorded versions of a dataset, and of what is left after quarantine.

    Args:
        context: The evaluation run.
        dataset: What it uses, without the rows that are set aside.

    Returns:
        Nothing where nothing is recorded; no manifest of a set that is no part of what is.
    """
    history = context.project.histories.get(dataset.name)
    if history is None:
        return {}
    decisions = context.beside.files.get(SET_ASIDE_FILE)
    if decisions is None:
        return history.manifests
    newest = history.newest
    try:
        left = set_aside(
            dataset,
            parent=newest,
            rows=history.rows[newest.digest],
            decisions=of_bytes(decisions.encode()),
        )
    except Misconfigured as error:
        progress.warning("custody  %s", error)
        return history.manifests
    return {**history.manifests, left.digest: left}


def trace(
    manifests: Mapping[Digest, Manifest], dataset: Dataset, splits: Splits
) -> Mapping[Digest, Manifest]:
    """The same and those of the parts that a dataset was split into.

    Args:
        manifests: What is known so far, of rows that were set aside before as well.
        dataset: The version that was split.
        splits: Its parts.
    """
    parent = manifest_of(dataset, manifests)
    parts = split_manifests(dataset, splits, parent=parent)
    found = coverage(dataset, {**manifests, parent.digest: parent})
    progress.info(
        "custody  %.1f%% of %d rows have source, licence, acquisition and a chain without gap",
        100 * found.share,
        found.rows,
    )
    for gap in found.gaps:
        progress.warning("custody  %s", gap)
    return {**manifests, parent.digest: parent, **parts}
