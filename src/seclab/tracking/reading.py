"""Reading the store through MLflow: runs, their evidence, the ledger and the aliases."""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from seclab.errors import EvidenceMismatch, Misconfigured
from seclab.evidence import Bundle
from seclab.evidence.ledger import Entry
from seclab.settings import Settings
from seclab.shelf import contents
from seclab.shelf.records import (
    CHAMPION,
    DIGEST_TAG,
    FINISHED,
    KIND_TAG,
    PARENT_TAG,
    PROMOTION_TAG,
    RISK_TAG,
    SUBJECT_TAG,
    VERDICT_TAG,
    Champion,
    Evidence,
    Registered,
    RunSummary,
)
from seclab.tracking.ledger import read_ledger
from seclab.tracking.store import Store, model_id, open_store, unavailable_means

_PAGE = 1000
_NO_SUCH = "RESOURCE_DOES_NOT_EXIST"
_ID_LENGTH = 32


def runs(store: Store, *, limit: int = _PAGE) -> list[RunSummary]:
    """The newest runs, newest first; without the child runs of single evaluations."""
    found = _newest_first(store, f"tags.`{KIND_TAG}` != ''", page=min(limit, _PAGE))
    return list(islice(found, limit))


def newest(store: Store, *, risks: Collection[str], subjects: Collection[str]) -> list[RunSummary]:
    """For each risk and subject, the newest finished run that says anything about it.

    One question a subject, and one for each risk that its newest run says nothing about: fewer
    than the pages of all runs, with all their numbers, that would have to be read otherwise.
    """
    found: dict[str, Run] = {}
    with unavailable_means("the runs cannot be read"):
        for subject in subjects:
            latest = _latest(store, subject)
            tags = latest[0].data.tags if latest else {}
            for risk in risks if latest else ():
                tag = RISK_TAG.format(risk)
                said = latest if tag in tags else _latest(store, subject, f"tags.`{tag}` != ''")
                found |= {run.info.run_id: run for run in said}
    ordered = sorted(found.values(), key=lambda run: (-run.info.start_time, run.info.run_id))
    return [_summary(run) for run in ordered]


