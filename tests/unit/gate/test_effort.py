from dataclasses import replace

import pytest

from seclab.gate import Verdict, decide
from tests.unit.gate.making import MODEL, ROBUST, checked, measured, ran

STRONG = replace(ROBUST, least_n=300, effort={"steps": 20.0, "epsilons.count": 2.0})
MADE = {"steps": 20, "epsilons": "0.05 0.1"}


def _decide(*outcomes, threshold=STRONG):
    decision = decide(MODEL, outcomes, [checked()], [threshold])
    (found,) = (result for result in decision.criteria if result.criterion == threshold.id)
    return found


@pytest.mark.parametrize("value", [0.1, 0.99])
@pytest.mark.parametrize(
    ("n", "made", "words"),
    [
        (299, {}, "n=299, at least 300 are required"),
        (300, {"steps": 19}, "steps=19, at least 20 is required"),
        (300, {"steps": 19.9}, "steps=19.9, at least 20 is required"),
        (300, {"steps": None}, "steps was not recorded, at least 20 is required"),
        (300, {"steps": "40"}, "steps was not recorded"),
        (300, {"steps": True}, "steps was not recorded"),
        (300, {"steps": float("nan")}, "steps=nan, at least 20 is required"),
        (300, {"epsilons": "0.1"}, "epsilons.count=1, at least 2 is required"),
        (300, {"epsilons": ""}, "epsilons.count=0, at least 2 is required"),
        (300, {"epsilons": 7}, "epsilons.count was not recorded"),
    ],
)
def test_too_little_behind_a_number_is_not_evaluated_whatever_the_number(value, n, made, words):
    found = _decide(ran(measured(value, n=n), **MADE | made))

    assert found.verdict is Verdict.NOT_EVALUATED
    assert words in found.reason
    assert found.judged is None


def test_all_that_is_lacking_is_told_at_once():
    found = _decide(ran(measured(0.9, n=7)))

    assert found.reason == (
        "robust_accuracy (epsilon=0.1) proves too little (measured 0.9, n=7): n=7, at least 300 "
        "are required, steps was not recorded, at least 20 is required, epsilons.count was not "
        "recorded, at least 2 is required"
    )


def test_exactly_enough_is_enough():
    assert _decide(ran(measured(0.9, n=300), **MADE)).verdict is Verdict.PASS
    assert _decide(ran(measured(0.5, n=300), **MADE)).verdict is Verdict.BLOCK


def test_a_weak_run_beside_a_strong_one_does_not_count_as_strong():
    strong, weak = ran(measured(0.9, n=300), **MADE), ran(measured(0.9, n=300), steps=1)

    assert _decide(strong, weak).verdict is Verdict.NOT_EVALUATED


def test_a_weak_run_cannot_hide_that_a_strong_one_blocks():
    strong, weak = ran(measured(0.5, n=300), **MADE), ran(measured(0.9, n=300), steps=1)

    assert _decide(strong, weak).verdict is _decide(weak, strong).verdict is Verdict.BLOCK
