"""The ledger in MLflow, under many writers, lost answers and writers that died."""

import subprocess
import sys

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from seclab import tracking
from seclab.errors import EvidenceMismatch, StoreUnavailable
from seclab.evidence.ledger import chain_differences, following, ledger_differences, to_lines
from seclab.fingerprint import of_json
from seclab.shelf import EmbeddedShelf
from seclab.shelf.records import LEDGER_EXPERIMENT
from tests.conftest import ROOT
from tests.runs import MODEL, STARTED, finished
from tests.unit.tracking.conftest import closing

# Several processes that begin at the same moment, each with a store of its own.
WRITERS = """
import os, sys
from pathlib import Path
from seclab import tracking
from tests.unit.tracking.test_ledger import approval
from tests.unit.tracking.test_journal import parts_of

folder, writers, each = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
start, go = os.pipe()
children = []
for writer in range(writers):
    child = os.fork()
    if not child:
        os.close(go)
        store = tracking.open_store(parts_of(folder).settings)
        os.read(start, 1)  # until the parent has closed its end
        for number in range(each):
            tracking.append(store, lambda known: approval(known, f"{writer}-{number}"))
        os._exit(0)
    children.append(child)
os.close(go)
statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print(statuses)
"""


def approval(entries, name):
    """An entry like any other."""
    return following(
        entries,
        at=STARTED.isoformat(),
        kind="approval",
        subject=MODEL.name,
        run=name,
        digest=str(of_json(name)),
        about={"role": "security", "keyid": "0" * 64},
    )


