"""Rates, their differences, and those of paired answers, with their intervals."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seclab.measurement import Estimate, Interval
from seclab.statistics import (
    BOUND,
    difference,
    mcnemar,
    mean_of_fractions,
    mean_of_groups,
    paired_difference,
    proportion,
    proportion_of,
)
from tests.unit.quantiles import Z


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_the_published_ones(successes, n, low, high):
    estimate = proportion(successes, n)

    assert estimate.value == successes / n
    assert estimate.n == n
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)
    assert (estimate.interval.level, estimate.interval.method) == (0.95, "wilson")


@given(data=st.data(), n=st.integers(1, 2000), level=st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_intervals_follow_the_closed_form_and_hold_their_value(data, n, level):
    successes = data.draw(st.integers(0, n) | st.sampled_from([0, n]))
    z, p = float(stats.norm.ppf(0.5 + level / 2)), successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    width = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))

    estimate = proportion(successes, n, level=level)

    assert (estimate.low, estimate.high) == pytest.approx(
        (centre - width, centre + width), abs=1e-12
    )
    assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0


def test_wilson_intervals_cover_the_truth_about_as_often_as_they_say():
    n = 100
    limits = np.array([(e.low, e.high) for e in (proportion(k, n) for k in range(n + 1))])

    for truth in (0.02, 0.1, 0.3, 0.5, 0.77, 0.95):
        covers = (limits[:, 0] <= truth) & (truth <= limits[:, 1])
        # Exact, for every possible number of successes; discreteness keeps it from being 0.95.
        assert 0.92 < stats.binom.pmf(np.arange(n + 1), n, truth)[covers].sum() < 0.985


def test_a_rate_over_no_samples_is_refused():
    with pytest.raises(ValueError, match="no samples"):
        proportion(0, 0)
    with pytest.raises(ValueError, match="no samples"):
        proportion_of([])


@pytest.mark.parametrize("successes", [-1, 11])
def test_more_successes_than_trials_are_refused(successes):
    with pytest.raises(ValueError, match=r"k .*must"):
        proportion(successes, 10)


def test_proportion_of_counts_what_is_true():
    assert proportion_of(np.array([True, False, True, True])) == proportion(3, 4)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_intervals_of_differences_of_rates_are_the_published_ones(first, second, low, high):
    estimate = difference(proportion(*first), proportion(*second))

    assert estimate.value == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)
    assert (estimate.interval.level, estimate.interval.method) == (0.95, "newcombe")
    assert estimate.n == min(first[1], second[1])


def test_intervals_of_differences_of_rates_cover_the_truth_about_as_often_as_they_say():
    n, truths = 40, (0.85, 0.7)
    rates = [proportion(k, n) for k in range(n + 1)]
    limits = np.array([[(e.low, e.high) for e in (difference(a, b) for b in rates)] for a in rates])
    weights = np.outer(*(stats.binom.pmf(np.arange(n + 1), n, truth) for truth in truths))

    covers = (limits[..., 0] <= truths[0] - truths[1]) & (truths[0] - truths[1] <= limits[..., 1])

    # Exact, over every pair of outcomes.
    assert 0.93 < weights[covers].sum() < 0.975


@given(data=st.data(), sizes=st.tuples(st.integers(1, 500), st.integers(1, 500)))
def test_the_difference_of_two_rates_turns_round_and_holds_its_value(data, sizes):
    first, second = (proportion(data.draw(st.integers(0, n)), n) for n in sizes)
    here, there = difference(first, second), difference(second, first)

    assert here.low <= here.value <= here.high
    assert here.low >= -1.0 - 1e-12
    assert here.high <= 1.0 + 1e-12
    assert (there.value, there.low, there.high) == pytest.approx(
        (-here.value, -here.high, -here.low)
    )


def test_against_an_exact_number_only_the_other_one_is_uncertain():
    rate, exact = proportion(30, 40), Estimate(0.25, None, 7)

    estimate = difference(rate, exact)

    assert (estimate.value, estimate.n) == (0.5, 7)
    assert (estimate.low, estimate.high) == pytest.approx((rate.low - 0.25, rate.high - 0.25))
    assert difference(exact, exact) == Estimate(0.0, None, 7)


def test_what_is_only_bounded_from_below_has_no_interval_of_its_change():
    bound = Estimate(1.5, Interval(1.5, 1.5, 0.95, BOUND), 20)

    for first, second in ((bound, bound), (proportion(3, 4), bound), (bound, proportion(3, 4))):
        found = difference(first, second)
        assert (found.value, found.interval) == (first.value - second.value, None)


def test_intervals_of_different_levels_are_not_joined():
    other = Estimate(0.5, Interval(0.4, 0.6, 0.99, "wilson"), 10)

    with pytest.raises(ValueError, match=r"different levels cannot be joined: \[0.95, 0.99\]"):
        difference(proportion(5, 10), other)


def test_a_difference_costs_no_import_of_the_statistics_of_scipy():
    program = (
        "import sys; from seclab.gate import decide; from seclab.statistics import difference;"
        "sys.exit('scipy.stats' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def _pairs_of(both, only_first, only_second, neither):
    """Two boolean arrays with these numbers of pairs."""
    first = [True] * (both + only_first) + [False] * (only_second + neither)
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return first, second


def _tango_score(delta, only_first, only_second, n):
    """The score statistic at a difference, its nuisance parameter found by search."""
    shares = np.linspace(max(0.0, -delta), 1.0, 200_001)[1:-1]
    shares = shares[shares + delta < 1.0]
    rest = 1.0 - 2.0 * shares - delta
    shares, rest = shares[rest > 0.0], rest[rest > 0.0]
    likelihood = (
        only_first * np.log(shares + delta)
        + only_second * np.log(shares)
        + (n - only_first - only_second) * np.log(rest)
    )
    share = shares[likelihood.argmax()]
    return (only_first - only_second - n * delta) / np.sqrt(n * (2 * share + delta - delta**2))


def test_the_paired_interval_is_the_published_one():
    # Tango (1998), the crossover trial of soft contact lenses: 36 both, 12 and 2 apart, none else.
    found = paired_difference(*_pairs_of(36, 12, 2, 0))

    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0611, 0.3447), abs=5e-5)
    assert (found.n, found.interval.level, found.interval.method) == (50, 0.95, "tango")


@pytest.mark.parametrize("pairs", [(36, 12, 2, 0), (50, 3, 9, 8), (300, 20, 14, 26)])
def test_the_ends_of_the_paired_interval_are_just_not_rejected_by_the_score_test(pairs):
    found = paired_difference(*_pairs_of(*pairs))

    _, only_first, only_second, _ = pairs
    ends = [_tango_score(end, only_first, only_second, found.n) for end in (found.low, found.high)]
    assert ends == pytest.approx([Z, -Z], abs=1e-3)


@given(
    pairs=st.tuples(*[st.integers(0, 40)] * 4).filter(any), level=st.sampled_from([0.5, 0.95, 0.99])
)
def test_the_paired_interval_holds_its_value_and_turns_round_with_its_sides(pairs, level):
    first, second = _pairs_of(*pairs)

    found = paired_difference(first, second, level=level)

    assert found.value == pytest.approx(np.mean(first) - np.mean(second))
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    back = paired_difference(second, first, level=level)
    assert (-back.high, -back.low) == pytest.approx((found.low, found.high))


@given(flags=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_one_more_hit_on_a_side_never_moves_the_difference_against_it(flags):
    first, second = map(list, zip(*flags, strict=True))
    found = paired_difference(first, second)

    for index in [index for index, hit in enumerate(second) if not hit]:
        better = [*second[:index], True, *second[index + 1 :]]
        assert paired_difference(first, better).high <= found.high + 1e-9


def test_pairs_that_go_together_give_a_narrower_interval_than_strangers():
    first, second = _pairs_of(300, 10, 5, 45)

    paired = paired_difference(first, second)

    strangers = difference(proportion_of(first), proportion_of(second))
    assert paired.high - paired.low < 0.5 * (strangers.high - strangers.low)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 20, 33, 360])
def test_pairs_that_all_disagree_one_way_have_the_interval_of_a_rate_moved_and_doubled(n):
    # Of these the score statistic is that of Wilson, of the share 1 in n of n.
    found = paired_difference([False] * n, [True] * n)

    assert (found.value, found.low) == (-1.0, -1.0)
    assert found.high == pytest.approx(1.0 - 2.0 * proportion(n, n).low, abs=1e-6)


@pytest.mark.parametrize("shares", [(0.05, 0.05), (0.3, 0.1), (0.5, 0.0), (0.02, 0.0)])
def test_paired_intervals_of_few_samples_cover_the_truth_about_as_often_as_they_say(shares):
    n, (one, other) = 12, shares
    covered = 0.0
    for only_first, only_second in itertools.product(range(n + 1), repeat=2):
        if only_first + only_second <= n:
            rest = n - only_first - only_second
            found = paired_difference(*_pairs_of(0, only_first, only_second, rest))
            if found.low <= one - other <= found.high:
                counts = [only_first, only_second, rest]
                covered += stats.multinomial.pmf(counts, n, [one, other, 1.0 - one - other])

    assert covered > 0.925


@pytest.mark.parametrize(
    ("pairs", "p_value"),
    [
        ((36, 12, 2, 0), 2 * (1 + 14 + 91) / 2**14),
        ((0, 6, 1, 9), 0.125),
        ((5, 4, 4, 5), 1.0),
        ((5, 0, 0, 5), 1.0),
        ((0, 1, 0, 0), 1.0),
        ((7, 0, 10, 7), 2 / 2**10),
    ],
)
def test_mcnemar_counts_the_coins_that_fall_as_unevenly_or_more(pairs, p_value):
    first, second = _pairs_of(*pairs)

    assert mcnemar(first, second) == pytest.approx(p_value)
    assert mcnemar(second, first) == pytest.approx(p_value)


def test_what_is_equal_is_taken_for_different_at_most_one_time_in_twenty():
    # Exact, over every way in which 30 pairs that disagree can fall.
    ways = [mcnemar(*_pairs_of(0, k, 30 - k, 10)) for k in range(31)]

    assert stats.binom.pmf(np.arange(31), 30, 0.5)[np.array(ways) <= 0.05].sum() <= 0.05


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([True], [True, False]), ([[True]], [[1]])]
)
def test_what_is_not_paired_has_no_paired_difference(first, second):
    for paired in (paired_difference, mcnemar):
        with pytest.raises(ValueError, match="pairs need equal lengths of at least 1"):
            paired(first, second)


@given(st.integers(1, 60), st.data())
def test_a_mean_of_yes_and_no_is_their_rate(n, data):
    hits = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))

    mean, rate = mean_of_fractions(np.array(hits, dtype=float)), proportion_of(hits)

    assert (mean.value, mean.n) == (pytest.approx(rate.value), rate.n)
    assert (mean.low, mean.high) == (
        pytest.approx(rate.low, abs=1e-12),
        pytest.approx(rate.high, abs=1e-12),
    )


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_a_mean_of_fractions_lies_inside_its_interval_and_that_in_0_to_1(values):
    found = mean_of_fractions(values)

    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


def test_the_interval_of_a_mean_of_fractions_holds_for_the_most_spread_out_of_them():
    """Fractions that are 0 or 1 vary as much as any: others are covered more often still."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(2000):
        found = mean_of_fractions(rng.beta(0.2, 0.05, size=20))  # mean 0.8, mostly at the ends
        covered.append(found.low <= 0.8 <= found.high)
    assert np.mean(covered) > 0.94


