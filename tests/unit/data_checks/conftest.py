from datetime import date
from pathlib import Path

import pytest

from seclab import baselines, data_checks, datasets

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def digits():
    return datasets.digits()


@pytest.fixture(scope="session")
def digits_suite():
    return data_checks.load_suite(ROOT / "expectations" / "digits.json")


@pytest.fixture(scope="session")
def splits_suite():
    return data_checks.load_suite(ROOT / "expectations" / "splits.json")


@pytest.fixture(scope="session")
def recorded():
    return baselines.load_baselines(ROOT / "registers" / "baselines.yaml")["digits"]


@pytest.fixture(scope="session")
def accept():
    """Record whatever a dataset holds, also what no reviewer would accept."""

    def of(dataset):
        now = dataset.fingerprint()
        day = date(2026, 1, 31)
        return baselines.Baseline(dataset.name, day, now.rows, now.unordered, now.classes)

    return of
