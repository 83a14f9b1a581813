"""The ledger in MLflow: one run, whose parameters are the entries.

MLflow never changes a parameter once it is written, and its database holds one value per name:
whoever writes entry 12 first has written it, on this machine or another. That is all a ledger
needs of a store.
"""

import time
from collections.abc import Callable, Sequence

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException

from seclab.errors import EvidenceMismatch
from seclab.evidence.ledger import Entry, to_lines
from seclab.measurement import Subject
from seclab.shelf import contents
from seclab.shelf.records import LEDGER_ENTRY, LEDGER_EXPERIMENT
from seclab.tracking.store import Store, unavailable_means

_PREFIX = LEDGER_ENTRY.partition("{")[0]
_PATIENCE = 30.0  # seconds for another first writer to make the run


class Overtaken(Exception):
    """Another run of the same subject was sealed in between: what it is chained to has changed."""


def read_ledger(store: Store) -> list[Entry]:
    """Every entry, in order of their numbers; empty when nothing was written yet.

    Raises:
        EvidenceMismatch: An entry is none or is kept under another number, or there are two
            ledgers.
        StoreUnavailable: The store cannot be read.
    """
    with unavailable_means("the ledger cannot be read"):
        return contents.ledger(_kept(_runs(store.client)))


def append(store: Store, compose: Callable[[Sequence[Entry]], Entry]) -> Entry:
    """Add one entry after all that are there.

    Args:
        store: The evidence store.
        compose: Gives the entry that follows those it is shown. It is asked again when another
            writer was first, may raise to give up, and may return an entry that is there already.

    Raises:
        EvidenceMismatch: The ledger is damaged.
        StoreUnavailable: The store cannot be written.
    """
    with unavailable_means("the ledger cannot be written"):
        run_id = _run_to_write(store.client)
        while True:
            entries = contents.ledger(_kept([store.client.get_run(run_id)]))
            entry = compose(entries)
            if entry in entries:
                return entry
            key = LEDGER_ENTRY.format(entry.sequence)
            try:
                store.client.log_param(run_id, key, to_lines([entry]).strip())
            except MlflowException:
                if key not in store.client.get_run(run_id).data.params:
                    raise
            else:
                return entry


def newest_bundle(entries: Sequence[Entry], subject: Subject) -> str | None:
    """Digest of the newest bundle about a subject of this kind and name."""
    for entry in reversed(entries):
        about = (entry.kind, entry.about.get("kind"), entry.subject)
        if about == ("bundle", subject.kind, subject.name):
            return entry.digest
    return None


def previous_bundle(store: Store, subject: Subject) -> str | None:
    """Digest of the bundle that the next one about a subject has to name."""
    return newest_bundle(read_ledger(store), subject)


def _kept(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """The parameters that are entries, by run."""
    return {
        run.info.run_id: {
            key: value for key, value in run.data.params.items() if key.startswith(_PREFIX)
        }
        for run in runs
    }


def _runs(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name(LEDGER_EXPERIMENT)
    return _runs_of(client, experiment.experiment_id) if experiment else []


def _runs_of(client: MlflowClient, experiment_id: str) -> list[Run]:
    """The runs of the ledger's experiment, of which there should be one."""
    runs = list(client.search_runs([experiment_id], run_view_type=ViewType.ALL))
    deleted = [run.info.run_id for run in runs if run.info.lifecycle_stage == "deleted"]
    if deleted:
        # To begin another one would hide that it is gone.
        raise EvidenceMismatch(
            f"the ledger, run {', '.join(deleted)}, was deleted in MLflow; restore its experiment "
            f"{experiment_id} and the run (`mlflow runs restore --run-id {deleted[0]}`)"
        )
    return runs


def _run_to_write(client: MlflowClient) -> str:
    """The run of the ledger. Experiments have unique names: who makes it makes the run."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        experiment = client.get_experiment_by_name(LEDGER_EXPERIMENT)
        if experiment is None:
            if made := _make_experiment(client):
                return str(_make_run(client, made))
            continue  # another first writer was quicker
        runs = _runs_of(client, experiment.experiment_id)
        if len(runs) > 1:
            contents.ledger(_kept(runs))  # says that there are two
        if runs:
            return str(runs[0].info.run_id)
        if time.monotonic() > deadline:
            # Whoever made the experiment died before it made the run. Its name is taken from it,
            # not the run put into it: several may wait here, and only one can make the next.
            client.rename_experiment(
                experiment.experiment_id, f"{LEDGER_EXPERIMENT}-{experiment.experiment_id}-empty"
            )
        time.sleep(0.1)


def _make_experiment(client: MlflowClient) -> str:
    """Make the ledger's experiment; empty when another writer has made it."""
    try:
        return str(client.create_experiment(LEDGER_EXPERIMENT))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return ""


def _make_run(client: MlflowClient, experiment_id: str) -> str:
    note = (
        "Every bundle, approval and promotion of this store, one parameter each, in order. Each "
        "names the digest of the one before; `seclab verify --all` checks them."
    )
    run = client.create_run(experiment_id, run_name="LEDGER", tags={"mlflow.note.content": note})
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)
