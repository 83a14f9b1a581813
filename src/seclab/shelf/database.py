"""The tables of MLflow's SQLite database, opened so that nothing can be written through it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from errno import EISDIR
from pathlib import Path

from seclab.errors import StoreUnavailable
from seclab.shelf.failures import unavailable

# What is read of MLflow's tables, which have more.
_TABLES = {
    "experiments": ("experiment_id", "name", "workspace"),
    "runs": (
        "run_uuid",
        "name",
        "status",
        "start_time",
        "lifecycle_stage",
        "artifact_uri",
        "experiment_id",
    ),
    "tags": ("key", "value", "run_uuid"),
    "params": ("key", "value", "run_uuid"),
    "registered_models": ("name", "workspace"),
    "registered_model_aliases": ("alias", "version", "name", "workspace"),
    "model_versions": (
        "name",
        "version",
        "creation_time",
        "current_stage",
        "source",
        "workspace",
    ),
    "model_version_tags": ("key", "value", "name", "version", "workspace"),
    "logged_models": ("model_id", "artifact_location", "lifecycle_stage"),
}
_PATIENCE = 20.0  # seconds for another writer to end, as MLflow has it
_LEFT_UNFINISHED = ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, as it is at one moment; one without rows where there is none yet.

    Raises:
        StoreUnavailable: It cannot be opened, or its tables are not those that are known here.
    """
    try:
        connection = _opened(path)
    except (sqlite3.Error, OSError) as error:
        what = f"the evidence store sqlite:///{path} cannot be opened"
        raise unavailable(what, error) from error
    with closing(connection):
        yield connection


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.lstat()
    except FileNotFoundError:
        return _empty()
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "a folder is in the place of the database", str(path))
    connection = _begun(path)
    try:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _require_known(connection, path)
            return connection
    except BaseException:
        connection.close()
        raise
    # MLflow has made the file and not written anything yet.
    connection.close()
    return _empty()


def _begun(path: Path) -> sqlite3.Connection:
    """A connection with one transaction over all questions, for one moment of the store."""
    connection = _connect(path, "ro")
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "") not in _LEFT_UNFINISHED:
            raise
        # A writer was killed. Only who may write can take back what it had begun.
        connection = _connect(path, "rw")
        connection.execute("BEGIN")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE, isolation_level=None
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for table, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    return connection


def _require_known(connection: sqlite3.Connection, path: Path) -> None:
    missing = []
    for table, columns in _TABLES.items():
        found = {
            name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table])
        }
        missing += [f"{table}.{column}" for column in columns if column not in found]
    if missing:
        raise StoreUnavailable(
            f"the database {path} was made by another version of MLflow than 3.17, or by another "
            f"program: it has no {', '.join(missing)}; back it up and run `mlflow db upgrade "
            f"sqlite:///{path}`, or choose another store"
        )
