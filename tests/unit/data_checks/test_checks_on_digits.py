"""The genuine digits, the suites as they are delivered, and tampered copies of the digits."""

from dataclasses import replace

import numpy as np
import pytest

from seclab import data_checks, datasets
from seclab.custody import Rows, set_aside
from seclab.data_checks.table import of_dataset
from seclab.errors import InvalidData
from seclab.fingerprint import of_bytes
from seclab.measurement import CheckStatus, Severity
from tests.unit.data_checks.conftest import CHANGES, DETECTORS, LEARNT


def failed(report):
    assert all(result.status is not CheckStatus.ERRORED for result in report.results)
    return {r.expectation for r in report.results if r.status is CheckStatus.FAILED}


def result_of(report, expectation):
    (result,) = [item for item in report.results if item.expectation == expectation]
    return result


def changed(dataset, *, features=None, labels=None):
    """A copy in which some cells, (row, column) -> value, or labels, row -> value, differ."""
    x, y = dataset.features.copy(), dataset.labels.copy()
    for cell, value in (features or {}).items():
        x[cell] = value
    for row, value in (labels or {}).items():
        y[row] = value
    return dataset.with_rows(x, y)


def with_copy(dataset, row, *, label=None, zero=0.0):
    """One more row: a copy of another, maybe under another label or with other zeros."""
    copy = dataset.features[row].copy()
    copy[copy == 0.0] = zero
    label = dataset.labels[row] if label is None else label
    return dataset.with_rows(np.vstack([dataset.features, copy]), np.append(dataset.labels, label))


def swapped_names(dataset):
    first, second, *rest = dataset.feature_names
    return replace(dataset, feature_names=(second, first, *rest))


def without_column(dataset):
    return replace(
        dataset,
        features=dataset.features[:, 1:],
        feature_names=dataset.feature_names[1:],
        image_shape=None,
    )


RENAMED = ("label", *(f"pixel_{i // 8}_{i % 8}" for i in range(1, 64)))
SCHEMA = "expect_schema_to_match"
FINITE = "expect_features_to_be_finite"
RANGE = "expect_features_to_be_in_range"
LABELS = "expect_labels_to_match_set"
BALANCE = "expect_classes_to_be_balanced"
UNIQUE = "expect_rows_to_be_unique"
CONSISTENT = "expect_labels_to_be_consistent"
BASELINE = "expect_changes_to_be_explained"
DISJOINT = "expect_splits_to_be_disjoint"
EVERYWHERE = "expect_splits_to_hold_every_class"

# What was done -> (how, which expectations alone notice, what the first of them reports)
TAMPERED = {
    "column renamed": (
        lambda d: replace(d, feature_names=RENAMED),
        [SCHEMA],
        "missing columns pixel_0_0; unknown columns label",
    ),
    "columns swapped": (swapped_names, [SCHEMA], "another order, from column 0 on"),
    "column lost": (without_column, [SCHEMA], "missing columns pixel_0_0"),
    "column repeated": (
        lambda d: replace(
            d,
            features=np.hstack([d.features, d.features[:, :1]]),
            feature_names=(*d.feature_names, "pixel_0_0"),
            image_shape=None,
        ),
        [SCHEMA],
        "from column 64 on",
    ),
    "class renamed": (
        lambda d: replace(d, class_names=("zero", *d.class_names[1:])),
        [SCHEMA],
        "class_names ['zero'",
    ),
    "image reshaped": (
        lambda d: replace(d, image_shape=(4, 16)),
        [SCHEMA],
        "image_shape [4, 16], not [8, 8]",
    ),
    "NaN pixel": (
        lambda d: changed(d, features={(5, 3): np.nan}),
        [FINITE, RANGE],
        "1 such values in 1 rows",
    ),
    "infinite pixel": (
        lambda d: changed(d, features={(5, 3): np.inf, (5, 4): -np.inf}),
        [FINITE, RANGE],
        "2 such values in 1 rows",
    ),
    "too bright": (
        lambda d: changed(d, features={(5, 3): 16.001}),
        [RANGE],
        "1 of 1797 rows outside",
    ),
    "too dark": (
        lambda d: changed(d, features={(5, 3): -0.001}),
        [RANGE],
        "1 of 1797 rows outside",
    ),
    "other range declared": (
        lambda d: replace(d, feature_range=(0.0, 255.0)),
        [RANGE],
        "a declared range of 0 to 255",
    ),
    "label too large": (
        lambda d: changed(d, labels={5: 10}),
        [LABELS],
        "1 rows with unknown labels (10)",
    ),
    "label negative": (
        lambda d: changed(d, labels={5: -1}),
        [LABELS],
        "1 rows with unknown labels (-1)",
    ),
    "class missing": (
        lambda d: d.take(d.labels != 3),
        [LABELS, BALANCE],
        "no row of class 3",
    ),
    "rows relabelled in bulk": (
        lambda d: changed(d, labels=dict.fromkeys(np.flatnonzero(d.labels == 1)[:30], 7)),
        [BALANCE],
        "class 7 furthest, with 209 rows (16.3% off)",
    ),
    "row copied": (lambda d: with_copy(d, 5), [UNIQUE], "1 copies among 1798 rows"),
    "row copied behind negative zeros": (
        lambda d: with_copy(d, 5, zero=-0.0),
        [UNIQUE],
        "1 copies among 1798 rows",
    ),
    "image under a second label": (
        lambda d: with_copy(d, 5, label=6),
        [CONSISTENT],
        "1 contents under several labels, in 2 rows",
    ),
    "image under a second label behind negative zeros": (
        lambda d: with_copy(d, 5, label=6, zero=-0.0),
        [CONSISTENT],
        "1 contents under several labels, in 2 rows",
    ),
}


