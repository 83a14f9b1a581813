import itertools
import math
from dataclasses import replace

import pytest

from seclab.gate import CriterionResult, Decision, Verdict, clean_accuracy, decide, explain, overall
from seclab.measurement import CheckStatus, Severity
from seclab.outcome import Missing
from tests.unit.gate.making import (
    AGENT,
    DATASET,
    INJECTED,
    LEAK,
    MODEL,
    ROBUST,
    checked,
    did_not,
    measured,
    ran,
)


def _decide(*outcomes, subject=MODEL, reports=None, thresholds=(ROBUST,)):
    return decide(subject, outcomes, [checked()] if reports is None else reports, thresholds)


def _criterion(decision, name="T-EVA-01"):
    (found,) = (result for result in decision.criteria if result.criterion == name)
    return found


@pytest.mark.parametrize(
    ("threshold", "judged", "expected"),
    [
        (ROBUST, "pessimistic", Verdict.BLOCK),
        (ROBUST, "value", Verdict.PASS),
        (ROBUST, "optimistic", Verdict.PASS),
        (replace(ROBUST, bound=0.65), "value", Verdict.PASS),
        (replace(ROBUST, bound=0.66), "value", Verdict.BLOCK),
        (replace(ROBUST, bound=0.66), "optimistic", Verdict.PASS),
        (replace(ROBUST, bound=0.71), "optimistic", Verdict.BLOCK),
        (LEAK, "pessimistic", Verdict.PASS),
        (replace(LEAK, bound=0.69), "pessimistic", Verdict.BLOCK),
        (replace(LEAK, bound=0.65), "value", Verdict.PASS),
        (replace(LEAK, bound=0.64), "value", Verdict.BLOCK),
        (replace(LEAK, bound=0.59), "optimistic", Verdict.PASS),
        (replace(LEAK, bound=0.58), "optimistic", Verdict.BLOCK),
    ],
)
def test_a_criterion_is_judged_at_the_end_it_names(threshold, judged, expected):
    threshold = replace(threshold, judged=judged)
    reading = measured(0.65, low=0.59, high=0.7, threshold=threshold)

    decision = _decide(ran(reading), thresholds=[threshold])

    found = _criterion(decision, threshold.id)
    assert found.verdict is decision.verdict is expected
    assert (found.value, found.bound, found.risks) == (0.65, threshold.bound, (threshold.risk,))
    ends = {"value": 0.65, "pessimistic": reading.pessimistic, "optimistic": reading.optimistic}
    assert found.judged == ends[judged]


@pytest.mark.parametrize("threshold", [ROBUST, LEAK])
def test_the_bound_itself_passes_and_the_next_number_does_not(threshold):
    beyond = math.nextafter(threshold.bound, 0.0 if threshold.kind == "at_least" else 1.0)

    at, past = (
        _decide(ran(measured(value, threshold=threshold)), thresholds=[threshold]).verdict
        for value in (threshold.bound, beyond)
    )

    assert (at, past) == (Verdict.PASS, Verdict.BLOCK)


@pytest.mark.parametrize("threshold", [ROBUST, LEAK])
def test_a_value_that_is_no_number_blocks(threshold):
    reading = measured(math.nan, threshold=threshold)

    assert _decide(ran(reading), thresholds=[threshold]).verdict is Verdict.BLOCK


@pytest.mark.parametrize("values", [(0.9, math.nan), (math.nan, 0.9), (0.9, math.nan, 0.8)])
def test_a_value_that_is_no_number_cannot_hide_among_others(values):
    outcome = ran(*(measured(value) for value in values))

    assert _decide(outcome).verdict is Verdict.BLOCK


@pytest.mark.parametrize("missing", list(Missing))
def test_what_did_not_run_to_its_end_is_not_evaluated_and_says_why(missing):
    decision = _decide(did_not(missing))

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert _criterion(decision).reason == f"evasion_linf was {missing}: it broke"
    assert _criterion(decision).value is None


def test_what_was_not_run_is_not_evaluated():
    decision = _decide()

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert _criterion(decision).reason == "evasion_linf was not run"


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "sha256:bytes:another-model"},
        {"metric": "clean_accuracy"},
        {"evaluation": "random_noise"},
        {"parameters": {}},
        {"parameters": {"epsilon": 0.2}},
        {"parameters": {"epsilon": "0.1"}},
    ],
)
def test_other_measurements_do_not_count(changes):
    outcome = ran(measured(1.0, **changes), evaluation="evasion_linf")

    decision = _decide(outcome)

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert _criterion(decision).reason == (
        "evasion_linf ran, but did not measure robust_accuracy (epsilon=0.1)"
    )


