"""The embedded store read without MLflow says what MLflow says."""

import dataclasses
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from seclab.errors import EvidenceMismatch, Misconfigured, StoreUnavailable
from seclab.evidence import verify
from seclab.shelf import Champion, EmbeddedShelf, RunSummary
from seclab.shelf.database import reading
from tests.unit.shelf.conftest import (
    DIGEST,
    ENVELOPE,
    FINISHED,
    SAID,
    STARTED,
    entries,
    write_ledger,
)

DAMAGED = "the file is damaged: restore it from a copy"


def _listed(written):
    """The IDs of the runs as MLflow lists them."""
    experiment = written.client.get_experiment_by_name("security-evaluations")
    return written.client.search_runs(
        [experiment.experiment_id],
        "tags.`seclab.kind` != ''",
        order_by=["attributes.start_time DESC"],
    )


def test_the_runs_are_those_that_mlflow_lists_in_its_order(written):
    expected = [
        (run.info.run_id, run.info.run_name, run.info.status, run.info.start_time)
        for run in _listed(written)
    ]

    found = written.shelf.runs()

    assert [
        (run.run_id, run.name, run.status, run.started.timestamp() * 1000) for run in found
    ] == expected
    assert len(found) == 5


def test_parts_and_deleted_foreign_and_other_experiments_runs_are_not_listed(written):
    listed = {run.run_id for run in written.shelf.runs()}

    assert not listed & {written.runs[what] for what in ("part", "deleted", "foreign", "elsewhere")}


def test_the_limit_keeps_the_newest(written):
    everything = written.shelf.runs()

    assert written.shelf.runs(limit=2) == everything[:2]
    assert everything[0].run_id == written.runs["running"]


def test_a_run_is_summed_up_from_its_tags(written):
    assert written.shelf.find(written.runs["finished"]) == RunSummary(
        run_id=written.runs["finished"],
        name="PASS mlp-hardened v2 quick",
        status="FINISHED",
        verdict="PASS",
        kind="model",
        subject="mlp-hardened",
        version="2",
        profile="quick",
        batch="b-1",
        started=STARTED,
        bundle_digest=DIGEST,
        signed_by="",
        risks={tag.removeprefix("risk."): word for tag, word in SAID.items()},
    )
    running = written.shelf.find("latest")
    assert (running.verdict, running.bundle_digest, running.status) == ("", "", "RUNNING")
    assert running.started == STARTED + timedelta(minutes=9)
    assert written.shelf.find(written.runs["signed"]).signed_by == "pipeline-1"


def test_every_run_is_found_by_its_id_and_the_beginning_of_it(written):
    known = written.shelf.runs()
    for run in known:
        length = next(
            n for n in range(1, 33) if sum(r.run_id[:n] == run.run_id[:n] for r in known) == 1
        )
        assert written.shelf.find(run.run_id[:length]) == run
        assert written.shelf.find(run.run_id) == run


@pytest.mark.parametrize("reference", ["zzz", "0" * 32, "newest", "%", "_", "x" * 40, "'"])
def test_an_unknown_run_is_told(written, reference):
    with pytest.raises(Misconfigured, match=f"there is no run {reference}; `seclab runs` lists"):
        written.shelf.find(reference)


def test_a_deleted_run_is_none_even_by_its_id(written):
    with pytest.raises(Misconfigured, match="there is no run"):
        written.shelf.find(written.runs["deleted"])


def test_a_beginning_of_several_runs_is_told_with_all_of_them(written):
    with pytest.raises(Misconfigured, match="is the beginning of several runs") as caught:
        written.shelf.find("")
    assert all(run.run_id[:12] in str(caught.value) for run in written.shelf.runs())


def test_of_very_many_runs_only_some_are_named(copy, client_of):
    client = client_of(copy)
    experiment = client.get_experiment_by_name("security-evaluations").experiment_id
    for _ in range(10):
        client.create_run(experiment, tags=FINISHED)

    with pytest.raises(Misconfigured, match=" and more; give more of it") as caught:
        EmbeddedShelf(copy).find("")
    assert str(caught.value).count(",") == 9


def test_a_part_of_a_run_is_told_with_the_whole(written):
    with pytest.raises(
        Misconfigured, match=f"is a part of run {written.runs['finished']}; name that"
    ):
        written.shelf.find(written.runs["part"])


def test_a_run_of_something_else_is_not_taken_for_one_of_ours(written):
    with pytest.raises(Misconfigured, match="was not written by this tool"):
        written.shelf.find(written.runs["foreign"])