def test_digits_pass_their_suite(digits, digits_suite, recorded):
    report = data_checks.check(digits, digits_suite, baseline=recorded)

    assert {result.status for result in report.results} == {CheckStatus.PASSED}
    assert [r.expectation for r in report.results] == [e.type for e in digits_suite.expectations]
    assert not report.stopping()
    assert all(result.rows == () for result in report.results)
    assert report.dataset_digest == str(digits.fingerprint().ordered)
    assert report.suite_digest == str(digits_suite.digest)


@pytest.mark.parametrize("seed", [0, 1, 7, 2024])
def test_splits_of_digits_pass_their_suite(digits, splits_suite, seed):
    report = data_checks.check_splits(datasets.split(digits, seed=seed), splits_suite)

    assert len(report.results) == len(splits_suite.expectations)
    assert {result.status for result in report.results} == {CheckStatus.PASSED}
    assert report.dataset == "digits/splits"


def test_report_of_splits_is_pinned_to_the_very_split(digits, splits_suite):
    reports = [
        data_checks.check_splits(datasets.split(digits, seed=seed), splits_suite)
        for seed in (0, 0, 1)
    ]

    assert reports[0].dataset_digest == reports[1].dataset_digest != reports[2].dataset_digest


@pytest.mark.parametrize("case", TAMPERED)
def test_only_the_expectations_meant_for_it_notice(case, digits, digits_suite, accept):
    tamper, noticing, observed = TAMPERED[case]
    dataset = tamper(digits)

    report = data_checks.check(dataset, digits_suite, baseline=accept(dataset))

    assert failed(report) == set(noticing)
    assert observed in result_of(report, noticing[0]).observed


def test_every_expectation_is_shown_to_fail():
    shown = {name for _, noticing, _ in TAMPERED.values() for name in noticing}

    # Those against poison have tests of their own, in the files named like their suites.
    others = {*DETECTORS, *LEARNT, *CHANGES}
    assert shown | {BASELINE, DISJOINT, EVERYWHERE} == set(data_checks.types()) - others


def test_another_type_of_values_fails_the_schema(digits, digits_suite):
    # A dataset refuses other types, so the expectation is asked directly.
    kind = data_checks.types()[SCHEMA]
    kwargs = digits_suite.expectations[0].kwargs
    table = of_dataset(digits, None)
    assert kind.function(table, **kwargs).holds

    features = kind.function(replace(table, features=table.features.astype("f4")), **kwargs)
    labels = kind.function(replace(table, labels=table.labels.astype("i4")), **kwargs)

    assert (features.holds, features.found) == (False, "feature_dtype float32, not float64")
    assert (labels.holds, labels.found) == (False, "label_dtype int32, not int64")


