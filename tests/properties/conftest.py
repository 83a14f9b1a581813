"""A signed run with everything that proves it, and a copy of its files."""

import shutil

import pytest

from tests.sealed import proven


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return proven(tmp_path_factory.mktemp("proof"))


@pytest.fixture
def folder(proof, tmp_path):
    """A copy of the run's files, to be spoiled."""
    return shutil.copytree(proof.folder, tmp_path / "run")
