"""Each expectation on what a model learnt fails on poison, and on nothing clean.

All on half the digits, and with a network: a training of about a second each.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seclab import data_checks, datasets
from seclab.measurement import CheckStatus

ROOT = Path(__file__).parents[3]
SIGNATURES = "expect_rows_to_lie_with_their_label"
CLUSTERS = "expect_clusters_to_look_like_their_label"
REACH = "expect_no_class_to_be_easy_to_reach"
CORNERS = [0, 7, 56, 63]
BLOCKS = [0, 1, 8, 9, 6, 7, 14, 15]


@pytest.fixture(scope="module")
def deep():
    return data_checks.load_suite(ROOT / "expectations" / "digits-deep.json")


@pytest.fixture(scope="module")
def half(digits):
    return datasets.split(digits, seed=0).train


def _patched(half, columns, value, rows, label):
    features, labels = half.features.copy(), half.labels.copy()
    features[np.ix_(rows, columns)] = value
    labels[rows] = label
    return half.with_rows(features, labels)


def _only(suite, name, dataset, **changes):
    (chosen,) = [each for each in suite.expectations if each.type == name]
    chosen = replace(chosen, kwargs={**chosen.kwargs, **changes})
    (result,) = data_checks.check(
        dataset, replace(suite, expectations=(chosen,)), baseline=None
    ).results
    return result


def test_clean_digits_pass(half, deep):
    report = data_checks.check(half, deep, baseline=None)

    assert {result.expectation for result in report.results} == {SIGNATURES, CLUSTERS, REACH}
    assert {result.status for result in report.results} == {CheckStatus.PASSED}


def test_rows_that_a_model_holds_apart_fail(half, deep):
    rows = np.random.default_rng(3).permutation(np.flatnonzero(half.labels == 1))[:20]
    dataset = _patched(half, BLOCKS, 16.0, rows, 0)

    result = _only(deep, SIGNATURES, dataset)

    assert result.status is CheckStatus.FAILED
    assert set(rows.tolist()) <= set(result.rows)


def test_a_cluster_of_poison_fails_and_is_named(half, deep):
    rows = np.random.default_rng(3).permutation(np.flatnonzero(half.labels == 3))[:45]
    dataset = _patched(half, CORNERS, 13.0, rows, 8)

    result = _only(deep, CLUSTERS, dataset)

    assert result.status is CheckStatus.FAILED
    assert result.rows == tuple(sorted(rows.tolist()))


def test_a_short_way_to_a_class_fails_and_shows_the_trigger(half, deep):
    rows = np.random.default_rng(0).permutation(np.flatnonzero(half.labels != 8))[:60]
    dataset = _patched(half, [0, 1], 16.0, rows, 8)

    result = _only(deep, REACH, dataset)

    assert result.status is CheckStatus.FAILED
    assert result.rows == ()
    assert result.patterns[0].label == 8
    assert {0, 1} & set(result.patterns[0].columns)


def test_a_training_on_a_draw_of_the_rows_judges_all_of_them(half, deep):
    rows = np.random.default_rng(3).permutation(np.flatnonzero(half.labels == 1))[:20]
    dataset = _patched(half, BLOCKS, 16.0, rows, 0)

    result = _only(deep, SIGNATURES, dataset, most_rows=600)

    assert np.isin(rows, result.rows).mean() > 0.8


def test_a_model_that_nobody_knows_gives_no_finding(half, deep):
    result = _only(deep, CLUSTERS, half, model="gpt")

    assert result.status is CheckStatus.ERRORED
    assert "unknown model 'gpt'" in result.explanation


def test_rows_without_numbers_are_no_pass(half, deep):
    features = half.features.copy()
    features[3, 5] = np.nan

    report = data_checks.check(half.with_rows(features, half.labels), deep, baseline=None)

    assert {result.status for result in report.results} == {CheckStatus.ERRORED}
