"""Means, AUC and true positives at few false ones, of scores, with their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seclab.statistics import auc, mean_difference, tpr_at_fpr
from tests.unit.quantiles import Z

scores = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=12)


def _delong_error(estimate):
    """The standard error that an interval on the logit scale was made with."""
    low, high = (np.log(end / (1.0 - end)) for end in (estimate.low, estimate.high))
    return (high - low) / (2.0 * Z) * estimate.value * (1.0 - estimate.value)


def _pairs(positives, negatives):
    """1 where a positive outranks a negative, half for a tie: the definition, pair by pair."""
    return np.array([[(p > n) + 0.5 * (p == n) for n in negatives] for p in positives])


def test_the_difference_of_means_has_the_interval_of_welch():
    # Welch's t on 95%, worked out from its definition and not by the function that is used.
    first, second = np.array([3.0, 4.0, 1.0, 2.1]), np.array([490.0, 340.0, 433.0, 402.0])
    variances = first.var(ddof=1) / 4, second.var(ddof=1) / 4
    freedom = sum(variances) ** 2 / sum(v * v / 3 for v in variances)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))

    estimate = mean_difference(first, second)

    assert estimate.value == pytest.approx(2.525 - 416.25)
    assert (estimate.low, estimate.high) == pytest.approx(
        (estimate.value - half, estimate.value + half)
    )
    assert (estimate.n, estimate.interval.method) == (4, "welch")


def test_exchanging_the_samples_turns_the_difference_round():
    first, second = [0.1, 0.4, 0.35], [0.8, 0.2, 0.5, 0.6]
    here, there = mean_difference(first, second), mean_difference(second, first)

    assert (there.value, there.low, there.high) == pytest.approx(
        (-here.value, -here.high, -here.low)
    )
    assert here.n == there.n == 3


def test_constant_samples_differ_by_exactly_their_difference():
    estimate = mean_difference([0.75] * 3, [0.5] * 5)

    assert (estimate.low, estimate.value, estimate.high) == (0.25, 0.25, 0.25)


def test_intervals_of_differences_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    samples = [(rng.normal(1.0, 1.0, 12), rng.normal(0.2, 3.0, 25)) for _ in range(500)]

    covered = np.mean([e.low <= 0.8 <= e.high for e in (mean_difference(*s) for s in samples)])

    assert 0.92 < covered < 0.98


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0), (1, 5), (1, 1)])
def test_samples_too_small_to_have_a_spread_are_refused(sizes):
    with pytest.raises(ValueError, match="two"):
        mean_difference([0.5] * sizes[0], [0.75] * sizes[1])
    with pytest.raises(ValueError, match="two scores on each side"):
        auc([0.5] * sizes[0], [0.75] * sizes[1])


@given(positives=scores, negatives=scores)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(positives, negatives):
    estimate = auc(positives, negatives)

    assert estimate.value == pytest.approx(_pairs(positives, negatives).mean())
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
    assert estimate.n == min(len(positives), len(negatives))


@given(positives=scores, negatives=scores)
def test_the_error_of_the_auc_is_that_of_delong(positives, negatives):
    pairs = _pairs(positives, negatives)
    by_row, by_column = pairs.mean(axis=1), pairs.mean(axis=0)
    error = np.sqrt(by_row.var(ddof=1) / by_row.size + by_column.var(ddof=1) / by_column.size)

    estimate = auc(positives, negatives)

    if (
        estimate.interval.method == "delong-logit"
        and max(estimate.high, 1 - estimate.low) < 1 - 1e-9
    ):
        assert _delong_error(estimate) == pytest.approx(error, rel=1e-4)
    elif estimate.interval.method == "binomial":
        assert error == 0.0 or estimate.value in (0.0, 1.0)


def test_the_error_of_a_small_auc_is_the_one_worked_out_by_hand():
    # Pairs won: 2 of (1, 3) one, 4 both. Both variances are 0.125 / 2.
    estimate = auc([2.0, 4.0], [1.0, 3.0])

    assert estimate.value == 0.75
    assert _delong_error(estimate) == pytest.approx(np.sqrt(0.125))


def test_without_a_difference_the_variance_is_that_of_the_rank_sum():
    rng = np.random.default_rng(1)
    m, n = 40, 60

    errors = [_delong_error(auc(rng.normal(size=m), rng.normal(size=n))) for _ in range(300)]

    # Mann and Whitney (1947): (m + n + 1) / (12 m n) for equal distributions.
    assert np.mean(np.square(errors)) == pytest.approx((m + n + 1) / (12 * m * n), rel=0.05)


def test_intervals_of_the_auc_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(2)
    truth = stats.norm.cdf(1.0 / np.sqrt(2.0))
    samples = [(rng.normal(1.0, 1.0, 60), rng.normal(0.0, 1.0, 60)) for _ in range(500)]

    covered = np.mean([e.low <= truth <= e.high for e in (auc(*sample) for sample in samples)])

    assert 0.92 < covered < 0.98


@pytest.mark.parametrize(("positives", "value"), [([3.0, 4.0], 1.0), ([-1.0, 0.0], 0.0)])
def test_a_perfect_order_of_few_scores_is_not_taken_for_certain(positives, value):
    estimate = auc(positives, [1.0, 2.0])

    exact = stats.binomtest(int(2 * value), 2).proportion_ci(method="exact")
    assert (estimate.value, estimate.interval.method) == (value, "binomial")
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high))


def test_an_auc_of_scores_that_are_not_numbers_is_refused():
    for scores_ in (([0.5, np.nan], [0.1, 0.2]), ([0.5, 0.6], [np.nan, 0.2])):
        with pytest.raises(ValueError, match="NaN ranks nowhere"):
            auc(*scores_)


@pytest.mark.parametrize(
    ("negatives", "fpr", "threshold"),
    [
        (range(100), 0.01, 98),  # one false positive: 99
        (range(100), 0.02, 97),
        (range(100), 0.019, 98),  # a second one would be more than 1.9%
        (range(199), 0.01, 197),  # 1.99 false positives are one
        (range(300), 0.01, 296),
        (range(100), 0.29, 70),  # 29, although 100 * 0.29 is a hair less
        ([5] * 50 + [0] * 50, 0.01, 5),  # a tie lets all fifty in or none
        ([5, 5, *range(-98, 0)], 0.02, -1),  # both of the tie are allowed
    ],
)
def test_the_threshold_lets_no_more_false_positives_in_than_allowed(negatives, fpr, threshold):
    positives = np.array([threshold - 0.5, threshold, threshold + 0.5, threshold + 100.0])

    estimate = tpr_at_fpr(positives, np.array(negatives, dtype=float), fpr=fpr)

    assert (estimate.value, estimate.n, estimate.interval.method) == (0.5, 4, "wilson")


@given(
    positives=scores,
    negatives=st.lists(st.integers(-3, 3).map(float), min_size=10, max_size=30),
    fpr=st.sampled_from([0.1, 0.25, 0.5, 1.0]),
)
def test_no_other_threshold_within_the_allowance_finds_more(positives, negatives, fpr):
    allowed = int(np.floor(len(negatives) * fpr + 1e-9))
    best = max(
        np.mean(np.array(positives) > threshold)
        for threshold in (-np.inf, *negatives)
        if np.sum(np.array(negatives) > threshold) <= allowed
    )

    assert tpr_at_fpr(positives, negatives, fpr=fpr).value == pytest.approx(best)


def test_guessing_recognises_about_as_many_as_the_false_positives():
    rng = np.random.default_rng(3)

    estimate = tpr_at_fpr(rng.uniform(size=20_000), rng.uniform(size=20_000), fpr=0.01)

    assert estimate.value == pytest.approx(0.01, abs=0.003)


def test_a_rate_that_the_sample_cannot_support_is_refused():
    with pytest.raises(ValueError, match="99 negatives cannot support"):
        tpr_at_fpr([1.0], np.zeros(99), fpr=0.01)
    with pytest.raises(ValueError, match="no samples"):
        tpr_at_fpr([], np.zeros(100), fpr=0.01)


@pytest.mark.parametrize("positives", [[0.9, np.nan], [0.9]])
def test_a_score_that_is_no_number_is_no_proof_of_privacy(positives):
    negatives = np.zeros(100)
    negatives[0] = 0.0 if np.isnan(positives).any() else np.nan

    with pytest.raises(ValueError, match="NaN"):
        tpr_at_fpr(positives, negatives, fpr=0.01)
