from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seclab.gate import Comparison, Verdict, decide
from seclab.measurement import Interval, PerSample
from seclab.outcome import Evaluated
from seclab.statistics import difference, paired_difference, proportion
from tests.unit.gate.making import LEAK, MODEL, ROBUST, checked, measured, ran

OTHER = "sha256:bytes:99"
NO_WORSE = replace(ROBUST, kind=None, bound=None, worse_than_champion_by=0.05)
NO_LEAKIER = replace(LEAK, kind=None, bound=None, worse_than_champion_by=0.05)


def _champion(*measurements):
    return Comparison("f00d", "sha256:rfc8785:77", "3", measurements)


def _theirs(value, **changes):
    return measured(value, **{"digest": OTHER} | changes)


def _rate(successes, *, n=360, threshold=ROBUST, **changes):
    interval = proportion(successes, n).interval
    reading = measured(successes / n, threshold=threshold, n=n, **changes)
    return replace(reading, interval=interval)


def _decide(threshold, *ours, champion=None):
    outcomes = [ran(*ours)] if ours else []
    decision = decide(MODEL, outcomes, [checked()], [threshold], champion=champion)
    (found,) = (result for result in decision.criteria if result.criterion == threshold.id)
    return found


@pytest.mark.parametrize(
    ("threshold", "ours", "theirs", "expected"),
    [
        (NO_WORSE, 0.9, 0.8, Verdict.PASS),
        (NO_WORSE, 0.75, 0.8, Verdict.PASS),  # 0.8 - 0.75 is more than 0.05 in its last bits
        (NO_WORSE, 0.74, 0.8, Verdict.BLOCK),
        (NO_LEAKIER, 0.5, 0.6, Verdict.PASS),
        (NO_LEAKIER, 0.65, 0.6, Verdict.PASS),
        (NO_LEAKIER, 0.66, 0.6, Verdict.BLOCK),
    ],
)
def test_a_loss_is_counted_in_the_direction_that_is_worse(threshold, ours, theirs, expected):
    champion = _champion(_theirs(theirs, threshold=threshold))

    found = _decide(threshold, measured(ours, threshold=threshold), champion=champion)

    assert found.verdict is expected
    assert found.judged == pytest.approx(theirs - ours if threshold is NO_WORSE else ours - theirs)
    assert (found.value, found.bound) == (ours, 0.05)


def test_a_loss_is_judged_at_the_end_of_the_interval_that_newcombe_gives():
    ours, theirs = _rate(320), _rate(324, digest=OTHER)

    found = _decide(NO_WORSE, ours, champion=_champion(theirs))

    expected = difference(proportion(324, 360), proportion(320, 360)).interval.high
    assert found.judged == pytest.approx(expected)
    assert found.verdict is Verdict.BLOCK
    assert found.reason == (
        "robust_accuracy (epsilon=0.1) is 0.057 worse than the champion's at the pessimistic end "
        "(measured 0.889, version 3 0.9); at most 0.05 is allowed"
    )


def test_where_the_value_is_judged_the_uncertainty_does_not_count():
    ours, theirs = _rate(320), _rate(324, digest=OTHER)

    found = _decide(replace(NO_WORSE, judged="value"), ours, champion=_champion(theirs))

    assert found.judged == pytest.approx(4 / 360)
    assert found.verdict is Verdict.PASS


def test_a_threshold_that_judges_the_optimistic_end_is_no_way_round_the_champion():
    ours, theirs = _rate(320), _rate(324, digest=OTHER)

    found = _decide(replace(NO_WORSE, judged="optimistic"), ours, champion=_champion(theirs))

    assert found.verdict is Verdict.BLOCK


def test_the_first_ever_has_no_champion_to_lose_against():
    found = _decide(NO_WORSE, measured(0.1))

    assert found.verdict is Verdict.PASS
    assert found.reason == "robust_accuracy (epsilon=0.1): there is no champion to compare with"


def test_the_first_ever_is_still_held_against_the_bound():
    assert _decide(replace(ROBUST, worse_than_champion_by=0.05), measured(0.1)).verdict is (
        Verdict.BLOCK
    )


def test_without_a_measurement_a_missing_champion_opens_nothing():
    assert _decide(NO_WORSE).verdict is Verdict.NOT_EVALUATED


def test_the_champion_itself_loses_nothing():
    champion = _champion(measured(0.9), measured(0.8, metric="clean_accuracy"))

    found = _decide(NO_WORSE, measured(0.5), champion=champion)

    assert found.verdict is Verdict.PASS
    assert found.reason.endswith("it is the champion itself")


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (replace(_theirs(0.8), dataset_digest="sha256:rows-ordered/1:ff"), "other data"),
        (replace(_theirs(0.8), value=float("nan")), "not a number"),
        (replace(_theirs(0.8), better="neither"), "neither direction"),
        (
            replace(_theirs(0.8), interval=Interval(0.7, 0.9, 0.99, "wilson")),
            "different confidence levels",
        ),
        (_theirs(0.8, metric="clean_accuracy"), "has no robust_accuracy (epsilon=0.1)"),
        (_theirs(0.8, parameters={"epsilon": 0.2}), "has no robust_accuracy (epsilon=0.1)"),
        (
            _theirs(0.8, parameters={"epsilon": 0.1, "attack": "weak"}),
            "has no robust_accuracy (epsilon=0.1)",
        ),
    ],
)
def test_what_cannot_be_compared_is_not_evaluated_and_says_why(theirs, words):
    ours = measured(0.99, low=0.98, high=1.0)

    found = _decide(NO_WORSE, ours, champion=_champion(theirs))

    assert found.verdict is Verdict.NOT_EVALUATED
    assert words in found.reason
    assert "version 3" in found.reason


