"""Folders of keys, and a sealed run with its files and its document, to be spoiled."""

import copy
import shutil
from pathlib import Path

import pytest

from tests.runs import finished
from tests.unit.evidence.key_folders import Folders


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("run"), pictures=True)


@pytest.fixture
def folder(run, tmp_path):
    """A copy of the files, to be spoiled."""
    return Path(shutil.copytree(run.folder, tmp_path / "files"))


@pytest.fixture
def document(run):
    return copy.deepcopy(run.bundle.document)
