from dataclasses import replace
from pathlib import Path

import pytest

from seclab import custody, data_checks, datasets

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def digits():
    return datasets.digits()


# They look at all rows together, take a second, and have tests of their own.
DETECTORS = (
    "expect_labels_to_be_supported",
    "expect_groups_to_look_like_their_label",
    "expect_neighbours_to_share_labels",
    "expect_no_shared_patterns",
    "expect_no_copies_in_bulk",
)


# In suites of their own: they train a model, or need to know what was before.
LEARNT = (
    "expect_rows_to_lie_with_their_label",
    "expect_clusters_to_look_like_their_label",
    "expect_no_class_to_be_easy_to_reach",
)
CHANGES = ("expect_classes_to_match_profile", "expect_no_drift_between_batches")


@pytest.fixture(scope="session")
def whole_suite():
    """The suite of the digits as it is delivered."""
    return data_checks.load_suite(ROOT / "expectations" / "digits.json")


@pytest.fixture(scope="session")
def digits_suite(whole_suite):
    """The same without the detectors of poison."""
    kept = [each for each in whole_suite.expectations if each.type not in DETECTORS]
    return replace(whole_suite, expectations=tuple(kept))


@pytest.fixture(scope="session")
def splits_suite():
    return data_checks.load_suite(ROOT / "expectations" / "splits.json")


@pytest.fixture(scope="session")
def recorded():
    """The recorded versions of the digits."""
    return custody.load_histories(ROOT / "registers" / "custody")["digits"]


@pytest.fixture(scope="session")
def accept(recorded):
    """Record whatever a dataset holds, also what no reviewer would accept."""

    def of(dataset):
        now = dataset.fingerprint()
        newest = replace(
            recorded.newest, rows=now.rows, ordered=now.ordered, unordered=now.unordered
        )
        return replace(recorded, newest=newest)

    return of
