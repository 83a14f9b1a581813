import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seclab.statistics import mean_of, median_of

values = st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=80)


@given(sample=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50))
def test_the_interval_of_a_mean_is_student_s(sample):
    found = mean_of(sample)

    error = np.std(sample, ddof=1) / np.sqrt(len(sample))
    reach = stats.t.ppf(0.975, len(sample) - 1) * error
    assert found.value == pytest.approx(np.mean(sample))
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach))
    assert (found.n, found.interval.method) == (len(sample), "student")


@given(sample=values, level=st.sampled_from([0.5, 0.9, 0.95]))
def test_the_interval_of_a_median_reaches_its_level_and_no_narrower_one_does(sample, level):
    found, n = median_of(sample, level=level), len(sample)

    assert found.low <= found.value <= found.high
    ranked = sorted(sample)
    rank = next(
        rank
        for rank in range(n // 2 + 1, 0, -1)
        if 1.0 - 2.0 * stats.binom.cdf(rank - 1, n, 0.5) >= level - 1e-12
    )
    assert (found.low, found.high) == (ranked[rank - 1], ranked[-rank])


def test_the_interval_of_a_median_is_the_published_one():
    # Conover (1999), section 3.2: of 16 values the 4th and the 13th at 95%.
    found = median_of(range(1, 17))

    assert (found.value, found.low, found.high) == (8.5, 4.0, 13.0)


def test_too_few_values_support_no_median():
    with pytest.raises(ValueError, match=r"5 values cannot support a median at a level of 0\.95"):
        median_of([1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize("statistic", [mean_of, median_of])
def test_a_value_that_is_nan_is_refused(statistic):
    with pytest.raises(ValueError, match="NaN"):
        statistic([1.0] * 9 + [float("nan")])


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match="got 1 values"):
        mean_of([1.0])
