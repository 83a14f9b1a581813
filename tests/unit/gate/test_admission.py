import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from seclab.gate import Approval, Conditions, Verdict, admit, decide, explain
from seclab.registers import Tier
from tests.unit.gate.making import LEAK, MODEL, ROBUST, checked, measured, ran

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BUNDLE = "sha256:rfc8785:" + "b" * 64
LOW = Tier("low", False, False, (), 90, (), True)
HIGH = Tier("high", True, True, ("security", "ml-engineering"), 30, (), False)


@dataclass(frozen=True)
class Signature:
    """What a checked signature looks like from here."""

    keyid: str = "p1"
    role: str = "pipeline"
    owner: str = "CI"
    problem: str = ""


def _approval(role="security", keyid="s1", **changes):
    fields = {"owner": "Ann", "bundle": BUNDLE, "at": AT - timedelta(hours=1), "problem": ""}
    return Approval(role=role, keyid=keyid, **fields | changes)


BOTH = (_approval(), _approval("ml-engineering", "m1"))
GOOD = Conditions(
    bundle=BUNDLE,
    finished=AT - timedelta(days=1),
    signed=Signature(),
    clean=True,
    approvals=BOTH,
    ledger=(),
)


def _decision(value=0.9):
    return decide(MODEL, [ran(measured(value))], [checked()], [ROBUST])


def _admit(tier=HIGH, *, at=AT, thresholds=(), decision=None, **changes):
    conditions = replace(GOOD, **changes)
    return admit(decision or _decision(), conditions, tier, at=at, thresholds=thresholds)


def _result(decision, name):
    (found,) = (result for result in decision.criteria if result.criterion == name)
    return found


def test_good_evidence_opens_what_the_measurements_open():
    decision = _admit()

    assert decision.verdict is Verdict.PASS
    assert [r.criterion for r in decision.criteria if r.criterion.startswith("E-")] == [
        "E-SIG",
        "E-TREE",
        "E-AGE",
        "E-LED",
        "E-APP-security",
        "E-APP-ml-engineering",
    ]
    assert decision.warnings == ()


@pytest.mark.parametrize("tier", [LOW, HIGH])
def test_good_evidence_opens_nothing_that_the_measurements_keep_shut(tier):
    assert _admit(tier, decision=_decision(0.1)).verdict is Verdict.BLOCK
    missing = decide(MODEL, [], [checked()], [ROBUST])
    assert _admit(tier, decision=missing).verdict is Verdict.NOT_EVALUATED


@pytest.mark.parametrize(
    ("name", "changes", "high", "low"),
    [
        ("E-SIG", {"signed": None}, Verdict.NOT_EVALUATED, Verdict.PASS),
        ("E-SIG", {"signed": Signature(problem="key revoked")}, Verdict.BLOCK, Verdict.BLOCK),
        ("E-SIG", {"signed": Signature(role="security")}, Verdict.BLOCK, Verdict.BLOCK),
        ("E-TREE", {"clean": False}, Verdict.BLOCK, Verdict.PASS),
        ("E-TREE", {"clean": None}, Verdict.NOT_EVALUATED, Verdict.PASS),
        ("E-LED", {"ledger": ("entry 3 is missing",)}, Verdict.BLOCK, Verdict.BLOCK),
        ("E-LED", {"ledger": None}, Verdict.NOT_EVALUATED, Verdict.NOT_EVALUATED),
    ],
)
def test_a_flaw_of_the_evidence_counts_as_its_tier_says(name, changes, high, low):
    for tier, expected in ((HIGH, high), (LOW, low)):
        decision = _admit(tier, **changes)
        assert _result(decision, name).verdict is expected
        assert decision.verdict is expected


def test_a_problem_is_told_in_its_own_words():
    assert "key revoked" in _result(_admit(signed=Signature(problem="key revoked")), "E-SIG").reason
    assert "entry 3 is missing" in _result(_admit(ledger=("entry 3 is missing",)), "E-LED").reason


def test_unsigned_and_unclean_evidence_is_warned_about_where_it_may_pass():
    decision = _admit(LOW, signed=None, clean=None)

    assert decision.verdict is Verdict.PASS
    assert [w.partition(":")[2][:18] for w in decision.warnings] == [
        " it is not signed:",
        " the code was not ",
    ]


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (timedelta(0), Verdict.PASS),
        (timedelta(days=30), Verdict.PASS),
        (timedelta(days=30, seconds=1), Verdict.NOT_EVALUATED),
        (timedelta(minutes=-5), Verdict.PASS),
        (timedelta(minutes=-5, seconds=-1), Verdict.NOT_EVALUATED),
        (timedelta(days=-400), Verdict.NOT_EVALUATED),
    ],
)
def test_evidence_counts_up_to_its_oldest_age_and_not_before_it_was_made(age, verdict):
    decision = _admit(finished=AT - age)

    assert _result(decision, "E-AGE").verdict is decision.verdict is verdict


