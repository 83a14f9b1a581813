"""All offending rows are known, and failures about rows that people released stop nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from seclab import data_checks
from seclab.custody import Rows
from seclab.data_checks.suites import Expectation, Suite
from seclab.fingerprint import of_json
from seclab.measurement import CheckStatus, Severity
from seclab.quarantine import RowDecision

IN_RANGE = ("expect_features_to_be_in_range", {"low": 0, "high": 16})
CONSISTENT = ("expect_labels_to_be_consistent", {})
WANDERS = (
    "expect_no_drift_between_batches",
    {"level": 0.01, "permutations": 200, "tail": 0.05, "rare_share": 0.01, "seed": 0},
)
UNEXPLAINED = ("expect_changes_to_be_explained", {})
RELEASE = RowDecision(
    "release", (), "data owners", "measured twice", datetime(2026, 3, 1, tzinfo=UTC), "sha256:x:1"
)


def suite_of(*entries, severity=Severity.CRITICAL):
    expectations = tuple(
        Expectation(name, kwargs, severity, ("R-POI-04",)) for name, kwargs in entries
    )
    return Suite("made", of_json([name for name, _ in entries]), expectations)


def too_bright(digits, *rows):
    features = digits.features.copy()
    features[list(rows), 20] = 17.0
    return digits.with_rows(features, digits.labels)


def inspect(dataset, *entries, released=(), baseline=None, **more):
    return data_checks.inspect(
        dataset,
        suite_of(*entries),
        baseline=baseline,
        released=dict.fromkeys(released, RELEASE),
        **more,
    )


def test_every_offending_row_is_known_and_the_evidence_names_the_first_thousand(digits):
    found = inspect(too_bright(digits, *range(1200)), IN_RANGE)

    assert found.offenders == (tuple(range(1200)),)
    assert found.report.results[0].rows == tuple(range(1000))
    assert list(found.suspects()) == list(range(1200))


def test_a_row_is_suspected_by_every_failure_that_stops_and_by_no_warning(digits):
    dataset = too_bright(digits, 5)
    dataset = dataset.with_rows(
        np.vstack([dataset.features, dataset.features[5]]), np.append(dataset.labels, 9)
    )

    found = inspect(dataset, IN_RANGE, CONSISTENT)

    both = (IN_RANGE[0], CONSISTENT[0])
    assert found.suspects() == {5: both, 1797: both}
    warned = data_checks.inspect(
        dataset, suite_of(IN_RANGE, severity=Severity.WARNING), baseline=None
    )
    assert warned.suspects() == {}


def test_a_failure_about_released_rows_alone_stops_nothing_and_says_who_answers_for_it(digits):
    found = inspect(too_bright(digits, 5, 9), IN_RANGE, released=(5, 9))

    [result] = found.report.results
    assert (result.status, result.severity) == (CheckStatus.FAILED, Severity.CRITICAL)
    assert result.released == ("sha256:x:1",)
    assert result.explanation.endswith(
        "It stops nothing: all 2 such rows were released by data owners on 2026-03-01: "
        "measured twice."
    )
    assert found.report.stopping() == ()
    assert found.suspects() == {}


def test_a_failure_about_one_more_row_stops(digits):
    found = inspect(too_bright(digits, 5, 9), IN_RANGE, released=(5,))

    [result] = found.report.stopping()
    assert result.released == ()


def test_a_failure_with_another_cause_than_the_released_rows_stops(digits):
    dataset = replace(too_bright(digits, 5), feature_range=(0.0, 20.0))

    [result] = inspect(dataset, IN_RANGE, released=(5,)).report.stopping()

    assert (
        "Without the rows that people released it does not pass either: found 0 of 1796 rows "
        "outside, and a declared range of 0 to 20." in result.explanation
    )


def test_rows_that_show_only_without_the_released_ones_are_suspected(digits, monkeypatch):
    dataset = too_bright(digits, 5, 9)
    entire = data_checks.types()[IN_RANGE[0]].function

    def overlooks(table, *, low, high):
        """Names the first row alone, as a detector may whose threshold depends on the rest."""
        finding = entire(table, low=low, high=high)
        return replace(finding, rows=finding.rows[:1])

    kind = replace(data_checks.types()[IN_RANGE[0]], function=overlooks)
    monkeypatch.setattr(
        "seclab.data_checks.engine.run",
        lambda table, suite: tuple(kind.function(table, **e.kwargs) for e in suite.expectations),
    )

    found = inspect(dataset, IN_RANGE, released=(5,))

    assert found.offenders == ((5, 9),)
    assert 9 in found.suspects()


def test_released_rows_leave_with_the_batches_they_arrived_in(digits):
    features, batches = digits.features.copy(), np.random.default_rng(0).permutation(1797) // 300
    wandering = np.flatnonzero((digits.labels == 3) & (batches > 2))
    features[wandering] = 0.4 * features[wandering] + 1.5 * batches[wandering, None]
    dataset = digits.with_rows(features.clip(0, 16), digits.labels)
    blamed = inspect(dataset, WANDERS, batches=batches).offenders[0]
    kept = np.setdiff1d(np.arange(1797), blamed)

    [result] = inspect(dataset, WANDERS, batches=batches, released=blamed).report.results
    [without] = inspect(dataset.take(kept), WANDERS, batches=batches[kept]).report.results

    assert 0 < kept.size < 1797
    assert result.explanation.endswith(f"found {without.observed}.")


@pytest.mark.parametrize("aside", [[1797, 1798], [3]])
def test_to_set_rows_aside_explains_their_change(digits, recorded, aside):
    more = digits.with_rows(
        np.vstack([digits.features, digits.features[:2] / 2]), np.append(digits.labels, [0, 1])
    )
    acquired = more if 1797 in aside else digits
    left = acquired.take(np.setdiff1d(np.arange(len(acquired)), aside))

    alone = inspect(left, UNEXPLAINED, baseline=recorded)
    explained = inspect(left, UNEXPLAINED, baseline=recorded, acquired=Rows.of(acquired))

    assert [r.status for r in explained.report.results] == [CheckStatus.PASSED]
    assert f"without the {len(aside)} set aside" in explained.report.results[0].observed
    # What was added shows without it; what was taken out of the recorded set does not pass.
    assert bool(alone.report.stopping()) is (aside == [3])


def test_a_row_that_was_altered_and_is_set_aside_leaves_recorded_rows_alone(digits, recorded):
    altered = too_bright(digits, 7)
    left = altered.take(np.delete(np.arange(1797), 7))

    found = inspect(left, UNEXPLAINED, baseline=recorded, acquired=Rows.of(altered))

    assert found.report.stopping() == ()


def test_a_set_that_was_altered_besides_does_not_pass_for_having_rows_set_aside(digits, recorded):
    altered = too_bright(digits, 7, 9)
    left = altered.take(np.delete(np.arange(1797), [0, 9]))

    found = inspect(left, UNEXPLAINED, baseline=recorded, acquired=Rows.of(altered))

    [result] = found.report.stopping()
    assert result.observed.endswith(", without the 2 set aside; 1 changed (rows 6)")
    assert result.rows == (6,)


def test_a_row_that_is_gone_is_not_explained_by_others_that_are_set_aside(digits, recorded):
    acquired = digits.take(np.arange(1, 1797))
    left = acquired.take(np.arange(1, 1796))

    found = inspect(left, UNEXPLAINED, baseline=recorded, acquired=Rows.of(acquired))

    [result] = found.report.stopping()
    assert result.observed.endswith("; 1 removed (rows 0)")


def test_a_change_that_nobody_declared_makes_no_row_suspected_and_cannot_be_released(
    digits, recorded
):
    """It wants a recorded version, not a look at the row: that it is harmless declares nothing."""
    found = inspect(too_bright(digits, 7), UNEXPLAINED, baseline=recorded, released=(7,))

    [result] = found.report.stopping()
    assert result.rows == (7,)
    assert found.suspects() == {}
    assert found.offenders == ((),)
