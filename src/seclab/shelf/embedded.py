"""An embedded store, read straight from its SQLite file and its folder of artifacts."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seclab.errors import EvidenceMismatch, Misconfigured, StoreUnavailable
from seclab.evidence.ledger import Entry
from seclab.settings import Settings
from seclab.shelf import contents
from seclab.shelf.database import reading
from seclab.shelf.failures import unavailable
from seclab.shelf.records import (
    DIGEST_TAG,
    EXPERIMENT,
    FINISHED,
    KIND_TAG,
    LEDGER_EXPERIMENT,
    MODEL_SOURCE,
    NOTE_TAG,
    PROMOTION_TAG,
    RISK_TAG,
    SUBJECT_TAG,
    VERDICT_TAG,
    Champion,
    Evidence,
    Registered,
    RunSummary,
)

_ID_LENGTH = 32
_SEVERAL = 11  # runs, enough to say that there are more than are named
_WORKSPACE = "default"

_RUN = "SELECT run_uuid, name, status, start_time FROM runs"
_RUNS = f"""
    {_RUN}
    WHERE lifecycle_stage = 'active'
      AND experiment_id =
        (SELECT experiment_id FROM experiments WHERE name = :experiment AND workspace = :workspace)
      AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = :kind AND value != '')
      AND substr(run_uuid, 1, length(:beginning)) = :beginning
    ORDER BY start_time DESC, run_uuid
    LIMIT :limit
"""  # noqa: S608 - constants
# A CROSS JOIN keeps its order, from what only whole runs have: their parts are many more. The plus
# has the tags of each run looked at, which are fewer than the risks that one may ask for.
_NEWEST = f"""
    WITH known AS MATERIALIZED (
        SELECT run_uuid, start_time, subject.value AS subject
        FROM tags AS verdict CROSS JOIN runs USING (run_uuid)
          CROSS JOIN tags AS subject USING (run_uuid) CROSS JOIN tags AS kind USING (run_uuid)
        WHERE lifecycle_stage = 'active' AND status = :finished
          AND experiment_id = (
            SELECT experiment_id FROM experiments
            WHERE name = :experiment AND workspace = :workspace)
          AND subject.key = :subject AND subject.value IN (SELECT value FROM json_each(:subjects))
          AND verdict.key = :verdict AND verdict.value != ''
          AND kind.key = :kind AND kind.value != ''
    ), ranked AS (
        SELECT run_uuid, row_number() OVER (
            PARTITION BY risk.key, subject ORDER BY start_time DESC, run_uuid) AS place
        FROM known CROSS JOIN tags AS risk USING (run_uuid)
        WHERE +risk.key IN (SELECT value FROM json_each(:risks))
    )
    {_RUN}
    WHERE run_uuid IN (SELECT run_uuid FROM ranked WHERE place = 1)
    ORDER BY start_time DESC, run_uuid
"""  # noqa: S608 - constants
_TAGS = """
    SELECT run_uuid, key, value FROM tags
    WHERE run_uuid IN (SELECT value FROM json_each(?)) AND key != ?
"""
_ENTRIES = """
    SELECT runs.run_uuid, params.key, params.value
    FROM runs JOIN experiments USING (experiment_id)
      LEFT JOIN params ON params.run_uuid = runs.run_uuid AND params.key GLOB 'entry.*'
    WHERE experiments.name = ? AND workspace = ? AND runs.lifecycle_stage = 'active'
"""
_ALIASED = """
    SELECT version
    FROM registered_model_aliases JOIN model_versions USING (workspace, name, version)
    WHERE workspace = ? AND name = ? AND alias = ?
      AND current_stage IS NOT 'Deleted_Internal'
"""
_REGISTERED = "SELECT name FROM registered_models WHERE workspace = ? ORDER BY name"
_VERSIONS = """
    SELECT version, source, creation_time FROM model_versions
    WHERE workspace = ? AND name = ? AND current_stage IS NOT 'Deleted_Internal'
    ORDER BY version
"""
_LOCATION = """
    SELECT artifact_location FROM logged_models WHERE model_id = ? AND lifecycle_stage = 'active'