def test_of_several_measurements_that_fit_the_worst_is_judged():
    outcomes = [
        measured(value, parameters={"epsilon": 0.1, "noise": kind})
        for kind, value in (("sign", 0.9), ("uniform", 0.3), ("gauss", 0.8))
    ]

    decision = _decide(ran(*outcomes))

    assert decision.verdict is Verdict.BLOCK
    assert _criterion(decision).measured == "robust_accuracy (epsilon=0.1, noise=uniform)"


def test_of_several_that_pass_the_one_nearest_to_the_bound_is_told():
    outcomes = [
        measured(value, parameters={"epsilon": 0.1, "noise": kind})
        for kind, value in (("sign", 0.9), ("uniform", 0.61), ("gauss", 0.8))
    ]

    assert _criterion(_decide(ran(*outcomes))).value == 0.61


def test_a_second_measurement_cannot_hide_the_first():
    assert _decide(ran(measured(0.1)), ran(measured(1.0))).verdict is Verdict.BLOCK
    assert _decide(did_not(Missing.ERRORED), ran(measured(1.0))).verdict is Verdict.PASS


def test_criteria_for_another_kind_of_subject_are_left_out():
    decision = _decide(ran(measured(1.0)), thresholds=[ROBUST, INJECTED])

    assert [result.criterion for result in decision.criteria] == [
        "T-EVA-01",
        "check:rows_are_unique",
    ]


def test_a_model_on_unchecked_data_is_not_evaluated():
    decision = _decide(ran(measured(1.0)), reports=[])

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert _criterion(decision, "checks").reason == "the data was not checked"


def test_an_agent_rests_on_no_dataset():
    reading = measured(0.0, threshold=INJECTED, digest=AGENT.digest)

    decision = _decide(ran(reading), subject=AGENT, reports=[], thresholds=[INJECTED])

    assert decision.verdict is Verdict.PASS


def test_a_dataset_is_judged_by_its_checks_alone():
    passed, failed = (
        _decide(subject=DATASET, reports=[checked(status)], thresholds=[ROBUST, INJECTED])
        for status in (CheckStatus.PASSED, CheckStatus.FAILED)
    )

    assert (passed.verdict, failed.verdict) == (Verdict.PASS, Verdict.BLOCK)
    assert [result.criterion for result in failed.criteria] == ["check:rows_are_unique"]


@pytest.mark.parametrize("subject", [AGENT, DATASET, MODEL])
def test_having_no_criterion_at_all_is_no_pass(subject):
    assert _decide(subject=subject, reports=[], thresholds=[]).verdict is Verdict.NOT_EVALUATED


def test_an_agent_without_criteria_is_told_so():
    decision = _decide(subject=AGENT, reports=[], thresholds=[ROBUST])

    assert _criterion(decision, "criteria").reason == "no criterion applies to it"


@pytest.mark.parametrize(
    ("severity", "status", "verdict", "warned"),
    [
        (Severity.CRITICAL, CheckStatus.PASSED, Verdict.PASS, False),
        (Severity.CRITICAL, CheckStatus.FAILED, Verdict.BLOCK, False),
        (Severity.CRITICAL, CheckStatus.ERRORED, Verdict.NOT_EVALUATED, False),
        (Severity.WARNING, CheckStatus.PASSED, Verdict.PASS, False),
        (Severity.WARNING, CheckStatus.FAILED, Verdict.PASS, True),
        (Severity.WARNING, CheckStatus.ERRORED, Verdict.NOT_EVALUATED, False),
        (Severity.INFO, CheckStatus.PASSED, Verdict.PASS, False),
        (Severity.INFO, CheckStatus.FAILED, Verdict.PASS, True),
        (Severity.INFO, CheckStatus.ERRORED, Verdict.NOT_EVALUATED, False),
    ],
)
def test_only_critical_checks_and_errors_decide_and_the_other_failures_are_listed(
    severity, status, verdict, warned
):
    decision = _decide(ran(measured(1.0)), reports=[checked(status, severity)])

    assert decision.verdict is verdict
    expected = (f"{severity}: digits/rows_are_unique: no row stands twice",) if warned else ()
    assert decision.warnings == expected


