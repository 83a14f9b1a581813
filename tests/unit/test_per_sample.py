import numpy as np
import pytest

from seclab.per_sample import mean_rate, rate
from seclab.statistics import proportion


def test_a_rate_keeps_the_answer_to_every_sample(splits):
    some = splits.test.take(np.arange(5))

    reading = rate("right", np.array([True, False, True, True, False]), some, {"severity": 3})

    assert (reading.metric, reading.parameters) == ("right", {"severity": 3})
    assert reading.estimate == proportion(3, 5)
    assert reading.per_sample.hits == "10110"
    assert reading.per_sample.samples == str(some.fingerprint().ordered)
    assert reading.per_sample.gives(reading.estimate.value, reading.estimate.n)


def test_answers_to_other_samples_are_refused(splits):
    with pytest.raises(ValueError, match="5 samples, but answers of shape"):
        rate("right", np.ones(4, dtype=bool), splits.test.take(np.arange(5)))


def test_several_answers_to_a_sample_do_not_narrow_the_interval():
    hits = np.zeros((20, 360), dtype=bool)
    hits[:10] = True

    estimate = mean_rate(hits)

    assert (estimate.value, estimate.n) == (0.5, 360)
    assert estimate.interval == proportion(180, 360).interval


def test_a_total_between_whole_samples_takes_the_wider_ends():
    hits = np.ones((4, 360), dtype=bool)
    hits[0, 0] = False

    estimate = mean_rate(hits)

    assert estimate.value == pytest.approx(1 - 1 / (4 * 360))
    assert estimate.interval.low == proportion(359, 360).interval.low
    assert estimate.interval.high == 1.0


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_nothing_has_no_mean(shape):
    with pytest.raises(ValueError, match="not a measurement"):
        mean_rate(np.zeros(shape, dtype=bool))
