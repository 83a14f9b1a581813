"""The gate given measurements, reports and criteria: what never opens it and what always shows."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from seclab.gate import Verdict, decide
from seclab.measurement import CheckStatus, Severity
from tests.properties.gate_cases import RANK, exchanged, nudged, rank, some
from tests.strategies import (
    SUBJECT,
    cases,
    check_reports,
    evaluated,
    fractions,
    thresholds,
    unevaluated,
)


@some
@given(case=cases(), share=fractions, data=st.data())
def test_a_better_measurement_never_makes_the_verdict_worse(case, share, data):
    assume(case.measurements)
    measured = data.draw(st.sampled_from(case.measurements))

    assert rank(exchanged(case, measured, nudged(measured, share))) >= rank(case)


@some
@given(case=cases(), data=st.data())
def test_more_certainty_never_makes_the_verdict_worse_where_the_worse_end_is_judged(case, data):
    assume(case.measurements)
    case = replace(case, thresholds=[replace(t, judged="pessimistic") for t in case.thresholds])
    measured = data.draw(st.sampled_from(case.measurements))

    assert rank(exchanged(case, measured, replace(measured, interval=None))) >= rank(case)


@some
@given(case=cases(reports=0), data=st.data())
def test_one_more_criterion_never_opens_the_gate(case, data):
    more = data.draw(thresholds(case.measurements))
    before = case.decide()
    after = replace(case, thresholds=[*case.thresholds, more]).decide()

    if before.verdict is Verdict.BLOCK:
        assert after.verdict is Verdict.BLOCK
    elif before.verdict is Verdict.NOT_EVALUATED and before.criteria[0].criterion != "criteria":
        assert after.verdict is not Verdict.PASS


@some
@given(case=cases())
def test_a_stricter_bound_never_opens_the_gate(case):
    strictest = [replace(t, bound=1.0 if t.kind == "at_least" else 0.0) for t in case.thresholds]

    assert rank(replace(case, thresholds=strictest)) <= rank(case)


@some
@given(case=cases(reports=0), more=check_reports)
def test_one_more_report_never_opens_what_was_blocked(case, more):
    after = replace(case, reports=[*case.reports, more]).decide().verdict

    assert after is Verdict.BLOCK or case.decide().verdict is not Verdict.BLOCK


@some
@given(case=cases(reports=0), data=st.data())
def test_order_decides_nothing(case, data):
    here = case.decide()
    shuffled = (
        data.draw(st.permutations(items))
        for items in (case.outcomes, case.reports, case.thresholds)
    )

    there = decide(SUBJECT, *shuffled)

    assert there.verdict is here.verdict
    assert there.risks() == here.risks()
    assert sorted(there.warnings) == sorted(here.warnings)
    assert sorted((r.criterion, r.verdict) for r in there.criteria) == sorted(
        (r.criterion, r.verdict) for r in here.criteria
    )


@some
@given(
    found=st.lists(unevaluated | evaluated(digest="sha256:bytes:other"), max_size=3),
    case=cases(),
    judged=st.lists(
        thresholds().map(lambda t: replace(t, subject="model")), min_size=1, max_size=3
    ),
)
def test_missing_errored_skipped_and_foreign_never_pass(found, case, judged):
    decision = decide(SUBJECT, found, case.reports, judged)

    assert decision.verdict is not Verdict.PASS
    named = {threshold.id for threshold in judged}
    assert {r.verdict for r in decision.criteria if r.criterion in named} == {Verdict.NOT_EVALUATED}


@some
@given(case=cases())
def test_without_any_report_no_model_passes(case):
    assert replace(case, reports=[]).decide().verdict is not Verdict.PASS


@some
@given(case=cases(reports=0))
def test_the_verdict_is_the_worst_of_the_criteria(case):
    decision = case.decide()

    assert decision.criteria
    assert decision.verdict is min((r.verdict for r in decision.criteria), key=RANK.get)


@some
@given(case=cases())
def test_behind_a_pass_every_measurement_is_within_every_bound_that_fits_it(case):
    passed = case.decide().verdict is Verdict.PASS

    for threshold in (t for t in case.thresholds if passed and t.subject == "model"):
        fitting = [
            {"value": m.value, "pessimistic": m.pessimistic, "optimistic": m.optimistic}
            for m in case.measurements
            if m.matches(threshold.evaluation, threshold.metric, threshold.parameters)
        ]
        assert fitting
        for ends in fitting:
            judged = ends[threshold.judged]
            within = judged >= threshold.bound, judged <= threshold.bound
            assert within[threshold.kind == "at_most"]


@some
@given(checked=st.lists(check_reports, min_size=1, max_size=3))
def test_a_failed_warning_blocks_nothing_and_is_always_told(checked):
    decision = decide(SUBJECT, [], checked, [])

    results = [(report, result) for report in checked for result in report.results]
    assert list(decision.warnings) == [
        f"{result.severity}: {report.suite}/{result.expectation}: {result.explanation}"
        for report, result in results
        if result.status is CheckStatus.FAILED and result.severity is not Severity.CRITICAL
    ]
    deciding = {
        result.status
        for _, result in results
        if result.severity is Severity.CRITICAL or result.status is CheckStatus.ERRORED
    }
    assert (decision.verdict is Verdict.BLOCK) is (CheckStatus.FAILED in deciding)
    assert (decision.verdict is Verdict.PASS) is (deciding == {CheckStatus.PASSED})


def test_the_cases_reach_every_verdict_often_enough():
    """A property that was only ever shown blocked gates would prove nothing."""
    seen = []

    @some
    @given(case=cases())
    def look(case):
        if case.thresholds:
            seen.append(case.decide().verdict)

    look()
    assert min(seen.count(verdict) for verdict in Verdict) >= 5