def test_staleness_and_a_clock_that_was_set_back_are_told_apart():
    stale = _result(_admit(finished=AT - timedelta(days=31)), "E-AGE").reason
    ahead = _result(_admit(finished=AT + timedelta(days=1)), "E-AGE").reason

    assert stale == ("the run is stale: 31.0 days old; at most 30 days are allowed; run it again")
    assert ahead == "the run lies in the future (2026-06-02 12:00 UTC): a clock was set back"


def test_a_reused_measurement_is_as_old_as_it_is():
    made = {"evasion_linf": AT - timedelta(days=31), "random_noise": AT - timedelta(days=2)}

    found = _result(_admit(measured=made), "E-AGE")

    assert found.verdict is Verdict.NOT_EVALUATED
    assert found.reason.startswith("evasion_linf is stale: 31.0 days old")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"finished": AT - timedelta(days=7)}, Verdict.PASS),
        ({"finished": AT - timedelta(days=8)}, Verdict.NOT_EVALUATED),
        ({"measured": {"evasion_linf": AT - timedelta(days=8)}}, Verdict.NOT_EVALUATED),
        ({"measured": {"random_noise": AT - timedelta(days=8)}}, Verdict.PASS),
    ],
)
def test_a_threshold_may_want_fresher_numbers_than_its_tier(changes, verdict):
    weekly = replace(ROBUST, oldest_days=7)
    agents = replace(LEAK, subject="agent", oldest_days=1)

    decision = _admit(thresholds=[weekly, LEAK, agents], **changes)

    found = _result(decision, "E-AGE-T-EVA-01")
    assert found.verdict is decision.verdict is verdict
    assert found.risks == ("R-EVA-01",)
    assert decision.risks()["R-EVA-01"] is verdict
    assert not [r for r in decision.criteria if r.criterion == "E-AGE-T-PRV-01"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_every_role_has_to_approve(order):
    approvals = tuple(BOTH[index] for index in order)

    assert _admit(approvals=approvals).verdict is Verdict.PASS
    for role, kept in (("ml-engineering", BOTH[:1]), ("security", BOTH[1:])):
        decision = _admit(approvals=kept)
        assert decision.verdict is Verdict.NOT_EVALUATED
        assert _result(decision, f"E-APP-{role}").verdict is Verdict.NOT_EVALUATED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"problem": "the key was revoked"}, "key s1: the key was revoked"),
        ({"bundle": "sha256:rfc8785:00"}, "approved another bundle, sha256:rfc8785:00"),
        ({"at": AT + timedelta(minutes=6)}, "in the future"),
        ({"at": None}, "does not say when"),
        ({"keyid": "p1"}, "key p1 signed the bundle itself"),
        ({"keyid": "m1"}, "key m1 counts for another role"),
        ({"role": "legal"}, "security has not approved this bundle; tier high asks for it"),
    ],
)
def test_an_approval_that_does_not_count_says_why(changes, words):
    decision = _admit(approvals=(replace(BOTH[0], **changes), BOTH[1]))

    assert decision.verdict is Verdict.NOT_EVALUATED
    names = ("E-APP-security", "E-APP-ml-engineering")
    assert words in " ".join(_result(decision, name).reason for name in names)


def test_one_key_approves_for_one_role_however_often_it_does():
    one_key = (
        _approval("security", "k"),
        _approval("security", "k", at=AT - timedelta(hours=2)),
        _approval("ml-engineering", "k"),
    )

    verdicts = {
        _result(_admit(approvals=one_key), f"E-APP-{role}").verdict
        for role in ("security", "ml-engineering")
    }

    assert verdicts == {Verdict.PASS, Verdict.NOT_EVALUATED}


def test_a_key_with_two_roles_takes_no_place_from_one_that_has_another():
    approvals = (
        _approval("security", "a"),
        _approval("security", "z"),
        _approval("ml-engineering", "a"),
    )

    for order in itertools.permutations(approvals):
        assert _admit(approvals=order).verdict is Verdict.PASS


def test_many_approvals_are_weighed_at_once():
    approvals = tuple(
        _approval(role, f"k{number}")
        for role in ("security", "ml-engineering", "legal")
        for number in range(300)
    )
    critical = replace(HIGH, approvals=("security", "ml-engineering", "legal"))

    assert _admit(critical, approvals=approvals).verdict is Verdict.PASS


def test_evidence_that_is_admitted_again_is_judged_anew():
    once = _admit(finished=AT - timedelta(days=20))

    again = _admit(decision=once, finished=AT - timedelta(days=20), at=AT + timedelta(days=20))

    assert len(again.criteria) == len(once.criteria)
    assert again.verdict is Verdict.NOT_EVALUATED


def test_warnings_are_not_repeated():
    once = _admit(LOW, signed=None)

    assert _admit(LOW, decision=once, signed=None).warnings == once.warnings


def test_what_is_unknown_has_to_be_said():
    with pytest.raises(TypeError, match="signed"):
        Conditions(bundle=BUNDLE, finished=AT, clean=True, approvals=(), ledger=())


def test_an_explanation_names_the_criteria_about_the_evidence():
    text = explain(_admit(signed=None))

    assert text.startswith("NOT_EVALUATED  model mlp\nCould not be evaluated:\n  E-SIG (-): ")
