"""Opening the MLflow store, embedded or on a server, and saying plainly when it cannot be had."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from seclab.errors import Misconfigured
from seclab.settings import Settings, prepare_environment
from seclab.shelf.failures import unavailable
from seclab.shelf.records import EXPERIMENT, MODEL_SOURCE

_PATIENCE = 20.0  # seconds for another writer to end, as MLflow has it


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """An open evidence store.

    Attributes:
        client: The MLflow client of this store.
        experiment_id: The experiment all evaluations are in.
        uri: Its address.
        pages: Where people open its pages; empty where ``seclab ui`` serves them.
    """

    client: MlflowClient
    experiment_id: str
    uri: str
    pages: str


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model version.

    Attributes:
        name: Name of the registered model.
        number: Its version number, as MLflow counts.
        model_id: The logged model behind it, which metrics are linked to.
    """

    name: str
    number: str
    model_id: str


def model_id(version: ModelVersion) -> str:
    """The logged model behind a version, by its source: MLflow forgets the ID it was given."""
    return str(version.source).removeprefix(MODEL_SOURCE)


@contextmanager
def unavailable_means(what: str) -> Iterator[None]:
    """Turn whatever MLflow, its database or the disk raise into one clear error.

    Raises:
        StoreUnavailable: With ``what`` could not be done, and why.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise unavailable(what, error) from error


def open_store(settings: Settings) -> Store:
    """Open the project's evidence store, creating an embedded one where there is none.

    Raises:
        Misconfigured: It was moved, or copied from another project.
        StoreUnavailable: It cannot be read or written, with the reason and what to do.
    """
    prepare_environment(settings)
    # Its migrations narrate every step of the first start, and its database prints a traceback of
    # whatever goes wrong, which is raised anyway.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    with unavailable_means(f"the evidence store {settings.tracking_uri} cannot be opened"):
        if settings.embedded:
            settings.store.mkdir(parents=True, exist_ok=True)
            _require_openable(settings.tracking_uri.removeprefix("sqlite:///"))
        # The registry resolves logged models through the process-wide address.
        mlflow.set_tracking_uri(settings.tracking_uri)
        client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
        uri = settings.tracking_uri
        pages = settings.pages or (uri if uri.startswith("http") else "")
        return Store(client, _experiment(client, settings), uri, pages.rstrip("/"))


def _require_openable(database: str) -> None:
    """Let SQLite say at once what MLflow would try again and again for minutes."""
    with closing(sqlite3.connect(database, timeout=_PATIENCE)) as connection:
        connection.execute("PRAGMA schema_version")


def _experiment(client: MlflowClient, settings: Settings) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        location = (settings.store / "artifacts").as_uri() if settings.embedded else None
        try:
            return str(client.create_experiment(EXPERIMENT, artifact_location=location))
        except MlflowException:
            # Two first runs at once: the other one made it.
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    if settings.embedded:
        _require_at_home(settings.store / "artifacts", found.artifact_location)
    return str(found.experiment_id)


def _require_at_home(here: Path, written: str) -> None:
    """Refuse a store whose database sends the files of new runs to the folder of another.

    Raises:
        Misconfigured: It was moved, or copied from another project.
    """
    parts = urlsplit(written)
    there = Path(unquote(parts.path) if parts.scheme else written)
    if there.resolve() != here.resolve():
        raise Misconfigured(
            f"the store {here.parent} was moved or copied: its database keeps files in {there}, "
            "and what is written now would go there; put it back where it was, or begin a new "
            "one with SECLAB_STORE"
        )
