"""What the tests themselves must not do."""

import os
import sqlite3

import pytest

from seclab import settings
from tests.conftest import ROOT

OWN = "the project's own"


@pytest.mark.parametrize("name", ["mlruns/new.txt", ".prefect/new.txt"])
def test_no_test_can_write_a_file_into_the_stores_of_the_project(name):
    with pytest.raises(PermissionError, match=OWN):
        (ROOT / name).write_text("here")
    with pytest.raises(PermissionError, match=OWN):
        os.open(ROOT / name, os.O_CREAT | os.O_RDWR)
    with pytest.raises(PermissionError, match=OWN):
        (ROOT / name).mkdir()
    assert not (ROOT / name).exists()


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_no_test_can_open_the_database_of_the_project(kind):
    with pytest.raises(PermissionError, match=OWN):
        sqlite3.connect(kind(ROOT / "mlruns" / "mlflow.db"))


def test_the_project_itself_can_still_be_read():
    assert (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert settings.find(ROOT, {}).store == ROOT / "mlruns"


def test_the_environment_leads_to_no_store_of_the_user():
    assert not {"MLFLOW_TRACKING_URI", "SECLAB_STORE"} & os.environ.keys()
    assert not os.environ["PREFECT_HOME"].startswith(str(ROOT))
