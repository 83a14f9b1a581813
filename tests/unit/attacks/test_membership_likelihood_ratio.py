import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from seclab.attacks.membership import (
    logit_confidence,
    offline_likelihood_ratio,
    online_likelihood_ratio,
)
from seclab.statistics import auc

ATTACKS = {"online": online_likelihood_ratio, "offline": offline_likelihood_ratio}
VARIANCES = ("fixed", "per_example")


def _drawn(seed, *, rows=40, shadows=16, gap=3.0):
    """Rows of which the first half are members, and shadows that each saw half of them."""
    rng = np.random.default_rng(seed)
    inside = np.zeros((shadows, rows), dtype=bool)
    inside[::2] = rng.random((shadows // 2, rows)) < 0.5
    inside[1::2] = ~inside[::2]
    usual, spread = rng.normal(0.0, 2.0, rows), rng.uniform(0.5, 1.5, rows)
    logits = usual + gap * inside + spread * rng.normal(size=inside.shape)
    member = np.arange(rows) < rows // 2
    return usual + gap * member + spread * rng.normal(size=rows), logits, inside


def test_the_logit_is_that_of_the_confidence_in_the_true_label():
    answers = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])

    logits = logit_confidence(np.stack([answers, answers]), np.array([0, 2]))

    assert logits.shape == (2, 2)
    assert logits[1] == pytest.approx(np.log([0.7 / 0.3, 0.4 / 0.6]))


def test_the_logit_loses_nothing_where_the_confidence_rounds_to_one():
    nearly = np.array([[1.0, 1e-20], [1.0, 1e-30]])

    logits = logit_confidence(nearly, np.array([0, 0]), smallest=1e-40)

    assert logits == pytest.approx([20 * np.log(10), 30 * np.log(10)])


def test_the_logit_is_bounded_on_both_sides():
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])

    assert logit_confidence(certain, np.array([0, 0]), smallest=0.01) == pytest.approx(
        [np.log(100.0), -np.log(100.0)]
    )


def test_online_is_the_ratio_of_the_two_densities_of_scipy():
    observed, logits, inside = _drawn(0, rows=6)

    scores = online_likelihood_ratio(observed, logits, inside, variance="per_example")

    for row in range(6):
        own, other = logits[inside[:, row], row], logits[~inside[:, row], row]
        expected = norm(own.mean(), own.std(ddof=1)).logpdf(observed[row])
        expected -= norm(other.mean(), other.std(ddof=1)).logpdf(observed[row])
        assert scores[row] == pytest.approx(expected)


def test_a_fixed_variance_is_the_mean_over_the_rows():
    observed, logits, inside = _drawn(0, rows=6)

    scores = online_likelihood_ratio(observed, logits, inside, variance="fixed")

    sides = [[logits[chosen[:, row], row] for row in range(6)] for chosen in (inside, ~inside)]
    spread = [np.sqrt(np.mean([each.var(ddof=1) for each in side])) for side in sides]
    for row in range(6):
        expected = norm(sides[0][row].mean(), spread[0]).logpdf(observed[row])
        expected -= norm(sides[1][row].mean(), spread[1]).logpdf(observed[row])
        assert scores[row] == pytest.approx(expected)


def test_offline_is_the_quantile_of_the_one_sided_test():
    observed, logits, inside = _drawn(0, rows=6)

    scores = offline_likelihood_ratio(observed, logits, inside, variance="per_example")

    for row in range(6):
        other = logits[~inside[:, row], row]
        tail = norm(other.mean(), other.std(ddof=1)).sf(observed[row])
        assert norm.sf(scores[row]) == pytest.approx(tail)


def test_offline_looks_at_no_shadow_that_saw_the_row():
    observed, logits, inside = _drawn(0)
    changed = np.where(inside, 1e6, logits)

    for variance in VARIANCES:
        assert np.array_equal(
            offline_likelihood_ratio(observed, logits, inside, variance=variance),
            offline_likelihood_ratio(observed, changed, inside, variance=variance),
        )


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("variance", VARIANCES)
def test_members_stand_out_of_rows_that_differ_more_than_membership_does(attack, variance):
    observed, logits, inside = _drawn(1, rows=400)
    members, others = np.split(observed, 2)
    assert auc(members, others).value < 0.9

    scores = ATTACKS[attack](observed, logits, inside, variance=variance)

    assert auc(*np.split(scores, 2)).value > 0.95


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("variance", VARIANCES)
def test_a_model_that_knew_nobody_gives_nobody_away(attack, variance):
    observed, logits, inside = _drawn(2, rows=1000, gap=0.0)

    scores = ATTACKS[attack](observed, logits, inside, variance=variance)

    estimate = auc(*np.split(scores, 2))
    assert estimate.interval.low <= 0.5 <= estimate.interval.high


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("variance", VARIANCES)
@given(shift=st.floats(-50.0, 50.0), seed=st.integers(0, 2**32 - 1))
def test_a_shift_of_all_logits_changes_nothing(attack, variance, shift, seed):
    observed, logits, inside = _drawn(seed, rows=10)

    plain = ATTACKS[attack](observed, logits, inside, variance=variance)
    moved = ATTACKS[attack](observed + shift, logits + shift, inside, variance=variance)

    assert moved == pytest.approx(plain, rel=1e-6, abs=1e-6)


@given(scale=st.floats(2.0, 50.0), seed=st.integers(0, 2**32 - 1))
def test_online_a_larger_unit_changes_nothing_while_the_spread_is_above_the_least(scale, seed):
    observed, logits, inside = _drawn(seed, rows=10)

    plain = online_likelihood_ratio(5 * observed, 5 * logits, inside, variance="fixed")
    larger = online_likelihood_ratio(
        5 * scale * observed, 5 * scale * logits, inside, variance="fixed"
    )

    assert larger == pytest.approx(plain, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("variance", VARIANCES)
def test_shadows_that_agree_give_finite_scores(attack, variance):
    inside = np.array([[True, False], [False, True]] * 2)

    scores = ATTACKS[attack](np.array([3.0, 4.6]), np.full((4, 2), 4.6), inside, variance=variance)

    assert np.isfinite(scores).all()


@pytest.mark.parametrize("attack", ATTACKS)
def test_one_shadow_without_a_row_is_too_few(attack):
    inside = np.array([[True, False], [False, True], [True, False]])

    with pytest.raises(ValueError, match="two shadows"):
        ATTACKS[attack](np.zeros(2), np.zeros((3, 2)), inside, variance="fixed")
