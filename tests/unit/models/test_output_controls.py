import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from seclab.errors import Misconfigured
from seclab.models.output_controls import (
    CONTROLS,
    consistently_noisy,
    control,
    noisy,
    rounded,
    tempered,
    top_only,
)

NAN = np.nan


def _rows(n=5, k=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.dirichlet(np.ones(k), n)


def test_rounding_keeps_so_many_decimals():
    assert rounded(np.array([[0.12345, 0.87655]]), decimals=2).tolist() == [[0.12, 0.88]]


def test_only_the_highest_is_served_and_of_several_the_first():
    served = top_only(np.array([[0.2, 0.7, 0.1], [0.4, 0.4, 0.2]]))

    np.testing.assert_array_equal(served, [[NAN, 0.7, NAN], [0.4, NAN, NAN]])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_a_temperature_divides_the_logits(temperature):
    logits = np.random.default_rng(0).normal(0.0, 5.0, (6, 4))

    served = tempered(softmax(logits, axis=1), temperature=temperature)

    np.testing.assert_allclose(served, softmax(logits / temperature, axis=1))


def test_a_cold_temperature_leaves_no_row_empty():
    served = tempered(np.full((1, 10), 0.1), temperature=1e-3)

    np.testing.assert_allclose(served, 0.1)


@pytest.mark.parametrize("temperature", [0.0, -1.0, NAN])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match="above 0"):
        tempered(np.array([[0.5, 0.5]]), temperature=temperature)


def test_independent_noise_is_averaged_away_by_asking_again_and_consistent_noise_is_not():
    x, p = _rows()
    rng = np.random.default_rng(0)
    independent = np.mean([noisy(p, scale=0.05, rng=rng) for _ in range(400)], axis=0)
    consistent = np.mean([consistently_noisy(x, p, scale=0.05, key=b"k") for _ in range(5)], axis=0)

    assert np.abs(independent - p).mean() < 0.3 * np.abs(consistent - p).mean()
    np.testing.assert_allclose(consistent, consistently_noisy(x, p, scale=0.05, key=b"k"))


def test_consistent_noise_belongs_to_the_question_and_the_key():
    x, p = _rows(n=2)
    same = np.array([x[0], x[0], -x[0] * 0.0, x[0] * 0.0])
    answers = np.repeat(p[:1], 4, axis=0)

    served = consistently_noisy(same, answers, scale=0.05, key=b"k")

    assert np.array_equal(served[0], served[1])
    assert not np.array_equal(served[0], served[2])
    assert np.array_equal(served[2], served[3])  # -0.0 is 0.0
    assert not np.array_equal(served, consistently_noisy(same, answers, scale=0.05, key=b"other"))
    # Alone or among others, the answer is the same.
    alone = consistently_noisy(same[2:3], answers[2:3], scale=0.05, key=b"k")
    assert np.array_equal(alone[0], served[2])


@given(st.integers(2, 6), st.floats(0.0, 1.0), st.integers(0, 1000))
def test_noisy_rows_are_distributions(k, scale, seed):
    x, p = _rows(n=4, k=k, seed=seed)
    for served in (
        noisy(p, scale=scale, rng=np.random.default_rng(seed)),
        consistently_noisy(x, p, scale=scale, key=b""),
    ):
        assert served.min() >= 0.0
        np.testing.assert_allclose(served.sum(axis=1), 1.0)


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_serves_what_its_resolution_says_and_leaves_the_model_alone(name):
    x, p = _rows(n=50)
    before = p.copy()
    chosen = control(name)
    assert chosen.name == name
    if chosen.serve is None:
        assert name == "labels"
        return

    served = chosen.serve(x, p)

    assert served.shape == p.shape
    assert np.array_equal(p, before)
    if name != "tempered":  # no error, but another scale
        assert np.nanmax(np.abs(served - p)) <= 2 * chosen.resolution
    assert np.isnan(served).any() == (name == "top1")


def test_an_unknown_control_is_refused_with_those_known():
    with pytest.raises(Misconfigured, match="unknown answers 'silence'; known: confidences, "):
        control("silence")
