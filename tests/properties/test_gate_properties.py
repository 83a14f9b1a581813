from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seclab.gate import Approval, Comparison, Conditions, Verdict, admit, decide
from seclab.measurement import CheckStatus, Severity
from seclab.outcome import Evaluated
from seclab.registers import APPROVERS, Tier, Waiver
from tests.strategies import (
    DIGEST,
    EVALUATIONS,
    SUBJECT,
    Case,
    cases,
    check_reports,
    evaluated,
    fractions,
    thresholds,
    unevaluated,
)

# Drawing a whole case takes a while; what matters is that all verdicts are among them.
some = settings(max_examples=50)
RANK = {Verdict.BLOCK: 0, Verdict.NOT_EVALUATED: 1, Verdict.PASS: 2}


def _rank(case):
    return RANK[case.decide().verdict]


def _with(case, measured, better):
    """The case with one measurement exchanged for a better one."""
    return replace(
        case,
        outcomes=[
            replace(o, measurements=tuple(better if m is measured else m for m in o.measurements))
            if isinstance(o, Evaluated)
            else o
            for o in case.outcomes
        ],
    )


def _nudged(measurement, share):
    """The measurement, better for the defender by a share of what is left."""
    target = 1.0 if measurement.better == "higher" else 0.0

    def better(value):
        return value + share * (target - value)

    interval = measurement.interval
    if interval is not None:
        interval = replace(interval, low=better(interval.low), high=better(interval.high))
    return replace(measurement, value=better(measurement.value), interval=interval)


@some
@given(case=cases(), share=fractions, data=st.data())
def test_a_better_measurement_never_makes_the_verdict_worse(case, share, data):
    assume(case.measurements)
    measured = data.draw(st.sampled_from(case.measurements))

    assert _rank(_with(case, measured, _nudged(measured, share))) >= _rank(case)


@some
@given(case=cases(), data=st.data())
def test_more_certainty_never_makes_the_verdict_worse_where_the_worse_end_is_judged(case, data):
    assume(case.measurements)
    case = replace(case, thresholds=[replace(t, judged="pessimistic") for t in case.thresholds])
    measured = data.draw(st.sampled_from(case.measurements))

    assert _rank(_with(case, measured, replace(measured, interval=None))) >= _rank(case)


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

    assert _rank(replace(case, thresholds=strictest)) <= _rank(case)


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


AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
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
    """A waiver that mostly fits one of the criteria."""
    like = draw(st.sampled_from(criteria))
    return Waiver(
        id=f"W-{draw(st.integers(0, 99)):03}",
        risk=draw(st.sampled_from([*[like.risk] * 5, "R-EVA-01"])),
        criterion=draw(st.sampled_from([*[like.id] * 5, "T-EVA-50"])),
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
    return draw(st.sampled_from([None, Comparison("f00d", "sha256:rfc8785:77", "3", theirs)]))


@st.composite
def full_cases(draw, *, reports=1):
    """Cases that use everything."""
    case = draw(cases(reports=reports))
    criteria = [draw(grown(threshold)) for threshold in case.thresholds]
    return FullCase(
        outcomes=case.outcomes,
        reports=case.reports,
        thresholds=criteria,
        required=draw(st.lists(st.sampled_from(EVALUATIONS), max_size=1)),
        waivers=draw(st.lists(waivers_for(criteria), max_size=3)),
        champion=draw(champions(case.measurements)),
    )


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

    assert _rank(_with(case, measured, _nudged(measured, share))) >= _rank(case)


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
    assert _rank(replace(case, required=[*case.required, name])) <= _rank(case)


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


@dataclass(frozen=True)
class Signature:
    """What a checked signature looks like from the gate."""

    keyid: str
    role: str
    owner: str
    problem: str


approvals = st.builds(
    Approval,
    role=st.sampled_from(APPROVERS),
    keyid=st.sampled_from(["k1", "k2", "k3", "k4"]),
    owner=st.just("Ann"),
    bundle=st.sampled_from(["b", "b", "b", "another"]),
    at=st.sampled_from([AT - timedelta(hours=1), AT + timedelta(hours=1)]),
    problem=st.sampled_from(["", "", "", "revoked"]),
)
tiers = st.builds(
    Tier,
    name=st.just("high"),
    signature=st.booleans(),
    clean_tree=st.booleans(),
    approvals=st.lists(st.sampled_from(APPROVERS), unique=True, max_size=3).map(tuple),
    oldest_days=st.integers(1, 60),
    evaluations=st.just(()),
    force=st.just(False),
)
conditions = st.builds(
    Conditions,
    bundle=st.just("b"),
    finished=st.integers(-2, 40).map(lambda days: AT - timedelta(days=days)),
    signed=st.none()
    | st.builds(
        Signature,
        keyid=st.just("p1"),
        role=st.just("pipeline"),
        owner=st.just("CI"),
        problem=st.sampled_from(["", "", "wrong"]),
    ),
    clean=st.sampled_from([True, True, False, None]),
    approvals=st.lists(approvals, max_size=6).map(tuple),
    ledger=st.sampled_from([(), (), ("a gap",), None]),
)


def _good(approval):
    return approval.bundle == "b" and not approval.problem and approval.at <= AT


@settings(max_examples=100)
@given(case=cases(), found=conditions, tier=tiers)
def test_behind_an_admission_the_evidence_is_all_that_its_tier_asks_for(case, found, tier):
    measured = case.decide()
    admitted = admit(measured, found, tier, at=AT)

    assert RANK[admitted.verdict] <= RANK[measured.verdict]
    evidence = [r.verdict for r in admitted.criteria if r.criterion.startswith("E-")]
    opens = set(evidence) == {Verdict.PASS}
    if opens:
        assert admitted.verdict is measured.verdict
        assert found.signed is None or not found.signed.problem
        assert found.signed is not None or not tier.signature
        assert found.clean or not tier.clean_tree
        assert timedelta(0) <= AT - found.finished <= timedelta(days=tier.oldest_days)
        assert found.ledger == ()
        counted = [a for a in found.approvals if _good(a)]
        assert set(tier.approvals) <= {a.role for a in counted}
        assert len({a.keyid for a in counted}) >= len(tier.approvals)
    else:
        assert admitted.verdict is not Verdict.PASS


@some
@given(found=conditions, tier=tiers, data=st.data())
def test_approvals_count_in_any_order_and_one_key_once(found, tier, data):
    decision = decide(SUBJECT, [], [], [])

    def opened(approvals_):
        changed = replace(found, approvals=tuple(approvals_))
        admitted = admit(decision, changed, tier, at=AT)
        return sum(
            r.verdict is Verdict.PASS for r in admitted.criteria if r.criterion.startswith("E-APP")
        )

    here = opened(found.approvals)
    assert opened(data.draw(st.permutations(found.approvals))) == here
    assert opened([*found.approvals, *found.approvals]) == here
    assert here <= len({a.keyid for a in found.approvals if _good(a)})
    assert opened([a for a in found.approvals if _good(a)]) == here


def test_the_full_cases_reach_waivers_champions_and_every_verdict():
    """Without them, the properties above would hold of nothing."""
    seen, waived, compared, weak = [], 0, 0, 0

    @settings(max_examples=600)
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
    assert min(waived, compared, weak) >= 3
