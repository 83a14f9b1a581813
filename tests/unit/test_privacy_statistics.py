import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from seclab.statistics import balanced_accuracy, difference, epsilon_lower_bound, proportion


def _flags(hits, n):
    return np.arange(n) < hits


def test_balanced_accuracy_is_the_mean_of_the_two_rates_whatever_the_sizes():
    estimate = balanced_accuracy(_flags(90, 100), _flags(2, 10))

    assert estimate.value == pytest.approx((0.9 + 0.8) / 2)
    assert estimate.n == 10


@given(hits=st.integers(0, 40), alarms=st.integers(0, 25))
def test_the_interval_of_balanced_accuracy_is_newcombes_moved_and_halved(hits, alarms):
    estimate = balanced_accuracy(_flags(hits, 40), _flags(alarms, 25))

    gap = difference(proportion(hits, 40), proportion(alarms, 25))
    assert estimate.low == pytest.approx(0.5 + gap.low / 2)
    assert estimate.high == pytest.approx(0.5 + gap.high / 2)
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0


def test_calling_everybody_or_nobody_a_member_is_guessing():
    for everybody in (0, 30):
        assert balanced_accuracy(_flags(everybody, 30), _flags(everybody, 30)).value == 0.5


def test_balanced_accuracy_of_nobody_is_no_measurement():
    with pytest.raises(ValueError, match="no samples"):
        balanced_accuracy([], [True])


def _by_hand(hits, m, alarms, n, *, delta=0.0):
    """The definition, with the exact limits of scipy at 97.5% each."""
    tpr = binomtest(hits, m, alternative="greater").proportion_ci(0.975, "exact").low
    fpr = binomtest(alarms, n, alternative="less").proportion_ci(0.975, "exact").high
    ratios = [(tpr - delta) / fpr, (1.0 - fpr - delta) / (1.0 - tpr)]
    return max([0.0, *(np.log(ratio) for ratio in ratios if ratio > 0.0)])


@given(hits=st.integers(0, 50), alarms=st.integers(0, 30), delta=st.sampled_from([0.0, 0.01, 0.2]))
def test_the_bound_is_that_of_the_exact_limits(hits, alarms, delta):
    bound = epsilon_lower_bound(hits, 50, alarms, 30, delta=delta)

    assert float(bound) == pytest.approx(_by_hand(hits, 50, alarms, 30, delta=delta), abs=1e-9)


def test_the_bound_of_a_perfect_attack_grows_with_the_rows():
    bounds = [float(epsilon_lower_bound(n, n, 0, n)) for n in (10, 100, 1000)]

    assert bounds == sorted(bounds)
    assert bounds[1] == pytest.approx(np.log(0.025**0.01 / (1.0 - 0.025**0.01)))


def test_many_counts_are_bounded_at_once():
    hits, alarms = np.array([5, 20, 50]), np.array([5, 2, 0])

    bounds = epsilon_lower_bound(hits, 50, alarms, 50)

    assert bounds == pytest.approx(
        [float(epsilon_lower_bound(h, 50, a, 50)) for h, a in zip(hits, alarms, strict=True)]
    )


def test_guessing_proves_nothing():
    assert epsilon_lower_bound(30, 100, 30, 100) == 0.0
    assert epsilon_lower_bound(0, 100, 0, 100) == 0.0
    assert epsilon_lower_bound(10, 100, 60, 100) == 0.0


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_what_holds_is_refuted_at_most_one_time_in_twenty(epsilon):
    # Randomised response is exactly epsilon-private: the most telling attack there can be.
    truth, n = np.exp(epsilon) / (1.0 + np.exp(epsilon)), 200
    counts = np.arange(n + 1)
    likely = binom.pmf(counts[:, None], n, truth) * binom.pmf(counts[None, :], n, 1.0 - truth)

    bounds = epsilon_lower_bound(counts[:, None], n, counts[None, :], n)

    assert likely[bounds > epsilon].sum() <= 0.05
    assert (likely * bounds).sum() > epsilon / 3