def test_a_champion_without_numbers_is_no_missing_champion():
    assert _decide(NO_WORSE, measured(1.0), champion=_champion()).verdict is Verdict.NOT_EVALUATED


def test_of_several_champion_numbers_the_one_that_shows_the_largest_loss_counts():
    champion = _champion(_theirs(0.7), _theirs(0.95), _theirs(0.8))

    assert _decide(NO_WORSE, measured(0.8), champion=champion).judged == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "judged"),
    [
        (0.9, 0.91, Verdict.PASS, 0.01),
        (0.62, 0.60, Verdict.PASS, 0.62),  # nearest to its limit: the bound
        (0.58, 0.60, Verdict.BLOCK, 0.58),
        (0.7, 0.9, Verdict.BLOCK, 0.2),
    ],
)
def test_with_bound_and_champion_the_worse_of_both_decides_and_both_are_told(
    ours, theirs, verdict, judged
):
    threshold = replace(ROBUST, worse_than_champion_by=0.05)

    found = _decide(threshold, measured(ours), champion=_champion(_theirs(theirs)))

    assert found.verdict is verdict
    assert found.judged == pytest.approx(judged)
    assert "is required" in found.reason
    assert "is allowed" in found.reason


def test_a_loss_in_one_measurement_cannot_hide_behind_another_without_any():
    sign, uniform = ({"epsilon": 0.1, "noise": kind} for kind in ("sign", "uniform"))
    champion = _champion(_theirs(0.99, parameters=sign), _theirs(0.7, parameters=uniform))
    ours = measured(0.9, parameters=sign), measured(0.7, parameters=uniform)

    for order in (ours, ours[::-1]):
        found = _decide(replace(ROBUST, worse_than_champion_by=0.05), *order, champion=champion)
        assert found.verdict is Verdict.BLOCK
        assert found.measured == "robust_accuracy (epsilon=0.1, noise=sign)"


def test_outcomes_of_other_subjects_do_not_become_the_challenger():
    foreign = measured(0.99, digest=OTHER)
    outcome = ran(foreign)

    decision = decide(MODEL, [outcome], [checked()], [NO_WORSE], champion=_champion(foreign))

    assert isinstance(outcome, Evaluated)
    assert decision.verdict is Verdict.NOT_EVALUATED


ROWS = "sha256:rows-ordered/1:" + "ab" * 32


def _paired(hits, *, samples=ROWS, **changes):
    """A rate over 360 samples that keeps the answer for each."""
    return replace(_rate(hits.count("1"), **changes), per_sample=PerSample(samples, hits))


def test_over_the_same_samples_only_those_on_which_they_differ_widen_the_interval():
    ours, theirs = "1" * 320 + "0" * 40, "1" * 324 + "0" * 36

    found = _decide(NO_WORSE, _paired(ours), champion=_champion(_paired(theirs, digest=OTHER)))

    expected = paired_difference([hit == "1" for hit in theirs], [hit == "1" for hit in ours])
    assert found.judged == pytest.approx(expected.interval.high)
    assert found.verdict is Verdict.PASS  # the same rates of strangers are blocked above
    assert found.reason == (
        "robust_accuracy (epsilon=0.1) is 0.028 worse than the champion's at the pessimistic end "
        "(measured 0.889, version 3 0.9, sample by sample); at most 0.05 is allowed"
    )


@pytest.mark.parametrize(
    "theirs",
    [
        _rate(324, digest=OTHER),
        _paired("1" * 324 + "0" * 36, digest=OTHER, samples=ROWS.replace("ab", "cd")),
        _paired("1" * 324 + "0" * 35, digest=OTHER),
        replace(_paired("1" * 324 + "0" * 36, digest=OTHER), value=0.95, interval=None),
    ],
    ids=["answers not kept", "other samples", "fewer answers than n", "another rate"],
)
def test_what_cannot_be_paired_is_compared_as_strangers(theirs):
    found = _decide(NO_WORSE, _paired("1" * 320 + "0" * 40), champion=_champion(theirs))

    assert found.verdict is Verdict.BLOCK
    assert "sample by sample" not in found.reason


@given(st.lists(st.sampled_from(["11", "10", "01", "00"]), min_size=360, max_size=360), st.data())
def test_a_sample_more_that_is_right_never_blocks(pairs, data):
    ours, theirs = ("".join(side) for side in zip(*pairs, strict=True))
    champion = _champion(_paired(theirs, digest=OTHER))
    missed = [index for index, hit in enumerate(ours) if hit == "0"]
    assume(missed)
    index = data.draw(st.sampled_from(missed))

    before = _decide(NO_WORSE, _paired(ours), champion=champion)
    better = _paired(f"{ours[:index]}1{ours[index + 1 :]}")
    after = _decide(NO_WORSE, better, champion=champion)

    assert after.judged <= before.judged + 1e-9
