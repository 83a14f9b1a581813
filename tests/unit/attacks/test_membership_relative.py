import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.membership import (
    average_confidence,
    estimated_average_confidence,
    relative_membership,
)

INSIDE = np.array([[True, False], [True, False], [True, False], [False, True]])
SHADOWS = np.array([[0.9, 0.2], [0.8, 0.3], [1.0, 0.4], [0.5, 0.7]])


def test_the_average_weighs_both_sides_alike_however_many_shadows_each_has():
    assert average_confidence(SHADOWS, INSIDE) == pytest.approx([(0.9 + 0.5) / 2, (0.7 + 0.3) / 2])


@pytest.mark.parametrize(("a", "expected"), [(0.0, [0.75, 0.65]), (1.0, [0.5, 0.3])])
def test_the_estimate_runs_from_known_by_heart_to_no_difference(a, expected):
    assert estimated_average_confidence(SHADOWS, INSIDE, a=a) == pytest.approx(expected)


def test_the_estimate_looks_at_no_shadow_that_saw_the_row():
    changed = np.where(INSIDE, 0.0, SHADOWS)

    assert np.array_equal(
        estimated_average_confidence(SHADOWS, INSIDE),
        estimated_average_confidence(changed, INSIDE),
    )


def _drawn(seed, n=15, m=40):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.01, 1.0, size) for size in (n, n, m, m)]


@given(seed=st.integers(0, 2**32 - 1), gamma=st.floats(1.0, 4.0))
def test_the_score_is_the_share_dominated_counted_pair_by_pair(seed, gamma):
    observed, average, population, population_average = _drawn(seed)

    scores = relative_membership(
        observed,
        average,
        population=population,
        population_average=population_average,
        gamma=gamma,
    )

    pairs = (observed / average)[:, None] / (population / population_average)[None, :]
    share = (pairs >= gamma).mean(axis=1)
    assert np.abs(scores - share).max() <= 1 / 41 + 1e-9
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0


@given(seed=st.integers(0, 2**32 - 1), gamma=st.floats(1.0, 4.0))
def test_the_order_is_that_of_the_ratios(seed, gamma):
    observed, average, population, population_average = _drawn(seed)

    scores = relative_membership(
        observed,
        average,
        population=population,
        population_average=population_average,
        gamma=gamma,
    )

    assert np.array_equal(np.argsort(scores), np.argsort(observed / average))


def test_of_rows_like_the_population_a_share_t_scores_above_one_less_t():
    observed, average, population, population_average = _drawn(0, n=4000, m=4000)

    scores = relative_membership(
        observed, average, population=population, population_average=population_average
    )

    assert (scores > 0.9).mean() == pytest.approx(0.1, abs=0.02)


def test_a_confidence_that_nobody_ever_has_is_finite():
    scores = relative_membership(
        np.array([0.5, 0.0]),
        np.array([0.0, 0.0]),
        population=np.array([0.5]),
        population_average=np.array([0.5]),
    )

    assert scores.tolist() == [1.0, 0.0]


def test_an_equal_ratio_counts_as_dominated():
    [score] = relative_membership(
        np.array([0.5]),
        np.array([0.5]),
        population=np.array([0.25, 0.5, 0.9]),
        population_average=np.array([0.25, 0.5, 0.3]),
    )

    assert score == pytest.approx((2 + 0.5) / 4)
