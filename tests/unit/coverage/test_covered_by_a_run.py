"""What one run has evidence about, and what it leaves alone."""

from dataclasses import replace

import pytest

from seclab.coverage import of_run
from tests.covering import row
from tests.runs import REGISTERS, finished, report, risk

EVADE, WHITE, BLACK, POISON = "AML.T0015", "AML.T0043.000", "AML.T0043.001", "AML.T0020"
MATRIX = (
    row("R-EVA-01", "evasion_linf", "robust_accuracy", EVADE),
    row("R-EVA-01", "evasion_linf", "clean_accuracy", WHITE),
    row("R-EVA-02", "random_noise", "robust_accuracy", BLACK),
    row("R-POI-02", "data_checks", "", POISON),
    row("R-PRV-01", "membership_inference", "auc", "AML.T0024.000"),
)
RISKS = {id_: risk(id_) for id_ in (*REGISTERS.risks, "R-PRV-01")}


@pytest.fixture
def covered_by(tmp_path):
    """Give what a run with these numbers covers, by risk."""

    def of(**how):
        thresholds = how.pop("thresholds", REGISTERS.thresholds)
        registers = replace(REGISTERS, risks=RISKS, matrix=MATRIX, thresholds=thresholds)
        made = finished(tmp_path, registers=registers, **how)
        found = of_run(
            registers,
            decision=made.assessment.decision,
            outcomes=made.outcomes,
            reports=made.reports,
        )
        assert found.registered == len(RISKS)
        return {each.id: each for each in found.risks}, found

    return of


def test_what_passed_is_there_and_what_was_not_measured_is_not(covered_by):
    risks, found = covered_by()

    assert {id_: each.state for id_, each in risks.items()} == dict.fromkeys(
        ("R-EVA-01", "R-EVA-02", "R-POI-02"), "passed"
    )
    assert found.silent == 1
    assert found.techniques == 4
    assert risks["R-POI-02"].techniques == {POISON: "passed"}


def test_a_technique_fails_by_its_own_row_and_not_by_that_of_its_risk(covered_by):
    risks, _ = covered_by(robust=0.3)

    assert risks["R-EVA-01"].state == "failed"
    assert risks["R-EVA-01"].techniques == {EVADE: "failed", WHITE: "passed"}
    assert risks["R-EVA-02"].state == "passed"


def test_what_broke_is_errored_and_what_no_criterion_judges_is_skipped(covered_by):
    risks, _ = covered_by(noise=None)
    assert risks["R-EVA-02"].state == "errored"
    assert risks["R-EVA-02"].techniques == {BLACK: "errored"}

    only_clean = tuple(each for each in REGISTERS.thresholds if each.id != "T-EVA-03")
    risks, _ = covered_by(thresholds=only_clean)
    assert risks["R-EVA-02"].state == "skipped"
    assert risks["R-EVA-02"].techniques == {BLACK: "skipped"}


def test_a_run_without_anything_covers_nothing(covered_by):
    _, found = covered_by(outcomes=(), reports=(), thresholds=())

    assert found.risks == ()
    assert found.silent == len(RISKS)


def test_a_check_that_failed_fails_its_technique(covered_by):
    failed = replace(report().results[0], status=report().results[1].status)
    risks, _ = covered_by(reports=(replace(report(), results=(failed,)),))

    assert risks["R-POI-02"].state == "failed"
    assert risks["R-POI-02"].techniques == {POISON: "failed"}
