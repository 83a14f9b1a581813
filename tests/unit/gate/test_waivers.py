from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from seclab.gate import Comparison, Verdict, decide, explain
from seclab.measurement import CheckStatus
from seclab.outcome import Missing
from seclab.registers import Waiver
from tests.unit.gate.making import LEAK, MODEL, ROBUST, checked, did_not, measured, ran

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
WAIVER = Waiver(
    id="W-001",
    risk="R-EVA-01",
    criterion="T-EVA-01",
    model="mlp",
    reason="it is behind a login",
    owner="Ann",
    approver="Bob",
    until=date(2026, 6, 30),
)
EXPIRED = replace(WAIVER, id="W-000", until=date(2026, 5, 31))


def _decide(*waivers, value=0.5, thresholds=(ROBUST,), at=AT, outcome=None, report=None):
    outcome = outcome or ran(measured(value))
    return decide(MODEL, [outcome], [report or checked()], thresholds, waivers=waivers, at=at)


def _result(decision, name="T-EVA-01"):
    (found,) = (result for result in decision.criteria if result.criterion == name)
    return found


def test_a_waived_block_stays_a_block_but_does_not_decide():
    decision = _decide(WAIVER)

    found = _result(decision)
    assert decision.verdict is Verdict.PASS
    assert (found.verdict, found.waiver) == (Verdict.BLOCK, "W-001")
    assert decision.waived == (found,)
    assert decision.headline == "PASS with 1 waiver"
    assert decision.risks()["R-EVA-01"] is Verdict.BLOCK
    assert found.reason.endswith(
        "; W-001 waives it until 2026-06-30: it is behind a login (Ann answers for it, "
        "Bob approved)"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"criterion": "T-EVA-02"},
        {"model": "mlp-hardened"},
        {"model": MODEL.digest},
        {"risk": "R-PRV-01"},
    ],
)
def test_a_waiver_for_something_else_changes_nothing(changes):
    assert _decide(replace(WAIVER, **changes)) == _decide()


def test_a_waiver_leaves_every_other_criterion_as_it_is():
    other = replace(ROBUST, id="T-EVA-02")

    decision = _decide(WAIVER, thresholds=[ROBUST, other])

    assert decision.verdict is Verdict.BLOCK
    assert decision.headline == "BLOCK with 1 waiver"
    assert _result(decision, "T-EVA-02").waiver == ""


def test_two_waivers_are_counted_as_two():
    second = replace(WAIVER, id="W-002", criterion="T-EVA-02")
    decision = _decide(WAIVER, second, thresholds=[ROBUST, replace(ROBUST, id="T-EVA-02")])

    assert decision.headline == "PASS with 2 waivers"


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC), Verdict.PASS),
        (datetime(2026, 7, 1, tzinfo=UTC), Verdict.BLOCK),
        (datetime(2026, 7, 1, 1, tzinfo=timezone(timedelta(hours=2))), Verdict.PASS),
        (datetime(2026, 6, 30, 23, tzinfo=timezone(timedelta(hours=-2))), Verdict.BLOCK),
    ],
)
def test_a_waiver_counts_to_the_end_of_its_day_in_utc(at, verdict):
    decision = _decide(WAIVER, at=at)

    assert decision.verdict is verdict
    assert ("expired" in _result(decision).reason) is (verdict is Verdict.BLOCK)


def test_an_expired_waiver_is_named():
    decision = _decide(EXPIRED)

    assert decision.verdict is Verdict.BLOCK
    assert _result(decision).reason.endswith("; W-000 expired on 2026-05-31")
    assert _result(decision).waiver == ""


def test_an_expired_waiver_beside_one_that_counts_is_named_as_well():
    found = _result(_decide(WAIVER, EXPIRED))

    assert found.waiver == "W-001"
    assert "W-000 expired on 2026-05-31; W-001 waives it" in found.reason


def test_of_two_waivers_for_the_same_the_order_does_not_choose():
    second = replace(WAIVER, id="W-002")

    assert _decide(WAIVER, second) == _decide(second, WAIVER)