"""
_VERSION_TAGS = """
    SELECT key, value FROM model_version_tags WHERE workspace = ? AND name = ? AND version = ?
"""


@dataclass(frozen=True, slots=True)
class EmbeddedShelf:
    """A store in the project's folder. Every question is answered from one moment of it.

    Where there is no database yet, there is nothing: no run, no entry, no champion.

    Attributes:
        settings: The project.
    """

    settings: Settings

    def runs(self, *, limit: int = 1000) -> list[RunSummary]:
        """The newest runs, newest first; without the child runs of single evaluations.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        with self._asking("the runs cannot be read") as database:
            return _runs(database, limit=limit)

    def newest(self, *, risks: Collection[str], subjects: Collection[str]) -> list[RunSummary]:
        """For each risk and subject, the newest finished run that says anything about it.

        Each run once, newest first, however many newer runs say nothing about it.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        given = {
            "experiment": EXPERIMENT,
            "workspace": _WORKSPACE,
            "finished": FINISHED,
            "kind": KIND_TAG,
            "verdict": VERDICT_TAG,
            "subject": SUBJECT_TAG,
            "subjects": json.dumps(list(subjects)),
            "risks": json.dumps([RISK_TAG.format(risk) for risk in risks]),
        }
        with self._asking("the runs cannot be read") as database:
            return _summaries(database, database.execute(_NEWEST, given).fetchall())

    def find(self, reference: str) -> RunSummary:
        """A run by its ID, the beginning of its ID, or ``latest``.

        Raises:
            Misconfigured: No run, or more than one, is meant by it.
            StoreUnavailable: The runs cannot be read.
        """
        with self._asking("the runs cannot be read") as database:
            if len(reference) == _ID_LENGTH:
                query = f"{_RUN} WHERE run_uuid = ? AND lifecycle_stage = 'active'"
                matching = _summaries(database, database.execute(query, [reference]).fetchall())
            elif reference == "latest":
                matching = _runs(database, limit=1)
            else:
                matching = _runs(database, limit=_SEVERAL, beginning=reference)
        return contents.the_one(reference, matching)

    def evidence(self, run: RunSummary) -> Evidence:
        """What a run left behind.

        Raises:
            Misconfigured: It has no evidence: it is running, or was killed.
            EvidenceMismatch: A part of it is no document of its kind.
            StoreUnavailable: It cannot be read.
        """
        if not run.bundle_digest:
            raise Misconfigured(f"run {run.run_id} ({run.name}) holds no evidence")
        with self._asking(f"the evidence of run {run.run_id} cannot be read") as database:
            return contents.evidence(run, self._files(database, run.run_id))

    def files(self, run_id: str) -> Path:
        """The folder of the files kept with a run, of whatever kind it is.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        with self._asking(f"the evidence of run {run_id} cannot be read") as database:
            return self._files(database, run_id)

    def ledger(self) -> Sequence[Entry]:
        """Every entry of the ledger, in order of their numbers; empty when there is none.

        Raises:
            EvidenceMismatch: An entry is none, or there are two ledgers.
            StoreUnavailable: It cannot be read.
        """
        with self._asking("the ledger cannot be read") as database:
            rows = database.execute(_ENTRIES, [LEDGER_EXPERIMENT, _WORKSPACE]).fetchall()
        kept: dict[str, dict[str, str]] = {}
        for run_id, key, value in rows:
            entries = kept.setdefault(run_id, {})
            if key is not None:
                entries[key] = value
        return contents.ledger(kept)

    def aliased(self, name: str, alias: str) -> Champion | None:
        """The version of a registered model that an alias points at, if any.

        Raises:
            StoreUnavailable: The registered model cannot be read.
        """
        with self._asking(f"the registered model {name} cannot be read") as database:
            found = database.execute(_ALIASED, [_WORKSPACE, name, alias]).fetchone()
            if found is None:
                return None
            tags = _version_tags(database, name, *found)
        number, run_id = str(found[0]), tags.get(PROMOTION_TAG, "")
        return Champion(name, number, run_id, tags.get(DIGEST_TAG, ""))

    def versions(self, name: str) -> Sequence[Registered]:
        """Every version of a registered model, the oldest first; empty when there is none.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        with self._asking(f"the registered model {name} cannot be read") as database:
            rows = database.execute(_VERSIONS, [_WORKSPACE, name]).fetchall()
            return [
                Registered(
                    name,
                    str(number),
                    str(source).removeprefix(MODEL_SOURCE),
                    contents.instant(created),
                    _version_tags(database, name, number),
                )
                for number, source, created in rows
            ]

    def registered(self) -> Sequence[str]:
        """Names of all registered models, with or without a version.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        with self._asking("the registered models cannot be read") as database:
            return [name for (name,) in database.execute(_REGISTERED, [_WORKSPACE]).fetchall()]

    @contextmanager
    def kept(self, version: Registered) -> Iterator[Path]:
        """The folder of the files kept with a version.

        Raises:
            EvidenceMismatch: What they were kept with is not in the store.
            StoreUnavailable: They cannot be read.
        """
        what = f"the files of {version.name} v{version.number}"
        with self._asking(f"{what} cannot be read") as database:
            found = database.execute(_LOCATION, [version.model_id]).fetchone()
        if found is None:
            raise EvidenceMismatch(f"expected the logged model {version.model_id}, found none")
        yield self._folder(what, f"models/{version.model_id}", *found)

    def page(self, run: RunSummary) -> str:
        """Address under which people open a run's page.

        Raises:
            StoreUnavailable: The runs cannot be read.
        """
        with self._asking("the runs cannot be read") as database:
            query = "SELECT experiment_id FROM runs WHERE run_uuid = ?"
            (experiment,) = database.execute(query, [run.run_id]).fetchone() or ("",)
        return contents.page(self.settings.pages.rstrip("/"), str(experiment), run.run_id)

    @contextmanager
    def _asking(self, what: str) -> Iterator[sqlite3.Connection]:
        path = Path(self.settings.tracking_uri.removeprefix("sqlite:///"))
        try:
            with reading(path) as database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise unavailable(what, error) from error

    def _files(self, database: sqlite3.Connection, run_id: str) -> Path:
        query = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
        (uri,) = database.execute(query, [run_id]).fetchone() or ("",)
        return self._folder(f"the evidence of run {run_id}", run_id, uri)

    def _folder(self, what: str, of: str, uri: str) -> Path:
        """Where files are: where they were written, or where the store is now."""
        parts = urlsplit(uri)
        if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
            raise StoreUnavailable(
                f"{what} cannot be read: it is kept at {uri}, which is no folder of this machine"
            )
        written = Path(unquote(parts.path) if parts.scheme else uri)
        moved = self.settings.store / "artifacts" / of / "artifacts"
        return moved if moved.is_dir() and not written.is_dir() else written


def _version_tags(database: sqlite3.Connection, name: str, number: int) -> dict[str, str]:
    rows = database.execute(_VERSION_TAGS, [_WORKSPACE, name, number]).fetchall()
    return {key: value or "" for key, value in rows}


def _runs(database: sqlite3.Connection, *, limit: int, beginning: str = "") -> list[RunSummary]:
    given = {
        "experiment": EXPERIMENT,
        "workspace": _WORKSPACE,
        "kind": KIND_TAG,
        "beginning": beginning,
        "limit": limit,
    }
    return _summaries(database, database.execute(_RUNS, given).fetchall())


def _summaries(
    database: sqlite3.Connection, rows: Sequence[tuple[str, str | None, str, int]]
) -> list[RunSummary]:
    """Runs from their rows, with their tags but for the note, which no list shows."""
    tags: dict[str, dict[str, str]] = {row[0]: {} for row in rows}
    for run_id, key, value in database.execute(_TAGS, [json.dumps(list(tags)), NOTE_TAG]):
        tags[run_id][key] = value
    return [
        contents.summary(run_id, name=name, status=status, started=started, tags=tags[run_id])
        for run_id, name, status, started in rows
    ]