@pytest.mark.parametrize("values", [[], [0.5, 1.1], [-0.1], [np.nan]])
def test_what_is_no_fraction_has_no_mean(values):
    with pytest.raises(ValueError, match="a mean of fractions needs some"):
        mean_of_fractions(values)


def test_a_rate_in_groups_counts_every_group_alike():
    found = mean_of_groups([10, 0], [10, 90])

    assert (found.value, found.n) == (0.5, 100)
    # Two groups that could not differ more say nothing at all about a third.
    assert (found.low, found.high) == (0.0, 1.0)


def test_groups_that_agree_are_no_surer_than_as_many_samples():
    found, single = mean_of_groups([0, 0, 0], [100, 100, 100]), proportion(0, 300)

    assert (found.low, found.high) == (0.0, pytest.approx(single.high))


def test_a_single_group_is_a_rate_of_its_samples():
    found, single = mean_of_groups([7], [30]), proportion(7, 30)

    assert (found.value, found.low, found.high) == (
        pytest.approx(single.value),
        pytest.approx(single.low),
        pytest.approx(single.high),
    )
    assert found.interval.method == "wilson"


@pytest.mark.parametrize(("hits", "sizes"), [([], []), ([0], [0]), ([3], [2]), ([1, 1], [2])])
def test_groups_that_cannot_be_have_no_rate(hits, sizes):
    with pytest.raises(ValueError, match=r"needs some|need samples"):
        mean_of_groups(hits, sizes)