def write_at_once(store, *, writers, each):
    folder = store.uri.removeprefix("sqlite:///").removesuffix("/mlflow.db")
    done = subprocess.run(
        [sys.executable, "-c", WRITERS, folder, str(writers), str(each)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str([0] * writers), done.stderr


def ledger_runs(store):
    experiment = store.client.get_experiment_by_name(LEDGER_EXPERIMENT)
    return store.client.search_runs([experiment.experiment_id])


def test_what_many_processes_append_at_once_is_all_there_and_in_order(store):
    """They also race to be the first: there is one ledger afterwards."""
    write_at_once(store, writers=4, each=10)

    entries = tracking.read_ledger(store)
    assert ledger_differences(entries) == []
    assert [entry.sequence for entry in entries] == list(range(1, 41))
    for writer in range(4):
        own = [e.run for e in entries if e.run.startswith(f"{writer}-")]
        assert own == [f"{writer}-{number}" for number in range(10)]
    assert len(ledger_runs(store)) == 1


def test_appending_what_is_there_already_writes_nothing(store):
    first = tracking.append(store, lambda known: approval(known, "one"))

    assert tracking.append(store, lambda known: known[0]) == first

    assert tracking.read_ledger(store) == [first]


def test_finishing_a_run_again_enters_it_once(store, open_recording, tmp_path):
    run = finished(tmp_path / "run")
    with open_recording() as recording:
        tracking.finish(store, recording, closing(run))
        tracking.finish(store, recording, closing(run))

    assert [entry.kind for entry in tracking.read_ledger(store)] == ["bundle"]


def lose(monkeypatch, name, *, after):
    """Let the next call of a client's method fail, with or without having done its work."""
    work = getattr(MlflowClient, name)

    def losing(*arguments, **keywords):
        monkeypatch.setattr(MlflowClient, name, work)
        if after:
            work(*arguments, **keywords)
        raise MlflowException("the connection was lost")

    monkeypatch.setattr(MlflowClient, name, losing)


def test_an_entry_whose_answer_was_lost_is_not_written_twice(store, monkeypatch):
    tracking.append(store, lambda known: approval(known, "one"))

    def once(entries):
        return next((e for e in entries if e.run == "two"), None) or approval(entries, "two")

    lose(monkeypatch, "log_param", after=True)
    tracking.append(store, once)

    assert [entry.run for entry in tracking.read_ledger(store)] == ["one", "two"]


@pytest.mark.parametrize("name", ["log_param", "get_run", "create_run", "create_experiment"])
def test_a_client_that_fails_leaves_no_half_of_an_entry(store, monkeypatch, name):
    monkeypatch.setattr("seclab.tracking.ledger._PATIENCE", 0.0)
    lose(monkeypatch, name, after=False)
    with pytest.raises(StoreUnavailable, match="the connection was lost"):
        tracking.append(store, lambda known: approval(known, "one"))
    assert tracking.read_ledger(store) == []

    tracking.append(store, lambda known: approval(known, "one"))

    assert [entry.sequence for entry in tracking.read_ledger(store)] == [1]
    assert len(ledger_runs(store)) == 1


def test_a_ledger_whose_first_writer_died_before_it_was_made_is_made_by_one_of_the_next(
    store, monkeypatch
):
    store.client.create_experiment(LEDGER_EXPERIMENT)
    monkeypatch.setattr("seclab.tracking.ledger._PATIENCE", 0.0)

    tracking.append(store, lambda known: approval(known, "one"))

    assert [entry.run for entry in tracking.read_ledger(store)] == ["one"]
    assert len(ledger_runs(store)) == 1


def test_an_entry_kept_under_another_number_is_refused_by_readers_and_writers(store, project):
    first = tracking.append(store, lambda known: approval(known, "one"))
    (run,) = ledger_runs(store)
    second = approval([first], "two")
    store.client.log_param(run.info.run_id, "entry.00000009", to_lines([second]).strip())

    for ask in (
        lambda: tracking.read_ledger(store),
        lambda: EmbeddedShelf(project).ledger(),
        lambda: tracking.append(store, lambda known: approval(known, "three")),
    ):
        with pytest.raises(EvidenceMismatch, match=r"numbers that are not theirs: .*00000009"):
            ask()


def test_a_second_ledger_is_refused_by_readers_and_writers(store):
    tracking.append(store, lambda known: approval(known, "one"))
    (run,) = ledger_runs(store)
    store.client.create_run(run.info.experiment_id)

    for ask in (
        lambda: tracking.read_ledger(store),
        lambda: tracking.append(store, lambda known: approval(known, "two")),
    ):
        with pytest.raises(EvidenceMismatch, match="the store holds 2 ledgers, expected one"):
            ask()


def test_a_ledger_that_was_deleted_is_not_begun_anew(store):
    tracking.append(store, lambda known: approval(known, "one"))
    (run,) = ledger_runs(store)
    store.client.delete_run(run.info.run_id)

    for ask in (
        lambda: tracking.read_ledger(store),
        lambda: tracking.append(store, lambda known: approval(known, "two")),
    ):
        with pytest.raises(EvidenceMismatch, match=f"run {run.info.run_id}, was deleted"):
            ask()

    store.client.restore_run(run.info.run_id)
    tracking.append(store, lambda known: approval(known, "two"))
    assert len(tracking.read_ledger(store)) == 2


DYING = """
import os, sys
from pathlib import Path
from mlflow import MlflowClient
from seclab import tracking
from tests.runs import MODEL, STARTED, finished
from tests.unit.tracking.conftest import closing
from tests.unit.tracking.test_journal import parts_of

folder = Path(sys.argv[1])
store = tracking.open_store(parts_of(folder).settings)
log_param = MlflowClient.log_param

def dying(*arguments, **keywords):
    log_param(*arguments, **keywords)
    os._exit(9)  # the entry is written, the run is not closed

run = finished(folder / "work")
with tracking.recording(
    store, MODEL, batch="b", started=STARTED, tags={}, parameters={}
) as recording:
    MlflowClient.log_param = dying
    tracking.finish(store, recording, closing(run))
"""


def test_a_bundle_whose_process_died_before_its_run_was_closed_is_declared_void(
    store, project, record_run
):
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(project.store)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    (sealed,) = tracking.read_ledger(store)

    assert tracking.recover(store, at=STARTED) == [sealed.run]

    (_, void) = tracking.read_ledger(store)
    assert (void.kind, void.run, void.digest) == ("void", sealed.run, sealed.digest)
    assert tracking.find_run(store, sealed.run).status == "KILLED"
    assert chain_differences([sealed, void], {}) == []
    assert tracking.recover(store, at=STARTED) == []
    record_run(minute=1)  # it names the void one as the one before it
    bundles = [e.digest for e in tracking.read_ledger(store) if e.kind == "bundle"]
    assert len(bundles) == 2