def test_the_verdict_per_risk_is_the_worst_of_its_criteria():
    other = replace(ROBUST, id="T-EVA-02", bound=0.99)
    decision = _decide(
        ran(measured(0.9)),
        thresholds=[ROBUST, other, LEAK],
        reports=[checked(risks=("R-POI-02", "R-POI-04")), checked(CheckStatus.ERRORED, name="b")],
    )

    assert decision.risks() == {
        "R-EVA-01": Verdict.BLOCK,
        "R-PRV-01": Verdict.NOT_EVALUATED,
        "R-POI-02": Verdict.NOT_EVALUATED,
        "R-POI-04": Verdict.PASS,
    }


def test_failures_come_first_then_what_is_missing_then_what_passed():
    blocked = replace(ROBUST, id="T-EVA-09", bound=1.0)

    decision = _decide(ran(measured(0.9)), thresholds=[ROBUST, LEAK, blocked])

    assert [(result.criterion, result.verdict) for result in decision.criteria] == [
        ("T-EVA-09", Verdict.BLOCK),
        ("T-PRV-01", Verdict.NOT_EVALUATED),
        ("T-EVA-01", Verdict.PASS),
        ("check:rows_are_unique", Verdict.PASS),
    ]
    assert [result.criterion for result in decision.of(Verdict.BLOCK)] == ["T-EVA-09"]


def test_the_reason_says_what_was_measured_and_what_is_required():
    decision = _decide(ran(measured(0.65, low=0.5512, high=0.7)))

    assert _criterion(decision).reason == (
        "robust_accuracy (epsilon=0.1) is 0.551 at the pessimistic end (measured 0.65, n=100); "
        "at least 0.6 is required"
    )


@pytest.mark.parametrize(
    "kinds",
    [
        kinds
        for length in range(4)
        for kinds in itertools.combinations_with_replacement(("model", "agent", "dataset"), length)
    ],
)
def test_the_verdict_over_everything_follows_its_definition(kinds):
    for verdicts in itertools.product(Verdict, repeat=len(kinds)):
        pairs = list(zip(kinds, verdicts, strict=True))
        models = [verdict for kind, verdict in pairs if kind == "model"]
        if not pairs or Verdict.NOT_EVALUATED in verdicts:
            expected = Verdict.NOT_EVALUATED
        elif any(v is Verdict.BLOCK for kind, v in pairs if kind != "model"):
            expected = Verdict.BLOCK
        else:
            expected = Verdict.PASS if Verdict.PASS in models or not models else Verdict.BLOCK
        for order in itertools.permutations(pairs):
            assert overall(iter(order)) is expected


def test_models_are_ranked_by_their_clean_accuracy():
    outcome = ran(
        measured(0.7, metric="clean_accuracy", parameters={}),
        measured(0.99, metric="clean_accuracy", parameters={"poison_rate": 0.02}),
        measured(0.98),
    )

    assert clean_accuracy([outcome, did_not(Missing.ERRORED)]) == 0.7
    assert clean_accuracy([did_not(Missing.SKIPPED)]) < 0.0


def test_an_explanation_gives_the_verdict_then_every_reason():
    decision = _decide(
        ran(measured(0.9)),
        thresholds=[ROBUST, LEAK, replace(ROBUST, id="T-EVA-09", bound=1.0)],
        reports=[checked(), checked(CheckStatus.FAILED, Severity.WARNING, name="balanced")],
    )

    lines = explain(decision).splitlines()

    assert lines[0] == "BLOCK  model mlp"
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Blocked by:", "Could not be evaluated:", "Passed:", "Warnings:"]
    for result in decision.criteria:
        assert f"  {result.criterion} ({', '.join(result.risks)}): {result.reason}" in lines
    assert lines[-1] == "  warning: digits/balanced: no row stands twice"


def test_an_explanation_leaves_out_what_there_is_none_of():
    alone = CriterionResult("criteria", (), Verdict.NOT_EVALUATED, "no criterion", "criteria")

    text = explain(Decision(AGENT, Verdict.NOT_EVALUATED, (alone,)))

    assert text == (
        "NOT_EVALUATED  agent support-agent\nCould not be evaluated:\n  criteria (-): no criterion"
    )