def test_the_evidence_of_a_run_is_what_mlflow_keeps_of_it(written):
    evidence = written.shelf.evidence(written.shelf.find(written.runs["finished"]))

    downloaded = written.client.download_artifacts(written.runs["finished"], "")
    assert evidence.folder.samefile(downloaded)
    assert verify(evidence.bundle, expected_digest=DIGEST, artifacts=evidence.folder) == []
    assert (evidence.envelope, evidence.approvals) == (None, ())


def test_signature_and_approvals_come_with_the_evidence(written):
    evidence = written.shelf.evidence(written.shelf.find(written.runs["signed"]))

    assert evidence.envelope == ENVELOPE
    assert evidence.approvals == ({"role": "legal"}, {"role": "security"})


def test_a_run_without_a_bundle_holds_no_evidence(written):
    with pytest.raises(Misconfigured, match="holds no evidence"):
        written.shelf.evidence(written.shelf.find(written.runs["running"]))


def _spoil(path, data):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("evidence/bundle.json", b"{", "the bundle is not JSON"),
        ("evidence/bundle.json", b"{}", "the bundle is of type None"),
        ("evidence/bundle.dsse.json", b"\xff", "bundle.dsse.json is not JSON"),
        ("evidence/bundle.dsse.json", b"[]", "bundle.dsse.json is no JSON object"),
        ("evidence/bundle.dsse.json", b'{"a": 1, "a": 2}', "stands twice"),
        ("approvals/x.json", b"[" * 100_000, "x.json is not JSON"),
    ],
)
def test_a_part_that_is_no_document_of_its_kind_is_told(written, tmp_path, name, data, said):
    settings = _elsewhere(written, tmp_path)
    folder = settings.store / "artifacts" / written.runs["signed"] / "artifacts"
    _spoil(folder / name, data)
    shelf = EmbeddedShelf(settings)

    with pytest.raises(EvidenceMismatch, match=said):
        shelf.evidence(shelf.find(written.runs["signed"]))


def test_all_parts_that_are_no_documents_are_told_at_once(written, tmp_path):
    settings = _elsewhere(written, tmp_path)
    folder = settings.store / "artifacts" / written.runs["signed"] / "artifacts"
    for name in ("evidence/bundle.json", "evidence/bundle.dsse.json", "approvals/legal.json"):
        _spoil(folder / name, b"no")
    shelf = EmbeddedShelf(settings)

    with pytest.raises(EvidenceMismatch) as caught:
        shelf.evidence(shelf.find(written.runs["signed"]))
    assert len(caught.value.problems) == 3


def _elsewhere(written, tmp_path):
    """The project copied to another folder, and nothing left where its files were written."""
    settings = written.copy(tmp_path / "elsewhere")
    with closing(sqlite3.connect(settings.store / "mlflow.db")) as database:
        database.execute(
            "UPDATE runs SET artifact_uri = replace(artifact_uri, 'file:///', 'file:///gone/')"
        )
        database.commit()
    return settings


def test_a_project_that_was_moved_keeps_its_evidence(written, tmp_path):
    settings = _elsewhere(written, tmp_path)
    shelf = EmbeddedShelf(settings)

    evidence = shelf.evidence(shelf.find(written.runs["finished"]))

    assert evidence.folder.is_relative_to(settings.store)
    assert verify(evidence.bundle, expected_digest=DIGEST, artifacts=evidence.folder) == []


def test_files_are_read_where_they_were_written_while_they_are_there(copy, written):
    shelf = EmbeddedShelf(copy)

    evidence = shelf.evidence(shelf.find(written.runs["finished"]))

    assert evidence.folder == written.files("finished")


def test_files_that_are_gone_are_told(copy, written):
    shutil.rmtree(copy.store / "artifacts")
    with closing(sqlite3.connect(copy.store / "mlflow.db")) as database:
        database.execute("UPDATE runs SET artifact_uri = ?", [(copy.root / "none").as_uri()])
        database.commit()
    shelf = EmbeddedShelf(copy)

    with pytest.raises(
        StoreUnavailable, match=r"evidence of run .* cannot be read: .*No such file"
    ):
        shelf.evidence(shelf.find(written.runs["finished"]))


@pytest.mark.parametrize("uri", ["s3://bucket/run", "file://another-host/run"])
def test_files_on_another_machine_are_told(copy, written, uri):
    with closing(sqlite3.connect(copy.store / "mlflow.db")) as database:
        database.execute("UPDATE runs SET artifact_uri = ?", [uri])
        database.commit()
    shelf = EmbeddedShelf(copy)

    with pytest.raises(StoreUnavailable, match=f"it is kept at {uri}, which is no folder"):
        shelf.evidence(shelf.find(written.runs["finished"]))


def test_the_ledger_is_read_in_order(written):
    assert written.shelf.ledger() == entries(12)


