"""Rows held against an earlier version, and against the order in which they arrived."""

from pathlib import Path

import numpy as np
import pytest

from seclab import data_checks
from seclab.attacks.poisoning import KINDS
from seclab.errors import InvalidData
from seclab.measurement import CheckStatus

ROOT = Path(__file__).parents[3]
PROFILE = "expect_classes_to_match_profile"
BATCHES = "expect_no_drift_between_batches"


@pytest.fixture(scope="module")
def arrivals():
    return data_checks.load_suite(ROOT / "expectations" / "arrivals.json")


@pytest.fixture(scope="module")
def earlier(digits):
    return digits.take(np.random.default_rng(0).permutation(len(digits))[:1200])


def _results(dataset, suite, **known):
    report = data_checks.check(dataset, suite, baseline=None, **known)
    return {result.expectation: result for result in report.results}


@pytest.mark.parametrize("seed", range(3))
def test_clean_rows_in_any_order_pass(digits, arrivals, earlier, seed):
    batches = np.random.default_rng(seed).integers(6, size=len(digits))

    results = _results(digits, arrivals, earlier=earlier, batches=batches)

    assert {result.status for result in results.values()} == {CheckStatus.PASSED}


def test_a_class_that_is_no_longer_what_it_was_fails(digits, arrivals, earlier):
    features = digits.features.copy()
    moved = np.flatnonzero(digits.labels == 4)[:60]
    features[moved, 7] = 12.0

    results = _results(digits.with_rows(features, digits.labels), arrivals, earlier=earlier)

    assert results[PROFILE].status is CheckStatus.FAILED
    assert "class 4" in results[PROFILE].observed
    assert np.isin(moved, results[PROFILE].rows).mean() > 0.9
    assert results[BATCHES].status is CheckStatus.ERRORED


def test_slow_drift_fails(digits, arrivals):
    drawn = KINDS["slow_drift"].draw(
        np.random.default_rng(1),
        digits.features,
        digits.labels,
        digits.image_shape,
        digits.feature_range,
        0.05,
    )
    dataset = digits.with_rows(drawn.features, drawn.labels)

    results = _results(dataset, arrivals, batches=drawn.batches)

    assert results[BATCHES].status is CheckStatus.FAILED
    assert f"classes {drawn.source} wander" in results[BATCHES].observed


def test_what_is_not_known_is_no_pass(digits, arrivals):
    results = _results(digits, arrivals)

    assert {result.status for result in results.values()} == {CheckStatus.ERRORED}
    assert "no earlier version is given" in results[PROFILE].explanation
    assert "in which batch" in results[BATCHES].explanation


def test_another_dataset_is_no_earlier_version(digits, arrivals, earlier):
    features = earlier.features.copy()
    features[0, 0] = np.nan
    with pytest.raises(InvalidData, match="holds what is no number"):
        _results(digits, arrivals, earlier=earlier.with_rows(features, earlier.labels))
