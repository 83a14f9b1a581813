"""A suite asked directly says what Great Expectations would have said."""

import numpy as np
import pytest

from seclab import data_checks
from seclab.attacks.poisoning import KINDS
from seclab.data_checks import SuiteScreen
from seclab.errors import NotEvaluated
from seclab.measurement import CheckStatus

RECORD = "expect_changes_to_be_explained"


@pytest.fixture(scope="module")
def screen(whole_suite, recorded):
    return SuiteScreen(whole_suite, recorded)


def _poisoned(digits, kind):
    digits = digits.take(np.arange(700))  # enough to find it in, and quicker
    poison = KINDS[kind].draw(
        np.random.default_rng(3),
        digits.features,
        digits.labels,
        digits.image_shape,
        digits.feature_range,
        0.05,
    )
    return digits.with_rows(poison.features, poison.labels)


@pytest.mark.parametrize("kind", ["random_flips", "blended", "relabelled_copies"])
def test_both_ways_agree_on_poison(digits, whole_suite, recorded, screen, kind):
    rows = _poisoned(digits, kind)
    report = data_checks.check(rows, whole_suite, baseline=recorded)
    said = {r.expectation: r.rows for r in report.stopping() if r.expectation != RECORD}

    found = screen(rows)

    assert found.alarm
    assert {name: tuple(np.flatnonzero(named)) for name, named in found.by.items()} == said
    assert set(np.flatnonzero(found.flagged)) == {row for named in said.values() for row in named}
    assert found.patterns == tuple(
        pattern for result in report.stopping() for pattern in result.patterns
    )


def test_clean_rows_raise_no_alarm(digits, screen):
    found = screen(digits)

    assert (found.alarm, found.by, found.patterns) == (False, {}, ())
    assert not found.flagged.any()


def test_a_part_of_the_rows_is_not_held_against_the_record_of_all(digits, screen):
    assert not screen(digits.take(np.arange(1500))).alarm
    assert RECORD in screen.about


def test_all_rows_are_named_however_many_they_are(digits, digits_suite):
    features = digits.features.copy()
    features[:1200, 0] = 17.0

    found = SuiteScreen(digits_suite, None)(digits.with_rows(features, digits.labels))

    assert found.by["expect_features_to_be_in_range"].sum() == 1200


def test_what_only_warns_raises_no_alarm(digits, digits_suite):
    rows = digits.take(np.flatnonzero((digits.labels != 3) | (np.arange(len(digits)) % 4 != 0)))
    report = data_checks.check(rows, digits_suite, baseline=None)
    warned = [r.expectation for r in report.results if r.status is CheckStatus.FAILED]

    found = SuiteScreen(digits_suite, None)(rows)

    assert warned == ["expect_classes_to_be_balanced"]
    assert not found.alarm


def test_a_check_that_comes_to_no_finding_is_not_passed_over(digits, screen):
    features = digits.features.copy()
    features[0, 0] = np.nan

    with pytest.raises(NotEvaluated, match=r"expect_labels_to_be_supported: some features are NaN"):
        screen(digits.with_rows(features, digits.labels))