@pytest.mark.parametrize("cell", [(0, 0), (1796, 63), (900, 30)])
def test_one_changed_pixel_names_its_row(digits, digits_suite, recorded, cell):
    dataset = changed(digits, features={cell: 16.0 - digits.features[cell]})

    report = data_checks.check(dataset, digits_suite, baseline=recorded)

    assert failed(report) == {BASELINE}
    result = result_of(report, BASELINE)
    assert result.observed.endswith(f"; 1 changed (rows {cell[0]})")
    assert result.rows == (cell[0],)
    assert report.stopping() == (result,)


def test_two_swapped_labels_name_both_rows_and_their_classes(digits, digits_suite, recorded):
    three, eight = (int(np.flatnonzero(digits.labels == label)[0]) for label in (3, 8))
    dataset = changed(digits, labels={three: 8, eight: 3})

    report = data_checks.check(dataset, digits_suite, baseline=recorded)

    assert failed(report) == {BASELINE}
    result = result_of(report, BASELINE)
    assert result.observed.endswith("; 2 relabelled (rows 3 8; 3 to 8, 8 to 3)")
    assert result.rows == (three, eight)


def test_classes_that_nobody_declared_are_named(digits, digits_suite, recorded):
    dataset = changed(digits, labels={0: 11, 10: -1})

    report = data_checks.check(dataset, digits_suite, baseline=recorded)

    assert failed(report) == {BASELINE, LABELS}
    assert result_of(report, BASELINE).observed.endswith(
        "(rows 0 10; 0 to undeclared label -1, 0 to undeclared label 11)"
    )


def test_a_removed_row_is_noticed(digits, digits_suite, recorded):
    report = data_checks.check(digits.take(np.arange(1, 1797)), digits_suite, baseline=recorded)

    assert failed(report) == {BASELINE}
    result = result_of(report, BASELINE)
    assert result.observed.startswith("1796 rows, sha256:rows-unordered/1:")
    assert result.observed.endswith("; 1 removed (rows 0)")
    # Nothing of what is here is to blame.
    assert result.rows == ()


def test_the_order_of_rows_does_not_matter_to_the_baseline(digits, digits_suite, recorded):
    shuffled = digits.take(np.random.default_rng(0).permutation(len(digits)))

    report = data_checks.check(shuffled, digits_suite, baseline=recorded)

    assert not failed(report)
    assert result_of(report, BASELINE).observed.endswith("; in another order")


def test_an_older_version_is_not_the_newest(digits, digits_suite, recorded):
    """Whoever brings back rows that were set aside since is stopped."""
    kept, newest = digits.take(np.delete(np.arange(1797), [4, 5])), recorded.newest
    rows = recorded.rows[newest.digest]
    manifest = set_aside(kept, parent=newest, rows=rows, decisions=of_bytes(b"bad"))
    history = recorded.followed_by(manifest, Rows.of(kept))

    assert not failed(data_checks.check(kept, digits_suite, baseline=history))
    report = data_checks.check(digits, digits_suite, baseline=history)
    assert failed(report) == {BASELINE}
    assert result_of(report, BASELINE).observed.endswith("; 2 added (rows 4-5)")


def test_other_names_of_columns_are_told_where_no_row_differs(digits, recorded):
    renamed = of_dataset(replace(digits, feature_names=RENAMED), recorded)

    finding = data_checks.types()[BASELINE].function(renamed)

    assert not finding.holds
    assert finding.found.endswith("the same rows under other names of columns or classes")


def test_many_changes_are_counted_and_the_first_named(digits, recorded):
    labels = np.where(np.arange(1797) % 2, (digits.labels + 1) % 10, digits.labels)
    table = of_dataset(digits.with_rows(digits.features, labels), recorded)

    finding = data_checks.types()[BASELINE].function(table)

    assert "; 898 relabelled (rows 1 3 5 7 9 11 13 15 and more; 0 to 1, 1 to 2, " in finding.found
    assert finding.found.endswith("7 to 8 and more)")
    assert finding.rows == tuple(range(1, 1797, 2))


