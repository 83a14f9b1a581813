"""Great Expectations fails open in places. Each of them is an error here, never a pass."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations import registry
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab import data_checks, datasets
from seclab.data_checks import engine
from seclab.data_checks.frames import to_frame, to_table
from seclab.data_checks.suites import Expectation, Suite
from seclab.data_checks.table import Broken, Finding, Table, of_dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import of_json
from seclab.measurement import CheckStatus, Severity

ROOT = Path(__file__).parents[3]
BASELINE = "expect_changes_to_be_explained"


def suite_of(*entries):
    expectations = tuple(
        Expectation(name, kwargs, Severity.INFO, ("R-POI-04",)) for name, kwargs in entries
    )
    return Suite("made", of_json([name for name, _ in entries]), expectations)


def errored(report):
    return {r.expectation: r for r in report.results if r.status is CheckStatus.ERRORED}


def test_without_a_baseline_its_check_is_errored_and_the_others_are_not(digits, digits_suite):
    report = data_checks.check(digits, digits_suite, baseline=None)

    (result,) = errored(report).values()
    assert result.expectation == BASELINE
    assert "NotEvaluated: no version of this dataset is recorded" in result.explanation
    assert report.stopping() == (result,)
    assert sum(r.status is CheckStatus.PASSED for r in report.results) == 7


def test_splits_of_other_names_are_not_the_expected_ones(digits):
    suite = suite_of(("expect_splits_to_be_disjoint", {"splits": ["train", "test"]}))

    (result,) = data_checks.check_splits(datasets.split(digits, seed=0), suite).results

    assert result.status is CheckStatus.FAILED
    assert result.observed == (
        "0 shared contents; the splits are population, test, train, validation"
    )


def test_an_exception_inside_a_check_makes_it_errored_whatever_its_severity(digits):
    suite = suite_of(
        ("expect_features_to_be_finite", {}),
        ("expect_features_to_be_in_range", {"low": 16.0, "high": 0.0}),
        (BASELINE, {}),
    )

    report = data_checks.check(digits, suite, baseline="not a baseline")

    assert [r.status for r in report.results] == [
        CheckStatus.PASSED,
        CheckStatus.ERRORED,
        CheckStatus.ERRORED,
    ]
    assert "Misconfigured: the range 16 to 0 is empty" in report.results[1].explanation
    assert "AttributeError: 'str' object has no attribute" in report.results[2].explanation
    assert report.stopping() == report.results[1:]


def test_suites_for_splits_and_for_datasets_do_not_mix(digits, splits_suite):
    report = data_checks.check(digits, splits_suite, baseline=None)

    assert len(errored(report)) == len(report.results) == 2
    assert "these rows are not split" in report.results[0].explanation


def test_a_batch_that_cannot_be_read_makes_every_check_errored(
    digits, digits_suite, recorded, monkeypatch
):
    def broken(frame):
        raise OSError(f"no {frame.shape}")

    monkeypatch.setattr(engine, "to_table", broken)

    report = data_checks.check(digits, digits_suite, baseline=recorded)

    assert len(errored(report)) == len(digits_suite.expectations)
    assert all("no (1797, 65)" in result.explanation for result in report.results)


def test_an_exception_in_great_expectations_makes_every_check_errored(
    digits, digits_suite, recorded, monkeypatch
):
    def broken(**_):
        raise RuntimeError("out of order")

    monkeypatch.setattr(engine.gx, "get_context", broken)

    report = data_checks.check(digits, digits_suite, baseline=recorded)

    assert len(errored(report)) == len(digits_suite.expectations)
    assert all("RuntimeError: out of order" in result.explanation for result in report.results)


def test_an_expectation_that_great_expectations_drops_is_misconfigured(
    digits, digits_suite, recorded, monkeypatch
):
    monkeypatch.delitem(registry._registered_expectations, "expect_rows_to_be_unique")

    with pytest.raises(Misconfigured, match=r"dropped expectations\[5\], expect_rows_to_be_uniq"):
        data_checks.check(digits, digits_suite, baseline=recorded)


def test_an_expectation_that_is_not_answered_is_errored(
    digits, digits_suite, recorded, monkeypatch
):
    native = engine._native

    def shortened(suite):
        taken = native(suite)
        del taken.expectations[2]
        return taken

    monkeypatch.setattr(engine, "_native", shortened)

    report = data_checks.check(digits, digits_suite, baseline=recorded)

    (result,) = errored(report).values()
    assert result is report.results[2]
    assert "left it out" in result.explanation


@pytest.mark.parametrize("success", [None, "yes", 1])
def test_a_result_that_is_neither_true_nor_false_is_no_finding(success):
    details = {"expected": "y", "rows": [], "patterns": []}
    answer = ExpectationValidationResult(
        success=True, result={"observed_value": "x", "details": details}
    )
    assert engine._answer(answer) == Finding(holds=True, expected="y", found="x")

    answer.success = success

    assert engine._answer(answer) == Broken("it gave no finding")


def test_an_empty_suite_made_by_hand_is_refused(digits):
    with pytest.raises(Misconfigured, match="nothing was checked"):
        data_checks.check(digits, suite_of(), baseline=None)


def test_an_unknown_type_in_a_suite_made_by_hand_is_refused(digits):
    suite = suite_of(("expect_features_to_be_finite", {}), ("expect_nothing_bad", {}))

    with pytest.raises(Misconfigured, match=r"dropped expectations\[1\], expect_nothing_bad"):
        data_checks.check(digits, suite, baseline=None)


def test_a_wrong_keyword_in_a_suite_made_by_hand_passes_nothing(digits):
    suite = suite_of(("expect_features_to_be_finite", {"mostly": 0.5}))

    (result,) = data_checks.check(digits, suite, baseline=None).results

    assert result.status is CheckStatus.ERRORED
    assert "extra fields not permitted" in result.explanation


def test_great_expectations_missing_is_said_with_what_to_install(digits, digits_suite, monkeypatch):
    monkeypatch.delitem(sys.modules, "seclab.data_checks.engine")
    monkeypatch.setitem(sys.modules, "great_expectations", None)

    with pytest.raises(Misconfigured, match=r"pip install '\.\[pipeline\]' in a checkout"):
        data_checks.check(digits, digits_suite, baseline=None)


def test_checks_in_several_threads_do_not_mix(digits, digits_suite, recorded):
    features = digits.features.copy()
    features[3, 3] = 99.0
    bright = digits.with_rows(features, digits.labels)

    with ThreadPoolExecutor(4) as pool:
        reports = list(
            pool.map(
                lambda dataset: data_checks.check(dataset, digits_suite, baseline=recorded),
                [digits, bright] * 4,
            )
        )

    assert all(not report.stopping() for report in reports[::2])
    assert all(report == reports[1] for report in reports[1::2])
    assert [r.expectation for r in reports[1].stopping()] == [
        "expect_features_to_be_in_range",
        BASELINE,
    ]


@pytest.mark.slow
def test_a_check_in_a_worker_thread_is_quiet_and_writes_no_file(tmp_path):
    code = f"""
