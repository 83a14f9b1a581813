"""The versions of a registered model, and the files kept with each, read without MLflow."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from seclab.errors import EvidenceMismatch, StoreUnavailable
from seclab.shelf import EmbeddedShelf
from seclab.shelf.records import MODEL_FILE


@pytest.fixture
def kept(copy, client_of):
    """Settings of a store with a fourth version, which files are kept with, and the version."""
    client = client_of(copy)
    experiment = client.get_experiment_by_name("security-evaluations")
    logged = client.create_logged_model(experiment.experiment_id, name="mlp")
    folder = copy.store / "artifacts" / "models" / logged.model_id / "artifacts"
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(b"a model")
    client.create_model_version("digits", "/elsewhere", tags={"model.seed": "7"})
    with closing(sqlite3.connect(copy.store / "mlflow.db")) as database:
        source = f"models:/{logged.model_id}"
        database.execute("UPDATE logged_models SET artifact_location = ?", [folder.as_uri()])
        database.execute("UPDATE model_versions SET source = ? WHERE version = 4", [source])
        database.commit()
    return copy, EmbeddedShelf(copy).versions("digits")[-1]


def _relocate(settings, uri):
    with closing(sqlite3.connect(settings.store / "mlflow.db")) as database:
        database.execute("UPDATE logged_models SET artifact_location = ?", [uri])
        database.commit()


def _read(settings, version):
    with EmbeddedShelf(settings).kept(version) as folder:
        return (folder / MODEL_FILE).read_bytes()


def test_the_versions_are_those_that_mlflow_lists(written):
    found = written.shelf.versions("digits")

    said = written.client.search_model_versions("name = 'digits'", order_by=["version_number ASC"])
    assert [(v.number, v.tags) for v in found] == [(str(v.version), v.tags) for v in said]
    assert [(v.number, v.digest) for v in found] == [
        ("1", "sha256:bytes:1"),
        ("2", "sha256:bytes:2"),
    ]
    assert [v.created.timestamp() * 1000 for v in found] == [v.creation_timestamp for v in said]
    assert written.shelf.versions("nothing") == []
    assert written.shelf.registered() == ["digits"]


def test_a_project_without_a_store_has_no_versions(settings_at, tmp_path):
    assert EmbeddedShelf(settings_at(tmp_path)).versions("digits") == []


def test_the_files_of_a_version_are_where_they_were_written(kept):
    settings, version = kept

    assert (version.number, version.tags) == ("4", {"model.seed": "7"})
    assert version.digest == ""
    assert _read(settings, version) == b"a model"


def test_a_project_that_was_moved_keeps_the_files_of_its_versions(kept, tmp_path):
    settings, version = kept
    _relocate(settings, (tmp_path / "gone" / "artifacts").as_uri())

    assert _read(settings, version) == b"a model"


def test_a_version_that_is_no_logged_model_is_told(written):
    version = written.shelf.versions("digits")[0]

    with (
        pytest.raises(EvidenceMismatch, match="expected the logged model /nowhere, found none"),
        written.shelf.kept(version),
    ):
        pass


def test_a_logged_model_that_was_deleted_is_told(kept, client_of):
    settings, version = kept
    client_of(settings).delete_logged_model(version.model_id)

    with pytest.raises(EvidenceMismatch, match=f"model {version.model_id}, found none"):
        _read(settings, version)


@pytest.mark.parametrize("uri", ["s3://bucket/models", "file://another-host/models"])
def test_files_on_another_machine_are_told(kept, uri):
    settings, version = kept
    _relocate(settings, uri)

    with pytest.raises(StoreUnavailable, match=f"files of digits v4 cannot be read: .*at {uri}"):
        _read(settings, version)


def test_files_that_are_gone_are_for_the_reader_to_miss(kept):
    settings, version = kept
    shutil.rmtree(settings.store / "artifacts" / "models")

    with EmbeddedShelf(settings).kept(version) as folder:
        assert not folder.exists()


def test_a_locked_database_is_told(kept, monkeypatch):
    monkeypatch.setattr("seclab.shelf.database._PATIENCE", 0.1)
    settings, version = kept
    shelf = EmbeddedShelf(settings)
    with closing(sqlite3.connect(settings.store / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for ask in (lambda: shelf.versions("digits"), lambda: _read(settings, version)):
            with pytest.raises(StoreUnavailable, match="database is locked; another process is"):
                ask()
