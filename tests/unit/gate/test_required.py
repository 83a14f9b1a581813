import pytest

from seclab.gate import Verdict, decide
from seclab.outcome import Missing
from tests.unit.gate.making import MODEL, ROBUST, checked, did_not, measured, ran


def _decide(*outcomes, required=("evasion_linf", "random_noise"), thresholds=(ROBUST,)):
    return decide(MODEL, outcomes, [checked()], thresholds, required=required)


def _result(decision, name):
    (found,) = (result for result in decision.criteria if result.criterion == f"required:{name}")
    return found


def _noise(**changes):
    return measured(0.9, evaluation="random_noise", **changes)


def test_what_the_tier_requires_and_nobody_ran_is_not_evaluated():
    decision = _decide(ran(measured(0.9)))

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert _result(decision, "random_noise").reason == (
        "its tier requires random_noise, which was not run"
    )
    assert _result(decision, "evasion_linf").verdict is Verdict.PASS


def test_with_all_that_is_required_the_gate_opens():
    assert _decide(ran(measured(0.9)), ran(_noise())).verdict is Verdict.PASS


@pytest.mark.parametrize("missing", list(Missing))
def test_a_required_evaluation_that_broke_says_why(missing):
    decision = _decide(ran(measured(0.9)), did_not(missing, evaluation="random_noise"))

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert _result(decision, "random_noise").reason == (
        f"its tier requires random_noise, which was {missing}: it broke"
    )


def test_a_required_evaluation_of_something_else_does_not_count():
    decision = _decide(ran(measured(0.9)), ran(_noise(digest="sha256:bytes:99")))

    assert decision.verdict is Verdict.NOT_EVALUATED
    assert "measured nothing of it" in _result(decision, "random_noise").reason


def test_having_all_that_is_required_but_no_criterion_is_no_pass():
    decision = decide(MODEL, [ran(measured(0.9))], [], [], required=["evasion_linf"])

    assert decision.verdict is Verdict.NOT_EVALUATED


def test_naming_a_requirement_twice_requires_it_once():
    decision = _decide(ran(measured(0.9)), required=["evasion_linf", "evasion_linf"])

    assert _result(decision, "evasion_linf").verdict is Verdict.PASS