import threading
from dataclasses import replace
from pathlib import Path
from seclab import data_checks, datasets
from seclab.errors import Misconfigured

suite = data_checks.load_suite(Path({str(ROOT)!r}) / "expectations" / "digits.json")
reports = []
work = lambda: reports.append(data_checks.check(datasets.digits(), suite, baseline=None))
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert [r.status for r in reports[0].results] == ["passed"] * 7 + ["errored"] + ["passed"] * 5
unknown = replace(suite.expectations[0], type="expect_nothing_bad")
try:
    data_checks.check(datasets.digits(), replace(suite, expectations=(unknown,)), baseline=None)
except Misconfigured:
    pass
"""
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


names = st.sampled_from(["label", "split", "a", "a ", "", "pixel_0_0"])


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_table_comes_back_from_its_frame_whatever_its_columns_are_called(data):
    width, height = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    table = Table(
        features=rng.choice([0.0, -0.0, np.nan, np.inf, 1.5], size=(height, width)),
        labels=rng.integers(-2, 3, size=height),
        splits=data.draw(st.sampled_from([None, np.array(["train"] * height, dtype=object)])),
        feature_names=tuple(data.draw(st.lists(names, min_size=width, max_size=width))),
        class_names=("a", "b"),
        feature_range=(0.0, 1.0),
        image_shape=None,
        baseline=None,
    )

    back = to_table(to_frame(table))

    assert back.features.tobytes() == table.features.tobytes()
    assert back.features.dtype == table.features.dtype
    assert back.labels.tolist() == table.labels.tolist()
    assert (back.splits is None) == (table.splits is None)
    assert back.feature_names == table.feature_names
    assert (back.class_names, back.feature_range) == (table.class_names, table.feature_range)


@given(row=st.integers(0, 1796), column=st.integers(0, 63), copy_of=st.integers(0, 1796))
@settings(max_examples=25, deadline=None)
def test_any_altered_or_copied_row_is_noticed(digits, recorded, row, column, copy_of):
    known = data_checks.types()
    features = digits.features.copy()
    features[row, column] += 0.25
    altered = of_dataset(digits.with_rows(features, digits.labels), recorded)
    rows = np.append(np.arange(len(digits)), copy_of)
    copied = of_dataset(digits.take(rows), recorded)

    finding = known[BASELINE].function(altered)
    copies = known["expect_rows_to_be_unique"].function(copied)

    assert not finding.holds
    assert finding.found.endswith(f"; 1 changed (rows {row})")
    assert finding.rows == (row,)
    assert (copies.holds, copies.rows) == (False, (1797,))
