import dataclasses
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
from contextlib import contextmanager

import pytest
from mlflow.exceptions import MlflowException

from seclab import tracking
from seclab.errors import Misconfigured, NotEvaluated, StoreUnavailable
from seclab.tracking.store import EXPERIMENT, unavailable_means
from tests.runs import MODEL, STARTED, finished
from tests.unit.tracking.conftest import closing

DAMAGED = "the file is damaged: restore it from a copy"


def test_all_runs_are_in_one_experiment_with_its_files_in_the_project(project, store):
    experiment = store.client.get_experiment(store.experiment_id)

    assert experiment.name == EXPERIMENT
    assert experiment.artifact_location == (project.store / "artifacts").as_uri()
    assert store.uri == project.tracking_uri


def test_opening_again_finds_the_same_experiment(project, store):
    assert tracking.open_store(project).experiment_id == store.experiment_id


@pytest.mark.slow
def test_the_first_start_makes_folder_and_database_and_says_nothing(settings_at, tmp_path, capfd):
    settings = settings_at(tmp_path / "a new project")

    store = tracking.open_store(settings)

    assert tracking.runs(store) == []
    assert sorted(path.name for path in settings.root.rglob("*")) == ["mlflow.db", "mlruns"]
    assert capfd.readouterr() == ("", "")


