import shutil
from datetime import date

import pytest

import seclab.evaluations  # noqa: F401 - fills the register of evaluations
from seclab import registry
from seclab.frameworks import load_frameworks
from seclab.register_checks import check_registers
from tests.conftest import ROOT

AT = date(2026, 11, 28)


@pytest.fixture(scope="session")
def frameworks():
    return load_frameworks(ROOT / "registers" / "frameworks")


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped registers."""
    for path in (ROOT / "registers").iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def check(frameworks):
    """The findings about a folder on the day of the tests."""

    def of(folder, at=AT):
        return check_registers(
            folder,
            frameworks=frameworks,
            evaluations=registry.registered(),
            suites={"digits": (), "splits": ()},
            threat_models={},
            at=at,
        )

    return of