@pytest.mark.parametrize(("limit", "holds"), [(0.49, False), (0.5, True)])
def test_the_limit_of_the_balance_is_the_last_deviation_allowed(digits, limit, holds):
    one_zero_three_ones = digits.take(np.flatnonzero(np.isin(digits.labels, [0, 1]))[[0, 1, 3, 5]])
    assert one_zero_three_ones.labels.tolist() == [0, 1, 1, 1]
    kind = data_checks.types()[BALANCE]

    finding = kind.function(
        of_dataset(one_zero_three_ones, None), labels=[0, 1], max_relative_deviation=limit
    )

    assert finding.holds is holds
    assert finding.found == "class 0 furthest, with 1 rows (50.0% off)"


def test_offending_rows_are_named(digits, digits_suite, accept):
    def rows(dataset, expectation):
        report = data_checks.check(dataset, digits_suite, baseline=accept(dataset))
        return result_of(report, expectation).rows

    assert rows(changed(digits, features={(9, 1): np.nan, (4, 1): np.nan}), FINITE) == (4, 9)
    assert rows(changed(digits, features={(9, 1): 17.0, (4, 1): -1.0}), RANGE) == (4, 9)
    assert rows(changed(digits, labels={9: 10, 4: -1}), LABELS) == (4, 9)
    assert rows(with_copy(with_copy(digits, 5), 5), UNIQUE) == (1797, 1798)
    assert rows(with_copy(digits, 5, label=6), CONSISTENT) == (5, 1797)


def test_at_most_a_thousand_rows_are_named_and_all_are_counted(digits, digits_suite, accept):
    dataset = digits.with_rows(np.full_like(digits.features, np.nan), digits.labels)

    result = result_of(data_checks.check(dataset, digits_suite, baseline=accept(dataset)), RANGE)

    assert result.rows == tuple(range(1000))
    assert result.observed == "1797 of 1797 rows outside"


def test_an_explanation_says_what_was_expected_and_found_and_why_it_matters(
    digits, digits_suite, recorded
):
    dataset = changed(digits, labels={5: 10})

    result = result_of(data_checks.check(dataset, digits_suite, baseline=recorded), LABELS)

    assert result.explanation == (
        "Expected exactly the labels 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; found 1 rows with unknown "
        f"labels (10). {data_checks.types()[LABELS].why}"
    )
    assert (result.severity, result.risks) == (Severity.CRITICAL, ("R-POI-02",))


def test_a_failure_below_critical_is_reported_but_does_not_stop(digits, digits_suite, accept):
    dataset = with_copy(digits, 5)

    report = data_checks.check(dataset, digits_suite, baseline=accept(dataset))

    assert result_of(report, UNIQUE).severity is Severity.WARNING
    assert not report.stopping()


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("label", [None, 9])
def test_an_image_in_two_splits_is_noticed(digits, splits_suite, zero, label):
    splits = datasets.split(digits, seed=0)
    image = splits.train.features[7].copy()
    image[image == 0.0] = zero
    leaked = splits.test.with_rows(
        np.vstack([splits.test.features, image]),
        np.append(splits.test.labels, splits.train.labels[7] if label is None else label),
    )

    report = data_checks.check_splits(replace(splits, test=leaked), splits_suite)

    assert failed(report) == {DISJOINT}
    result = result_of(report, DISJOINT)
    assert result.observed == "1 shared contents, in test, train"
    last_of_test = len(splits.train) + len(splits.validation) + len(splits.test)
    assert result.rows == (7, last_of_test)


def test_copies_within_one_split_are_no_overlap(digits, splits_suite):
    splits = datasets.split(digits, seed=0)
    doubled = replace(splits, train=with_copy(splits.train, 7))

    assert not failed(data_checks.check_splits(doubled, splits_suite))


def test_a_class_missing_in_one_split_is_noticed(digits, splits_suite):
    splits = datasets.split(digits, seed=0)
    blind = replace(splits, test=splits.test.take(splits.test.labels != 4))

    report = data_checks.check_splits(blind, splits_suite)

    assert failed(report) == {EVERYWHERE}
    assert result_of(report, EVERYWHERE).observed == "test has no row of class 4"


def test_splits_with_other_columns_are_refused(digits, splits_suite):
    splits = datasets.split(digits, seed=0)
    other = replace(splits, test=swapped_names(splits.test))

    with pytest.raises(InvalidData, match="split test has other columns than split train"):
        data_checks.check_splits(other, splits_suite)
