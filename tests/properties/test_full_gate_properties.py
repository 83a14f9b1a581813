"""The gate given everything else too: requirements, effort, waivers and a champion."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seclab.gate import Comparison, Verdict, decide
from seclab.outcome import Evaluated
from seclab.registers import Waiver
from tests.properties.gate_cases import AT, RANK, exchanged, nudged, rank, some
from tests.strategies import (
    DIGEST,
    EVALUATIONS,
    SUBJECT,
    Case,
    cases,
    evaluated,
    fractions,
    thresholds,
)

OTHER = "sha256:bytes:" + "c" * 64


@dataclass(frozen=True)
class FullCase(Case):
    """A case with everything else that a gate may be given."""

    required: list
    waivers: list
    champion: Comparison | None

    def decide(self):
        return decide(
            SUBJECT,
            self.outcomes,
            self.reports,
            self.thresholds,
            required=self.required,
            waivers=self.waivers,
            champion=self.champion,
            at=AT,
        )


@st.composite
def grown(draw, threshold):
    """The criterion, maybe asking for samples, effort and no loss, maybe for that alone."""
    loss = draw(st.none() | fractions)
    alone = loss is not None and draw(st.booleans())
    return replace(
        threshold,
        kind=None if alone else threshold.kind,
        bound=None if alone else threshold.bound,
        worse_than_champion_by=loss,
        least_n=draw(st.sampled_from([0, 0, 0, 20, 250])),
        effort=draw(st.sampled_from([{}, {}, {"samples": 10.0}, {"samples": 11.0}])),
    )


@st.composite
def waivers_for(draw, criteria):
    """A waiver that mostly fits one of the criteria, given as (id, risk)."""
    criterion, risk = draw(st.sampled_from(criteria))
    return Waiver(
        id=f"W-{draw(st.integers(0, 99)):03}",
        risk=draw(st.sampled_from([*[risk] * 5, "R-EVA-01"])),
        criterion=draw(st.sampled_from([*[criterion] * 5, "T-EVA-50"])),
        model=draw(st.sampled_from([*[SUBJECT.name] * 5, "mlp"])),
        reason="it is behind a login",
        owner="Ann",
        approver="Bob",
        until=AT.date() + timedelta(days=draw(st.sampled_from([-1, 0, 0, 30]))),
    )


@st.composite
def champions(draw, measured):
    """No champion, or one of other measurements, mostly of the same numbers."""
    theirs = [
        m for o in draw(st.lists(evaluated(digest=OTHER), max_size=2)) for m in o.measurements
    ]
    theirs += [
        replace(m, subject_digest=OTHER, value=draw(fractions), interval=None)
        for m in measured
        if draw(st.booleans())
    ]
    data = draw(st.sampled_from([DIGEST, DIGEST, "sha256:rows-ordered/1:ff"]))
    theirs = tuple(replace(m, dataset_digest=data) for m in theirs)
    champion = Comparison("f00d", "sha256:rfc8785:77", "3", theirs)
    return draw(st.sampled_from([None, champion, champion]))


@st.composite
def full_cases(draw, *, reports=1):
    """Cases that use everything; their waivers are mostly of criteria that block."""
    case = draw(cases(reports=reports))
    criteria = [draw(grown(threshold)) for threshold in case.thresholds]
    full = FullCase(
        outcomes=case.outcomes,
        reports=case.reports,
        thresholds=criteria,
        required=draw(st.lists(st.sampled_from(EVALUATIONS), max_size=1)),
        waivers=[],
        champion=draw(champions(case.measurements)),
    )
    blocking = [
        (result.criterion, result.risks[0])
        for result in full.decide().criteria
        if result.verdict is Verdict.BLOCK and result.risks
    ]
    anything = [(threshold.id, threshold.risk) for threshold in criteria]
    waivers = draw(st.lists(waivers_for(blocking * 3 + anything), max_size=3))
    return replace(full, waivers=waivers)


@some
@given(case=cases())
def test_what_is_left_out_changes_nothing(case):
    assert case.decide() == decide(
        SUBJECT,
        case.outcomes,
        case.reports,
        case.thresholds,
        required=[],
        waivers=[],
        champion=None,
        at=AT,
    )


@some
@given(case=full_cases(), share=fractions, data=st.data())
def test_a_better_measurement_never_turns_a_pass_into_a_block(case, share, data):
    assume(case.measurements)
    measured = data.draw(st.sampled_from(case.measurements))

    assert rank(exchanged(case, measured, nudged(measured, share))) >= rank(case)


@some
@given(case=full_cases(reports=0), data=st.data())
def test_one_more_criterion_of_any_kind_never_unblocks(case, data):
    more = data.draw(thresholds(case.measurements).flatmap(grown))
    before = case.decide()
    after = replace(case, thresholds=[*case.thresholds, more]).decide()

    if before.verdict is Verdict.BLOCK:
        assert after.verdict is Verdict.BLOCK
    elif before.verdict is Verdict.NOT_EVALUATED and "criteria" not in {
        r.criterion for r in before.criteria
    }:
        assert after.verdict is not Verdict.PASS


@some
@given(case=full_cases(), name=st.sampled_from(EVALUATIONS))
def test_one_more_requirement_never_opens_the_gate(case, name):
    assert rank(replace(case, required=[*case.required, name])) <= rank(case)


@some
@given(case=full_cases(), least=st.integers(0, 500), effort=st.integers(1, 20))
def test_asking_for_more_samples_or_effort_never_lets_anything_pass(case, least, effort):
    harder = [
        replace(
            t,
            least_n=max(t.least_n, least),
            effort={"samples": max(effort, t.effort.get("samples", 0.0))},
        )
        for t in case.thresholds
    ]
    before, after = case.decide(), replace(case, thresholds=harder).decide()

    assert before.verdict is Verdict.PASS or after.verdict is not Verdict.PASS


@some
@given(case=full_cases(reports=0), data=st.data())
def test_no_order_of_anything_decides(case, data):
    here = case.decide()
    champion = case.champion
    if champion:
        order = data.draw(st.permutations(champion.measurements))
        champion = replace(champion, measurements=tuple(order))
    there = FullCase(
        *(
            data.draw(st.permutations(items))
            for items in (
                case.outcomes,
                case.reports,
                case.thresholds,
                case.required,
                case.waivers,
            )
        ),
        champion,
    ).decide()

    assert (there.verdict, there.headline) == (here.verdict, here.headline)
    assert there.risks() == here.risks()
    assert sorted((r.criterion, r.verdict, r.waiver) for r in there.criteria) == sorted(
        (r.criterion, r.verdict, r.waiver) for r in here.criteria
    )


@some
@given(case=full_cases())
def test_behind_a_pass_everything_that_fits_is_strong_enough_and_within_its_limits(case):
    decision = case.decide()
    waived = {result.criterion for result in decision.waived}
    asked = [t for t in case.thresholds if t.subject == "model" and t.id not in waived]

    for threshold in asked if decision.verdict is Verdict.PASS else []:
        fitting = [
            (o, m)
            for o in case.outcomes
            if isinstance(o, Evaluated)
            for m in o.measurements
            if m.matches(threshold.evaluation, threshold.metric, threshold.parameters)
        ]
        assert fitting
        for outcome, m in fitting:
            assert m.n >= threshold.least_n
            assert outcome.parameters["samples"] >= threshold.effort.get("samples", 0.0)
            if threshold.worse_than_champion_by is not None and case.champion:
                theirs = [
                    c
                    for c in case.champion.measurements
                    if (c.evaluation, c.metric, c.parameters)
                    == (m.evaluation, m.metric, m.parameters)
                ]
                assert theirs
                for c in theirs:
                    assert c.dataset_digest == m.dataset_digest
                    loss = c.value - m.value if m.better == "higher" else m.value - c.value
                    assert loss <= threshold.worse_than_champion_by + 1e-9


@some
@given(case=full_cases())
def test_a_waiver_affects_only_its_own_criterion_subject_and_date(case):
    plain, waived = replace(case, waivers=[]).decide(), case.decide()
    own = {
        (w.criterion, w.risk)
        for w in case.waivers
        if w.model == SUBJECT.name and w.until >= AT.date()
    }

    def numbers(decision):
        return sorted(repr((r.criterion, r.verdict, r.value, r.judged)) for r in decision.criteria)

    assert numbers(waived) == numbers(plain)
    for result in waived.waived:
        assert result.verdict is Verdict.BLOCK
        assert (result.criterion, *result.risks) in own
    deciding = [r.verdict for r in waived.criteria if not r.waiver]
    assert waived.verdict is min(deciding, key=RANK.get, default=Verdict.PASS)


@some
@given(case=full_cases())
def test_no_waiver_opens_what_was_not_evaluated(case):
    plain = replace(case, waivers=[]).decide()
    assume(plain.of(Verdict.NOT_EVALUATED))

    assert case.decide().verdict is not Verdict.PASS


@some
@given(case=full_cases(), until=st.dates(date(2026, 6, 10), date(2026, 6, 20)))
def test_a_waiver_counts_to_its_last_day_and_is_named_after_it(case, until):
    case = replace(case, waivers=[replace(w, until=until) for w in case.waivers])
    decision = case.decide()

    if until < AT.date():
        assert decision.verdict is replace(case, waivers=[]).decide().verdict
        assert decision.waived == ()
        for result in decision.criteria:
            fits = any(
                (w.criterion, w.model) == (result.criterion, SUBJECT.name)
                and w.risk in result.risks
                for w in case.waivers
            )
            told = f"expired on {until}" in result.reason
            assert told is (fits and result.verdict is not Verdict.PASS)


def test_the_full_cases_reach_waivers_champions_and_every_verdict():
    """Without them, the properties above would hold of nothing."""
    seen, waived, compared, weak = [], 0, 0, 0

    @settings(max_examples=600, derandomize=True)
    @given(case=full_cases())
    def look(case):
        nonlocal waived, compared, weak
        decision = case.decide()
        seen.append(decision.verdict)
        waived += bool(decision.waived)
        text = " ".join(result.reason for result in decision.criteria)
        compared += "is allowed" in text
        weak += "proves too little" in text

    look()
    assert min(seen.count(verdict) for verdict in Verdict) >= 3
    assert min(waived, compared, weak) >= 1
