import itertools
import tracemalloc
from collections import deque

import numpy as np
import pytest

from seclab import datasets, models
from seclab.errors import Misconfigured
from seclab.evaluations.random_noise import random_noise
from seclab.models import SPECS, Target
from seclab.statistics import proportion


@pytest.fixture(scope="module")
def digits():
    return datasets.split(datasets.load("digits"), seed=0)


@pytest.fixture(scope="module")
def softmax(digits):
    return models.train(models.spec("softmax-regression"), digits.train, seed=0)


class Scripted:
    """A target whose answers are a function of the rows asked; it keeps what it was asked."""

    def __init__(self, data, answer):
        self.data, self.answer, self.asked, self.queries = data, answer, [], 0

    def predict(self, x):
        self.asked.append(x)
        self.queries += len(x)
        return self.answer(x)


def _run(target, *, seed=0, **parameters):
    return random_noise(target, rng=np.random.default_rng(seed), **parameters)


def _values(result):
    return {
        (reading.parameters["noise"], reading.parameters["epsilon"]): reading.estimate.value
        for reading in result.readings
    }


def test_one_number_for_every_budget_and_noise_with_n_counting_samples(softmax, digits):
    target = Target(softmax, digits)
    result = _run(target, epsilons=(0.1, 0.3), repeats=3)

    assert set(_values(result)) == {(n, e) for n in ("uniform", "sign") for e in (0.1, 0.3)}
    assert {reading.metric for reading in result.readings} == {"noisy_accuracy"}
    assert {reading.estimate.n for reading in result.readings} == {360}
    assert target.queries == 2 * 2 * 3 * 360


def test_a_model_that_is_always_right_scores_one_and_a_constant_one_its_class_share(digits):
    test = digits.test
    always = _run(Scripted(digits, lambda x: np.tile(test.labels, len(x) // len(test))))
    constant = _run(Scripted(digits, lambda x: np.zeros(len(x), dtype=int)))

    assert set(_values(always).values()) == {1.0}
    share = float(np.mean(test.labels == 0))
    assert list(_values(constant).values()) == pytest.approx([share] * 10)


def test_draws_on_one_sample_do_not_narrow_the_interval(digits):
    test = digits.test

    draws = itertools.count()

    def right_on_half_of_the_draws(_):
        return test.labels if next(draws) % 2 else np.full(len(test), -1)

    result = _run(Scripted(digits, right_on_half_of_the_draws), epsilons=(0.1,), repeats=20)
    single = proportion(180, 360)

    for reading in result.readings:
        assert reading.estimate.value == 0.5
        assert reading.estimate.interval.low == pytest.approx(single.interval.low)
        assert reading.estimate.interval.high == pytest.approx(single.interval.high)


def test_a_total_between_whole_samples_takes_the_wider_ends(digits):
    test = digits.test

    draws = itertools.count()

    def right_but_for_one_answer(_):
        answers = test.labels.copy()
        if next(draws) == 0:
            answers[0] = -1
        return answers

    result = _run(Scripted(digits, right_but_for_one_answer), epsilons=(0.1,), repeats=4)
    estimate = result.readings[0].estimate

    assert estimate.value == pytest.approx(1 - 1 / (4 * 360))
    assert estimate.interval.low == proportion(359, 360).interval.low
    assert estimate.interval.high == 1.0


def test_no_noise_gives_the_clean_accuracy(softmax, digits):
    target = Target(softmax, digits)
    clean = float(np.mean(target.predict(digits.test.features) == digits.test.labels))

    assert list(_values(_run(target, epsilons=(0.0,))).values()) == pytest.approx([clean, clean])


def test_more_noise_hurts_and_the_full_budget_hurts_more(softmax, digits):
    values = _values(_run(Target(softmax, digits)))

    assert values["sign", 0.3] < values["sign", 0.15] < values["sign", 0.05]
    assert values["sign", 0.3] < values["uniform", 0.3] < values["uniform", 0.05]


def test_the_model_is_asked_only_within_budget_and_range(bars):
    target = Scripted(bars, lambda x: np.zeros(len(x), dtype=int))
    _run(target, epsilons=(0.05,), repeats=2)

    assert len(target.asked) == 2 * 2
    for asked in target.asked:
        assert asked.min() >= -1.0
        assert asked.max() <= 3.0
        assert 0.19 < np.abs(asked - bars.test.features).max() <= 0.2 + 1e-9


def test_memory_does_not_grow_with_the_draws(bars):
    target = Scripted(bars, lambda x: np.zeros(len(x), dtype=int))
    target.asked = deque(maxlen=1)
    peaks = []

    for repeats in (2, 200):
        tracemalloc.start()
        _run(target, epsilons=(0.05,), repeats=repeats)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    # What grows is one yes or no for each draw and sample.
    assert peaks[1] - peaks[0] < 200 * bars.test.features.nbytes / 10


def test_another_budget_in_the_sweep_changes_no_number(softmax, digits):
    alone = _values(_run(Target(softmax, digits), epsilons=(0.3,)))
    swept = _values(_run(Target(softmax, digits), epsilons=(0.1, 0.3)))

    assert alone.items() <= swept.items()


def test_equal_seeds_give_equal_numbers_and_others_do_not(softmax, digits):
    first, again, other = (_values(_run(Target(softmax, digits), seed=seed)) for seed in (0, 0, 1))

    assert first == again
    assert first != other


@pytest.mark.parametrize("name", sorted(SPECS))
def test_it_runs_on_every_model_and_on_rows_that_are_no_images(name, bars):
    target = Target(models.train(models.spec(name), bars.train, seed=0), bars)
    values = _values(_run(target, epsilons=(0.0, 0.1)))

    assert values["uniform", 0.0] > 0.9
    assert all(0.0 <= value <= 1.0 for value in values.values())


def test_table_and_chart_say_what_the_readings_say(softmax, digits):
    result = _run(Target(softmax, digits), epsilons=(0.1, 0.3))

    values = _values(result)
    rows = result.tables[0].records()
    assert {(row["noise"], row["epsilon"]): row["noisy_accuracy"] for row in rows} == values
    assert all(row["low"] <= row["noisy_accuracy"] <= row["high"] for row in rows)
    assert {row["samples"] for row in rows} == {360}
    uniform, sign = result.figures[0].series
    assert (uniform.label, uniform.x) == ("uniform noise", (0.1, 0.3))
    assert sign.y == (values["sign", 0.1], values["sign", 0.3])
    assert sign.low < sign.y < sign.high


def test_everything_wrong_is_said_at_once(softmax, digits):
    with pytest.raises(Misconfigured) as refused:
        _run(Target(softmax, digits), epsilons=(0.1, 0.1, 1.2, float("nan")), repeats=0)

    assert len(refused.value.problems) == 4
    with pytest.raises(Misconfigured, match="at least one budget"):
        _run(Target(softmax, digits), epsilons=())