@pytest.mark.parametrize(
    "outcome",
    [
        *(did_not(missing) for missing in Missing),
        ran(measured(0.9, metric="clean_accuracy")),
        ran(measured(0.9), measured(float("nan"))),
        ran(measured(float("nan"))),
    ],
)
def test_what_is_missing_or_no_number_cannot_be_waived(outcome):
    decision = _decide(WAIVER, outcome=outcome)

    assert decision.verdict is not Verdict.PASS
    assert decision.waived == ()
    assert "W-001 cannot waive what was not evaluated" in _result(decision).reason


@pytest.mark.parametrize("value", [0.1, 0.9])
@pytest.mark.parametrize("changes", [{"least_n": 101}, {"effort": {"steps": 1.0}}])
def test_what_proves_too_little_cannot_be_waived(value, changes):
    decision = _decide(WAIVER, value=value, thresholds=[replace(ROBUST, **changes)])

    assert decision.verdict is Verdict.NOT_EVALUATED


def test_a_block_with_something_unevaluated_beside_it_cannot_be_waived():
    threshold = replace(ROBUST, effort={"steps": 20.0})
    outcomes = [ran(measured(0.5), steps=20), ran(measured(0.9), steps=1)]

    decision = decide(MODEL, outcomes, [checked()], [threshold], waivers=[WAIVER], at=AT)

    assert decision.verdict is Verdict.BLOCK


def test_a_loss_against_the_champion_can_be_waived():
    threshold = replace(ROBUST, kind=None, bound=None, worse_than_champion_by=0.01)
    champion = Comparison("f00d", "d", "3", (measured(0.9, digest="sha256:bytes:99"),))

    decision = decide(
        MODEL,
        [ran(measured(0.5))],
        [checked()],
        [threshold],
        waivers=[WAIVER],
        champion=champion,
        at=AT,
    )

    assert decision.headline == "PASS with 1 waiver"


def test_a_bound_missed_by_the_first_ever_can_be_waived():
    threshold = replace(ROBUST, worse_than_champion_by=0.01)

    assert _decide(WAIVER, thresholds=[threshold]).headline == "PASS with 1 waiver"


def test_a_failed_check_cannot_be_waived():
    waiver = replace(WAIVER, criterion="check:rows_are_unique", risk="R-POI-02")

    decision = _decide(waiver, value=0.9, report=checked(CheckStatus.FAILED))

    assert decision.verdict is Verdict.BLOCK
    assert decision.waived == ()


def test_a_waiver_that_nobody_needs_is_not_counted():
    decision = _decide(WAIVER, value=0.9)

    assert decision == _decide(value=0.9)
    assert decision.headline == "PASS"


def test_waivers_without_a_time_are_refused():
    with pytest.raises(ValueError, match="needs the time"):
        _decide(WAIVER, at=None)


def test_an_explanation_tells_what_was_waived_apart_from_what_blocks():
    thresholds = [ROBUST, replace(ROBUST, id="T-EVA-09"), LEAK]
    outcome = ran(measured(0.5))

    lines = explain(_decide(WAIVER, thresholds=thresholds, outcome=outcome)).splitlines()

    assert lines[0] == "BLOCK with 1 waiver  model mlp"
    headings = [line for line in lines if not line.startswith(" ")][1:]
    assert headings == ["Blocked by:", "Could not be evaluated:", "Waived:", "Passed:"]
    assert lines[lines.index("Blocked by:") + 1].startswith("  T-EVA-09 ")
    assert lines[lines.index("Waived:") + 1].startswith("  T-EVA-01 (R-EVA-01): ")


def test_waived_criteria_stand_between_what_is_missing_and_what_passed():
    thresholds = [ROBUST, replace(ROBUST, id="T-EVA-09"), LEAK]

    decision = _decide(WAIVER, thresholds=thresholds)

    assert [result.criterion for result in decision.criteria] == [
        "T-EVA-09",
        "T-PRV-01",
        "T-EVA-01",
        "check:rows_are_unique",
    ]
