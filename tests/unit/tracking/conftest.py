"""Runs recorded in a store of their own, and a database that gives up sooner."""

import dataclasses
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy
from sqlalchemy.engine import Engine

from seclab import tracking
from seclab.measurement import Subject
from seclab.tracking import Record
from tests.runs import MODEL, STARTED, finished


class Recorder:
    """Records runs in miniature in a store."""

    def __init__(self, store, new_folder):
        self.store, self.new_folder = store, new_folder

    def begin(self, subject=MODEL, *, batch="batch", minute=0):
        """The context manager of a run that has begun."""
        return tracking.recording(
            self.store,
            subject,
            batch=batch,
            started=STARTED + timedelta(minutes=minute),
            tags={"seclab.profile": "quick"},
            parameters={"profile": "quick", "seed": "7"},
        )

    def run(self, model=None, *, batch="batch", minute=0, subject=MODEL, **changes):
        """A finished run; a trained model is registered and judged by its own digest."""
        if model is not None:
            subject = Subject("model", model.spec.name, str(model.digest))
        previous = tracking.previous_bundle(self.store, subject)
        folder = self.new_folder("run")
        run = finished(folder, subject=subject, minute=minute, previous=previous, **changes)
        with self.begin(subject, batch=batch, minute=minute) as recording:
            version = model and tracking.ensure_version(
                self.store, "digits", model, run_id=recording.run_id
            )
            tracking.finish(self.store, recording, closing(run, version))
        return tracking.find_run(self.store, recording.run_id)


@pytest.fixture
def open_recording(store, tmp_path_factory):
    """Give the context manager of a run that has begun."""
    return Recorder(store, tmp_path_factory.mktemp).begin


@pytest.fixture
def record_run(store, tmp_path_factory):
    """Record a finished run."""
    return Recorder(store, tmp_path_factory.mktemp).run


@pytest.fixture(scope="module")
def shared(new_project, tmp_path_factory):
    """A store for the tests of a module that only read."""
    project = new_project(tmp_path_factory.mktemp("shared"))
    return Recorder(tracking.open_store(project), tmp_path_factory.mktemp)


def closing(run, version=None, **changes):
    """Everything that closes a run."""
    record = Record(
        bundle=run.bundle,
        envelope=run.assessment.envelope,
        decision=run.assessment.decision,
        outcomes=run.outcomes,
        reports=run.reports,
        note=run.assessment.note,
        folder=run.folder,
        datasets=run.facts.datasets,
        version=version,
        finished=run.facts.finished,
    )
    return replace(record, **changes) if changes else record


@pytest.fixture
def at():
    """Settings whose embedded store is in another folder."""

    def of(settings, folder):
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        return dataclasses.replace(settings, store=folder, tracking_uri=uri)

    return of


@pytest.fixture
def impatient(monkeypatch):
    """MLflow waits twenty seconds for a locked database; a tenth of one is enough here."""

    def shorten(_connection, _cursor, statement, parameters, _context, _many):
        return statement.replace("busy_timeout = 20000", "busy_timeout = 100"), parameters

    monkeypatch.setattr("seclab.tracking.store._PATIENCE", 0.1)
    sqlalchemy.event.listen(Engine, "before_cursor_execute", shorten, retval=True)
    yield
    sqlalchemy.event.remove(Engine, "before_cursor_execute", shorten)
