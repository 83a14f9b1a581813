import math
from dataclasses import FrozenInstanceError, replace

import pytest

from seclab.artifacts import Series, Table
from seclab.errors import Misconfigured
from seclab.measurement import (
    CheckReport,
    CheckResult,
    CheckStatus,
    Estimate,
    Interval,
    Measurement,
    Metric,
    Severity,
    label,
)

MEASURED = Measurement(
    evaluation="evasion_linf",
    metric="robust_accuracy",
    value=0.7,
    interval=Interval(0.6, 0.9, 0.95, "wilson"),
    n=100,
    unit="fraction",
    better="higher",
    parameters={"epsilon": 0.1, "attack": "strongest"},
    risks=("R-EVA-01",),
    seed=0,
    subject_digest="sha256:bytes:aa",
    dataset_digest="sha256:rows-ordered/1:bb",
)


def _result(severity, status, risks=("R-POI-02",)):
    return CheckResult("rows_are_unique", severity, status, risks, "3 copies", "rows stand twice")


def _report(*results):
    return CheckReport("digits", "sha256:bytes:cc", "digits", "sha256:rows-ordered/1:bb", results)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("fraction", (0.0, 1.0)),
        ("auc", (0.0, 1.0)),
        ("difference", (-1.0, 1.0)),
        ("count", (0.0, math.inf)),
    ],
)
def test_the_unit_of_a_metric_fixes_its_range(unit, expected):
    assert Metric("m", unit, "higher", "").range == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_was_not_measured_is_no_estimate(value):
    with pytest.raises(ValueError, match="must be finite"):
        Estimate(value, None, 10)


@pytest.mark.parametrize("n", [0, -1])
def test_an_estimate_rests_on_at_least_one_sample(n):
    with pytest.raises(ValueError, match="at least one sample"):
        Estimate(0.5, None, n)


@pytest.mark.parametrize(
    ("low", "high"), [(0.6, 0.9), (0.1, 0.4), (math.nan, 0.9), (0.1, math.nan)]
)
def test_an_estimate_lies_inside_its_interval(low, high):
    with pytest.raises(ValueError, match="outside its interval"):
        Estimate(0.5, Interval(low, high, 0.95, "wilson"), 10)


def test_an_exact_estimate_is_its_own_interval():
    exact = Estimate(3.0, None, 1)

    assert (exact.low, exact.high) == (3.0, 3.0)


def test_the_ends_of_an_estimate_are_those_of_its_interval():
    estimate = Estimate(0.5, Interval(0.4, 0.8, 0.95, "wilson"), 10)

    assert (estimate.low, estimate.high) == (0.4, 0.8)


@pytest.mark.parametrize(
    ("better", "pessimistic", "optimistic"),
    [("higher", 0.6, 0.9), ("lower", 0.9, 0.6), ("neither", 0.7, 0.7)],
)
def test_the_pessimistic_end_is_the_one_that_is_worse_for_the_defender(
    better, pessimistic, optimistic
):
    measured = replace(MEASURED, better=better)

    assert (measured.pessimistic, measured.optimistic) == (pessimistic, optimistic)


def test_without_an_interval_every_end_is_the_value():
    exact = replace(MEASURED, interval=None)

    assert (exact.pessimistic, exact.value, exact.optimistic) == (0.7, 0.7, 0.7)


@pytest.mark.parametrize(
    ("evaluation", "metric", "parameters", "expected"),
    [
        ("evasion_linf", "robust_accuracy", {}, True),
        ("evasion_linf", "robust_accuracy", {"epsilon": 0.1}, True),
        ("evasion_linf", "robust_accuracy", {"attack": "strongest", "epsilon": 0.1}, True),
        ("evasion_linf", "robust_accuracy", {"epsilon": 0.2}, False),
        ("evasion_linf", "robust_accuracy", {"epsilon": 0.1, "norm": "linf"}, False),
        ("evasion_linf", "robust_accuracy", {"norm": None}, False),
        ("evasion_linf", "clean_accuracy", {}, False),
        ("random_noise", "robust_accuracy", {}, False),
    ],
)
def test_a_measurement_matches_its_own_name_at_the_given_parameters(
    evaluation, metric, parameters, expected
):
    assert MEASURED.matches(evaluation, metric, parameters) is expected


def test_labels_name_the_parameters_in_a_fixed_order():
    assert MEASURED.label() == "robust_accuracy (attack=strongest, epsilon=0.1)"
    assert label("clean_accuracy", {}) == "clean_accuracy"


def test_a_measurement_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        MEASURED.value = 1.0


def test_every_row_of_a_table_has_a_cell_for_every_column():
    with pytest.raises(ValueError, match="table sweep: every row needs 2 cells"):
        Table("sweep", "", ("epsilon", "value"), ((0.1, 0.5), (0.2,)))


def test_records_name_the_cells_of_each_row():
    table = Table("sweep", "", ("epsilon", "value"), ((0.1, 0.5), (0.2, None)))

    assert table.records() == [{"epsilon": 0.1, "value": 0.5}, {"epsilon": 0.2, "value": None}]


def test_a_series_keeps_the_intervals_of_its_estimates_as_band():
    points = (
        (0.0, Estimate(0.5, Interval(0.4, 0.8, 0.95, "wilson"), 9)),
        (1.0, Estimate(0.2, None, 9)),
    )

    series = Series.of("accuracy", iter(points))

    assert series == Series("accuracy", (0.0, 1.0), (0.5, 0.2), (0.4, 0.2), (0.8, 0.2))


def test_an_empty_suite_proves_nothing():
    with pytest.raises(Misconfigured, match="suite digits: nothing was checked"):
        _report()


def test_a_report_names_every_risk_once():
    passed = (Severity.INFO, CheckStatus.PASSED)

    report = _report(_result(*passed, ("R-POI-04", "R-POI-02")), _result(*passed, ("R-POI-02",)))

    assert report.risks == ("R-POI-02", "R-POI-04")


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("status", list(CheckStatus))
def test_critical_failures_and_every_error_stop_a_run(severity, status):
    result = _result(severity, status)

    stops = _report(result).stopping() == (result,)

    assert stops is (
        status is CheckStatus.ERRORED
        or (status is CheckStatus.FAILED and severity is Severity.CRITICAL)
    )