def test_a_deleted_ledger_is_gone(copy, client_of):
    client = client_of(copy)
    experiment = client.get_experiment_by_name("security-evidence-ledger")
    client.delete_run(client.search_runs([experiment.experiment_id])[0].info.run_id)

    assert EmbeddedShelf(copy).ledger() == []


def test_a_second_ledger_is_told(copy, client_of):
    second = write_ledger(client_of(copy), entries(1))

    with pytest.raises(EvidenceMismatch, match=f"holds 2 ledgers, expected one: .*{second}"):
        EmbeddedShelf(copy).ledger()


def _rewrite_ledger(settings, change):
    with closing(sqlite3.connect(settings.store / "mlflow.db")) as database:
        database.execute(f"UPDATE params SET {change} WHERE key = 'entry.00000003'")  # noqa: S608
        database.commit()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("value = '{}'", "ledger line 3: .*sequence.*Field required"),
        ("value = replace(value, ':3', ': 3')", "ledger line 3: it is not in its canonical form"),
        ("value = value || char(10) || value", "numbers that are not theirs"),
        ("key = 'entry.00000099'", "numbers that are not theirs: entry.00000003, entry.00000099"),
        ("key = 'entry.three'", "numbers that are not theirs"),
    ],
)
def test_a_ledger_that_is_none_is_told(copy, change, said):
    _rewrite_ledger(copy, change)

    with pytest.raises(EvidenceMismatch, match=said):
        EmbeddedShelf(copy).ledger()


def test_an_alias_points_at_what_mlflow_says(written):
    shelf, run = written.shelf, written.runs["finished"]

    for alias in ("champion", "previous"):
        said = written.client.get_model_version_by_alias("digits", alias)
        found = shelf.aliased("digits", alias)
        assert (found.number, found.digest) == (str(said.version), said.tags["model.digest"])
    assert shelf.aliased("digits", "champion") == Champion("digits", "2", run, "sha256:bytes:2")
    assert shelf.aliased("digits", "previous") == Champion("digits", "1", "", "sha256:bytes:1")


@pytest.mark.parametrize(
    ("name", "alias"), [("digits", "nobody"), ("no-model", "champion"), ("digits", "doomed")]
)
def test_an_alias_that_points_at_nothing_is_none(written, name, alias):
    assert written.shelf.aliased(name, alias) is None


def test_an_alias_of_a_version_that_was_deleted_is_none_for_mlflow_and_here(copy, client_of):
    with closing(sqlite3.connect(copy.store / "mlflow.db")) as database:
        database.execute("UPDATE registered_model_aliases SET version = 3")
        database.commit()

    with pytest.raises(Exception, match="not found"):
        client_of(copy).get_model_version_by_alias("digits", "champion")
    assert EmbeddedShelf(copy).aliased("digits", "champion") is None


def test_the_page_of_a_run_is_where_its_pages_are_served(written):
    experiment = written.client.get_experiment_by_name("security-evaluations").experiment_id
    run = written.shelf.find(written.runs["finished"])
    where = f"/#/experiments/{experiment}/runs/{run.run_id}?workflowType=machine_learning"

    assert written.shelf.page(run) == f"http://127.0.0.1:5000{where}"
    settings = dataclasses.replace(written.settings, pages="https://mlflow.example/")
    assert EmbeddedShelf(settings).page(run) == f"https://mlflow.example{where}"


def _is_empty(shelf):
    return (shelf.runs(), list(shelf.ledger()), shelf.aliased("digits", "champion")) == (
        [],
        [],
        None,
    )


def test_a_project_without_a_store_has_nothing_and_none_is_made(settings_at, tmp_path):
    settings = settings_at(tmp_path)

    assert _is_empty(EmbeddedShelf(settings))
    settings.store.mkdir()
    assert _is_empty(EmbeddedShelf(settings))
    assert list(settings.store.iterdir()) == []
    with pytest.raises(Misconfigured, match="there are no runs yet"):
        EmbeddedShelf(settings).find("latest")


def test_a_store_that_holds_nothing_yet_has_nothing(project, settings_at, tmp_path):
    assert _is_empty(EmbeddedShelf(project))

    begun = settings_at(tmp_path / "begun")
    begun.store.mkdir(parents=True)
    sqlite3.connect(begun.store / "mlflow.db").close()
    assert _is_empty(EmbeddedShelf(begun))


def test_reading_writes_nothing(copy):
    database = copy.store / "mlflow.db"
    before, stamp = database.read_bytes(), database.stat().st_mtime_ns
    shelf = EmbeddedShelf(copy)

    shelf.evidence(shelf.find(shelf.runs()[-1].run_id))
    shelf.ledger()

    assert (database.read_bytes(), database.stat().st_mtime_ns) == (before, stamp)
    assert [path.name for path in copy.store.iterdir() if path.is_file()] == ["mlflow.db"]