def test_nothing_is_written_beside_the_store(project, record_run, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    record_run()

    assert list(elsewhere.iterdir()) == []
    assert sorted(path.name for path in project.store.iterdir()) == ["artifacts", "mlflow.db"]


@pytest.mark.parametrize("name", ["with space", "ümläut", "ha#sh"])
def test_a_project_may_lie_in_any_folder(settings_at, project, tmp_path, name):
    settings = settings_at(tmp_path / name)
    settings.store.mkdir(parents=True)
    shutil.copy(project.store / "mlflow.db", settings.store)

    store = tracking.open_store(settings)
    with tracking.recording(
        store, MODEL, started=STARTED, tags={}, parameters={}, batch="b"
    ) as recording:
        store.client.log_text(recording.run_id, "here", "here.txt")

    (written,) = (settings.store / "artifacts").rglob("here.txt")
    assert written.read_text() == "here"


def test_a_store_that_was_copied_is_not_written_where_the_original_is(
    settings_at, project, record_run, tmp_path
):
    record_run()
    copy = settings_at(tmp_path / "copy")
    shutil.copytree(project.store, copy.store)

    with pytest.raises(Misconfigured, match="was moved or copied") as caught:
        tracking.open_store(copy)

    assert str(project.store / "artifacts") in str(caught.value)


def test_two_first_starts_at_once_share_one_experiment(project):
    found = []
    barrier = threading.Barrier(4)

    def start():
        barrier.wait()
        found.append(tracking.open_store(project).experiment_id)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_is_told_with_what_to_do(store, project, capfd):
    other = sqlite3.connect(project.store / "mlflow.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        for ask in (
            lambda: tracking.runs(store),
            lambda: tracking.open_store(project),
            lambda: tracking.recover(store, at=STARTED),
        ):
            with pytest.raises(StoreUnavailable, match="database is locked; another process is"):
                ask()
    finally:
        other.execute("ROLLBACK")
        other.close()

    assert tracking.runs(store) == []
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_database_is_told(project, at):
    folder = project.root / "other"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(b"These are notes, not tables.\n" * 100)

    with pytest.raises(StoreUnavailable, match=f"file is not a database; {DAMAGED}"):
        tracking.open_store(at(project, folder))


def test_a_damaged_database_is_told(project, at):
    folder = project.root / "other"
    folder.mkdir()
    data = bytearray((project.store / "mlflow.db").read_bytes())
    data[100:8000] = b"\xa5" * 7900
    (folder / "mlflow.db").write_bytes(data)

    with pytest.raises(StoreUnavailable, match=f"malformed; {DAMAGED}"):
        tracking.open_store(at(project, folder))


def test_a_database_damaged_while_open_is_told(project, store):
    path = project.store / "mlflow.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)

    with pytest.raises(StoreUnavailable, match=DAMAGED):
        tracking.runs(store)


def test_a_file_where_the_folder_should_be_is_told(project, at, tmp_path):
    (tmp_path / "mlruns-file").write_text("")

    with pytest.raises(StoreUnavailable, match=r"cannot be opened: .*File exists"):
        tracking.open_store(at(project, tmp_path / "mlruns-file"))


def test_a_folder_where_the_database_should_be_is_told(project, at, tmp_path):
    (tmp_path / "other" / "mlflow.db").mkdir(parents=True)

    with pytest.raises(
        StoreUnavailable, match="unable to open database file; check that the folder"
    ):
        tracking.open_store(at(project, tmp_path / "other"))


def test_artifacts_that_cannot_be_written_are_told_and_the_run_is_closed(
    project, store, record_run
):
    (project.store / "artifacts").write_text("a file where a folder is needed")

    with pytest.raises(StoreUnavailable, match=r"the evidence of run .* cannot be written"):
        record_run()

    (run,) = tracking.runs(store)
    assert run.status == "FAILED"


def test_a_server_that_does_not_answer_is_told(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = dataclasses.replace(project, tracking_uri="http://127.0.0.1:9")

    with pytest.raises(
        StoreUnavailable, match=r"http://127\.0\.0\.1:9 cannot be opened: .*Connection refused"
    ):
        tracking.open_store(settings)


def _fill(settings, scratch):
    """Record runs until the store can take no more; give what it said."""
    store = tracking.open_store(settings)
    for minute in range(50):
        try:
            previous = tracking.previous_bundle(store, MODEL)
            run = finished(scratch / str(minute), minute=minute, previous=previous)
            with tracking.recording(
                store, MODEL, batch="b", started=STARTED, tags={}, parameters={}
            ) as recording:
                tracking.finish(store, recording, closing(run))
        except StoreUnavailable as error:
            return str(error)
    raise AssertionError("the disk has no end")


@contextmanager
def _no_file_larger_than(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_database_that_may_not_grow_is_told(project, tmp_path):
    size = (project.store / "mlflow.db").stat().st_size

    with _no_file_larger_than(size + 20_000):
        said = _fill(project, tmp_path / "scratch")

    assert "cannot be written" in said or "cannot be closed" in said or "cannot be opened" in said


def test_a_full_disk_is_told_with_what_to_do(project, settings_at, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    kilobytes = (project.store / "mlflow.db").stat().st_size // 1024 + 200
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made with the right to mount one")
    try:
        settings = settings_at(disk)
        settings.store.mkdir()
        shutil.copy(project.store / "mlflow.db", settings.store)

        said = _fill(settings, tmp_path / "scratch")
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)  # noqa: S607

    assert "free some space and run again" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "check that the folder exists"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "check that the folder"),
        (sqlite3.OperationalError("database or disk is full"), "free some space"),
        (OSError(28, "No space left on device"), "free some space"),
        (MlflowException("RESOURCE: first line\nsecond line"), "no luck: RESOURCE: first line"),
        (OSError(), "no luck: OSError"),
        (MlflowException(""), "no luck: MlflowException"),
    ],
)
def test_every_failure_of_the_store_is_one_sentence(error, said):
    with pytest.raises(StoreUnavailable) as caught, unavailable_means("no luck"):
        raise error

    (problem,) = caught.value.problems
    assert problem.startswith("no luck: ")
    assert said in problem
    assert "\n" not in problem
    assert isinstance(caught.value, NotEvaluated)
    assert caught.value.__cause__ is error


def test_the_reason_is_the_one_at_the_bottom():
    cause = sqlite3.OperationalError("database or disk is full")
    error = MlflowException("raised as a result of Query-invoked autoflush\nand more")
    error.__cause__ = cause

    with (
        pytest.raises(StoreUnavailable, match="no luck: database or disk is full; free some space"),
        unavailable_means("no luck"),
    ):
        raise error


def test_other_errors_are_no_failure_of_the_store():
    with pytest.raises(ZeroDivisionError), unavailable_means("no luck"):
        raise ZeroDivisionError