def _latest(store: Store, subject: str, *conditions: str) -> list[Run]:
    """The newest finished run with a verdict about a subject, if any."""
    wanted = [
        f"attributes.status = '{FINISHED}'",
        f"tags.`{VERDICT_TAG}` != ''",
        f"tags.`{SUBJECT_TAG}` = '{subject}'",
        *conditions,
    ]
    found: list[Run] = store.client.search_runs(
        [store.experiment_id],
        " AND ".join(wanted),
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    return found


def _newest_first(store: Store, condition: str, *, page: int = _PAGE) -> Iterator[RunSummary]:
    """The parent runs that meet a condition, page by page."""
    token: str | None = None
    while True:
        with unavailable_means("the runs cannot be read"):
            answer = store.client.search_runs(
                [store.experiment_id],
                condition,
                max_results=page,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
        yield from (_summary(run) for run in answer if PARENT_TAG not in run.data.tags)
        token = answer.token or None
        if token is None:
            return


def find_run(store: Store, reference: str) -> RunSummary:
    """A run by its ID, the beginning of its ID, or ``latest``.

    Raises:
        Misconfigured: No run, or more than one, is meant by it.
    """
    if len(reference) == _ID_LENGTH:
        try:
            return _summary(store.client.get_run(reference))
        except MlflowException as error:
            raise Misconfigured(f"there is no run {reference}; `seclab runs` lists them") from error
    known = runs(store)
    if reference == "latest":
        return contents.the_one(reference, known[:1])
    return contents.the_one(reference, [r for r in known if r.run_id.startswith(reference)])


def page(store: Store, run_id: str) -> str:
    """Address under which people open a run's page."""
    return contents.page(store.pages, store.experiment_id, run_id)


def load_bundle(store: Store, run: RunSummary) -> tuple[Bundle, Path]:
    """The bundle of a run, and the folder with the files that it pins.

    Raises:
        Misconfigured: The run has no evidence: it is running, or was killed.
        EvidenceMismatch: A part of it is no document of its kind.
        StoreUnavailable: The store cannot be read.
    """
    evidence = load_evidence(store, run)
    return evidence.bundle, evidence.folder


def load_evidence(store: Store, run: RunSummary) -> Evidence:
    """Everything that a run left behind to prove its verdict.

    Raises:
        Misconfigured: The run has no evidence: it is running, or was killed.
        EvidenceMismatch: A part of it is no document of its kind.
        StoreUnavailable: The store cannot be read.
    """
    if not run.bundle_digest:
        raise Misconfigured(f"run {run.run_id} ({run.name}) holds no evidence")
    with unavailable_means(f"the evidence of run {run.run_id} cannot be read"):
        return contents.evidence(run, files(store, run.run_id))


def aliased(store: Store, name: str, alias: str) -> Champion | None:
    """The version of a registered model that an alias points at, if any."""
    with unavailable_means(f"the registered model {name} cannot be read"):
        try:
            version = store.client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            if error.error_code in (_NO_SUCH, "INVALID_PARAMETER_VALUE"):
                return None
            raise
    return Champion(
        name=name,
        number=str(version.version),
        run_id=version.tags.get(PROMOTION_TAG, ""),
        digest=version.tags.get(DIGEST_TAG, ""),
    )


def champion(store: Store, name: str) -> Champion | None:
    """The version that is champion now, if any."""
    return aliased(store, name, CHAMPION)


def versions(store: Store, name: str) -> list[Registered]:
    """Every version of a registered model, the oldest first."""
    found: list[Registered] = []
    token: str | None = ""
    while token is not None:
        with unavailable_means(f"the registered model {name} cannot be read"):
            answer = store.client.search_model_versions(
                f"name = '{name}'",
                max_results=_PAGE,
                order_by=["version_number ASC"],
                page_token=token or None,
            )
        found += [_registered(name, version) for version in answer]
        token = answer.token or None
    return found


def _registered(name: str, version: ModelVersion) -> Registered:
    created = contents.instant(version.creation_timestamp)
    return Registered(name, str(version.version), model_id(version), created, dict(version.tags))


def registered(store: Store) -> list[str]:
    """Names of all registered models, with or without a version."""
    found: list[str] = []
    token: str | None = ""
    while token is not None:
        with unavailable_means("the registered models cannot be read"):
            answer = store.client.search_registered_models(
                max_results=_PAGE, order_by=["name ASC"], page_token=token or None
            )
        found += [model.name for model in answer]
        token = answer.token or None
    return found


def files(store: Store, run_id: str) -> Path:
    """The folder of the files kept with a run, of whatever kind it is.

    Raises:
        StoreUnavailable: They cannot be read.
    """
    with unavailable_means(f"the evidence of run {run_id} cannot be read"):
        return Path(store.client.download_artifacts(run_id, ""))


@contextmanager
def kept(store: Store, version: Registered) -> Iterator[Path]:
    """A copy of the files kept with a version, removed when the context ends.

    Raises:
        EvidenceMismatch: What they were kept with is not in the store.
        StoreUnavailable: They cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        with unavailable_means(f"the files of {version.name} v{version.number} cannot be read"):
            try:
                logged = store.client.get_logged_model(version.model_id)
            except MlflowException as error:
                if error.error_code != _NO_SUCH:
                    raise
                missing = f"expected the logged model {version.model_id}, found none"
                raise EvidenceMismatch(missing) from error
            path = download_artifacts(artifact_uri=logged.artifact_location, dst_path=folder)
        yield Path(path)


def open_shelf(settings: Settings) -> "StoreShelf":
    """The project's store, read through MLflow."""
    return StoreShelf(open_store(settings))


class StoreShelf:
    """A store on a server, as :class:`seclab.shelf.Shelf`.

    Args:
        store: The open store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def runs(self, *, limit: int = _PAGE) -> list[RunSummary]:
        """The newest runs, newest first."""
        return runs(self._store, limit=limit)

    def newest(self, *, risks: Collection[str], subjects: Collection[str]) -> list[RunSummary]:
        """For each risk and subject, the newest run that says anything about it."""
        return newest(self._store, risks=risks, subjects=subjects)

    def find(self, reference: str) -> RunSummary:
        """A run by its ID, the beginning of its ID, or ``latest``."""
        return find_run(self._store, reference)

    def evidence(self, run: RunSummary) -> Evidence:
        """What a run left behind."""
        return load_evidence(self._store, run)

    def ledger(self) -> Sequence[Entry]:
        """Every entry of the ledger."""
        return read_ledger(self._store)

    def aliased(self, name: str, alias: str) -> Champion | None:
        """The version that an alias points at."""
        return aliased(self._store, name, alias)

    def versions(self, name: str) -> Sequence[Registered]:
        """Every version of a registered model."""
        return versions(self._store, name)

    def registered(self) -> Sequence[str]:
        """Names of all registered models."""
        return registered(self._store)

    def files(self, run_id: str) -> Path:
        """The folder of the files kept with a run."""
        return files(self._store, run_id)

    @contextmanager
    def kept(self, version: Registered) -> Iterator[Path]:
        """The folder of the files kept with a version."""
        with kept(self._store, version) as folder:
            yield folder

    def page(self, run: RunSummary) -> str:
        """Address under which people open a run's page."""
        return page(self._store, run.run_id)


def _summary(run: Run) -> RunSummary:
    return contents.summary(
        run.info.run_id,
        name=run.info.run_name,
        status=run.info.status,
        started=run.info.start_time,
        tags=run.data.tags,
    )