@contextmanager
def _locked(settings):
    with closing(sqlite3.connect(settings.store / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_a_locked_database_is_told_with_what_to_do(copy, written, monkeypatch):
    monkeypatch.setattr("seclab.shelf.database._PATIENCE", 0.1)
    shelf = EmbeddedShelf(copy)
    run = shelf.find(written.runs["finished"])

    with _locked(copy):
        for ask in (
            shelf.runs,
            lambda: shelf.find("latest"),
            lambda: shelf.evidence(run),
            shelf.ledger,
            lambda: shelf.aliased("digits", "champion"),
        ):
            with pytest.raises(StoreUnavailable, match="database is locked; another process is"):
                ask()
    assert shelf.runs()


def test_a_writer_that_has_begun_is_no_obstacle(copy):
    with closing(sqlite3.connect(copy.store / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM tags")
        assert len(EmbeddedShelf(copy).runs()) == 5


def test_what_a_killed_writer_had_begun_is_taken_back(copy):
    before = EmbeddedShelf(copy).runs()
    writer = (
        "import os, signal, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "c.execute(\"UPDATE tags SET value = 'PASS ' || value\")\n"
        "c.execute(\"UPDATE runs SET name = 'PASS ' || name\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    database = copy.store / "mlflow.db"
    subprocess.run([sys.executable, "-c", writer, database], check=False)
    assert database.with_name("mlflow.db-journal").stat().st_size

    with reading(database) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM runs")
    assert EmbeddedShelf(copy).runs() == before


def test_a_file_that_is_no_database_is_told(copy):
    (copy.store / "mlflow.db").write_bytes(b"These are notes, not tables.\n" * 100)

    with pytest.raises(StoreUnavailable, match=f"file is not a database; {DAMAGED}"):
        EmbeddedShelf(copy).runs()


def test_a_damaged_database_is_told(copy, written):
    path = copy.store / "mlflow.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    shelf = EmbeddedShelf(copy)

    for ask in (shelf.runs, lambda: shelf.find(written.runs["finished"]), shelf.ledger):
        with pytest.raises(StoreUnavailable, match=f"malformed; {DAMAGED}"):
            ask()


def test_a_folder_where_the_database_should_be_is_told(settings_at, tmp_path):
    (tmp_path / "mlruns" / "mlflow.db").mkdir(parents=True)

    with pytest.raises(StoreUnavailable, match="a folder is in the place of the database"):
        EmbeddedShelf(settings_at(tmp_path)).runs()


def test_a_file_where_the_folder_should_be_is_told(settings_at, tmp_path):
    (tmp_path / "mlruns").write_text("")

    with pytest.raises(StoreUnavailable, match=r"mlflow\.db cannot be opened: .*Not a directory"):
        EmbeddedShelf(settings_at(tmp_path)).runs()


@contextmanager
def _as_nobody():
    """Root may read everything: be somebody else for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("what", ["mlflow.db", ""])
def test_a_store_that_may_not_be_read_is_told(copy, monkeypatch, what):
    monkeypatch.chdir("/")
    for folder in (copy.root, *copy.root.parents[:3]):
        folder.chmod(0o755)
    spoiled = copy.store / what
    spoiled.chmod(0)
    try:
        with _as_nobody(), pytest.raises(StoreUnavailable, match="; check that the folder exists"):
            EmbeddedShelf(copy).runs()
    finally:
        spoiled.chmod(0o755)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ("ALTER TABLE runs RENAME COLUMN artifact_uri TO artifact_location", "runs.artifact_uri"),
        ("DROP TABLE registered_model_aliases", "registered_model_aliases.alias"),
        ("ALTER TABLE experiments RENAME COLUMN workspace TO room", "experiments.workspace"),
    ],
)
def test_a_database_of_another_make_is_told_with_what_it_lacks(copy, change, missing):
    with closing(sqlite3.connect(copy.store / "mlflow.db")) as database:
        database.execute("PRAGMA legacy_alter_table = ON")
        database.execute(change)
        database.commit()

    with pytest.raises(StoreUnavailable, match=f"another version of MLflow .*{missing}"):
        EmbeddedShelf(copy).runs()


def test_the_store_that_is_named_is_read_and_not_the_projects(written, settings_at, tmp_path):
    settings = dataclasses.replace(
        settings_at(tmp_path), tracking_uri=written.settings.tracking_uri
    )

    assert EmbeddedShelf(settings).runs() == written.shelf.runs()
