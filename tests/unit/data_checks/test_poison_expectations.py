"""Each expectation against poison fails on the poison it exists for, and on nothing clean."""

import numpy as np
import pytest

from seclab import data_checks, datasets
from seclab.attacks.poisoning import KINDS
from seclab.data_checks.suites import Suite
from seclab.measurement import CheckStatus
from tests.unit.data_checks.conftest import DETECTORS

LABELS = "expect_labels_to_be_supported"
PATTERNS = "expect_no_shared_patterns"
COPIES = "expect_no_copies_in_bulk"
GROUPS = "expect_groups_to_look_like_their_label"
NEIGHBOURS = "expect_neighbours_to_share_labels"


@pytest.fixture(scope="module")
def against_poison(whole_suite):
    """Only the expectations against poison: the baseline would find every change anyway."""
    chosen = [e for e in whole_suite.expectations if e.type in DETECTORS]
    assert {e.type for e in chosen} == {LABELS, NEIGHBOURS, PATTERNS, COPIES, GROUPS}
    return Suite("poison", whole_suite.digest, tuple(chosen))


@pytest.fixture(scope="module")
def check(against_poison):
    def of(dataset):
        report = data_checks.check(dataset, against_poison, baseline=None)
        return {result.expectation: result for result in report.results}

    return of


def _poisoned(digits, kind, rate, seed):
    drawn = KINDS[kind].draw(
        np.random.default_rng(seed),
        digits.features,
        digits.labels,
        digits.image_shape,
        digits.feature_range,
        rate,
    )
    return digits.with_rows(drawn.features, drawn.labels), drawn


def test_the_clean_digits_pass_in_any_order(digits, check):
    order = np.random.default_rng(5).permutation(len(digits))

    for rows in (np.arange(len(digits)), order):
        results = check(digits.take(rows))
        assert {result.status for result in results.values()} == {CheckStatus.PASSED}
        assert all(result.rows == () for result in results.values())


@pytest.mark.parametrize("seed", range(5))
def test_a_part_of_the_clean_digits_passes(digits, check, seed):
    parts = datasets.split(digits, seed=seed)

    assert {r.status for r in check(parts.train).values()} == {CheckStatus.PASSED}


def test_flipped_labels_fail_and_are_named(digits, check):
    dataset, drawn = _poisoned(digits, "random_flips", 0.05, 1)

    result = check(dataset)[LABELS]

    assert result.status is CheckStatus.FAILED
    found = np.zeros(len(dataset), dtype=bool)
    found[list(result.rows)] = True
    assert found[drawn.mask].mean() >= 0.9
    assert drawn.mask[found].mean() >= 0.8


def test_a_patch_fails_and_is_drawn_with_its_rows(digits, check):
    """Two by two pixels in a corner on 18 of 1,797 rows of one class."""
    rows = np.random.default_rng(0).permutation(np.flatnonzero(digits.labels == 1))[:18]
    features, labels = digits.features.copy(), digits.labels.copy()
    columns = [54, 55, 62, 63]
    features[np.ix_(rows, columns)] = 16.0
    labels[rows] = 7

    result = check(digits.with_rows(features, labels))[PATTERNS]

    assert result.status is CheckStatus.FAILED
    assert result.rows == tuple(sorted(rows.tolist()))
    pattern = result.patterns[0]
    assert (pattern.label, pattern.rows) == (7, 18)
    assert set(columns) <= set(pattern.columns)
    values = dict(zip(pattern.columns, pattern.values, strict=True))
    assert {values[column] for column in columns} == {16.0}


def test_a_faint_pattern_over_the_whole_image_fails(digits, check):
    dataset, drawn = _poisoned(digits, "blended", 0.05, 45002)

    result = check(dataset)[GROUPS]

    assert result.status is CheckStatus.FAILED
    named = np.zeros(len(dataset), dtype=bool)
    named[list(result.rows)] = True
    assert named[drawn.mask].mean() > 0.8
    assert result.patterns[0].label == drawn.target


def test_a_few_rows_of_one_class_under_the_label_of_another_fail(digits, check):
    """Eighteen of 1,797: as many hard rows as any set has, but all of one pair of classes."""
    dataset, drawn = _poisoned(digits, "targeted_flips", 0.01, 3)

    result = check(dataset)[LABELS]

    assert result.status is CheckStatus.FAILED
    assert np.isin(np.flatnonzero(drawn.mask), result.rows).mean() > 0.9


def test_a_trigger_for_every_class_puts_rows_among_strangers(digits, check):
    rows = np.random.default_rng(1).permutation(np.flatnonzero(digits.labels != 7))[:36]
    features, labels = digits.features.copy(), digits.labels.copy()
    features[rows, 35] = 9.0
    labels[rows] = 7

    result = check(digits.with_rows(features, labels))[NEIGHBOURS]

    assert result.status is CheckStatus.FAILED
    assert np.isin(rows, result.rows).mean() > 0.8


def test_images_are_recognised_whatever_their_brightness(digits, check):
    """A trigger that does nothing but dim them is seen only where brightness does not count."""
    rows = np.random.default_rng(1).permutation(np.flatnonzero(digits.labels == 3))[:36]
    features, labels = digits.features.copy(), digits.labels.copy()
    features[rows] = np.round(0.6 * features[rows])
    labels[rows] = 5

    result = check(digits.with_rows(features, labels))[GROUPS]

    assert result.status is CheckStatus.FAILED
    assert result.rows == tuple(sorted(rows.tolist()))


def test_copies_in_bulk_fail(digits, check):
    rows = np.random.default_rng(2).choice(len(digits), 40, replace=False)
    features = np.vstack([digits.features, digits.features[rows]])
    labels = np.concatenate([digits.labels, digits.labels[rows]])

    result = check(digits.with_rows(features, labels))[COPIES]

    assert result.status is CheckStatus.FAILED
    assert len(set(result.rows)) >= 40


def test_rows_without_numbers_are_no_pass(digits, check):
    features = digits.features.copy()
    features[3, 5] = np.nan

    results = check(digits.with_rows(features, digits.labels))

    assert {result.status for result in results.values()} == {CheckStatus.ERRORED}
    assert all("NaN or infinite" in result.explanation for result in results.values())
