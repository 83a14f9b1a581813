import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.noise import (
    DIRECTIONS,
    linf_random_noise,
    sign_directions,
    uniform_directions,
)


@given(
    epsilon=st.floats(0.0, 1.0),
    low=st.floats(-100.0, 100.0),
    width=st.floats(0.1, 100.0),
    kind=st.sampled_from(sorted(DIRECTIONS)),
    seed=st.integers(0, 2**32 - 1),
)
def test_noise_stays_within_budget_and_feature_range(epsilon, low, width, kind, seed):
    rng = np.random.default_rng(seed)
    high = low + width
    x = rng.uniform(low, high, (5, 4))
    directions = DIRECTIONS[kind]((3, *x.shape), rng=rng)

    noisy = linf_random_noise(x, directions, epsilon=epsilon, bounds=(low, high))

    assert noisy.shape == (3, 5, 4)
    assert noisy.min() >= low
    assert noisy.max() <= high
    assert np.abs(noisy - x).max() <= epsilon * (high - low) + 1e-9


def test_sign_noise_uses_the_whole_budget_where_the_range_allows():
    x = np.full((50, 8), 8.0)
    directions = sign_directions(x.shape, rng=np.random.default_rng(0))

    noisy = linf_random_noise(x, directions, epsilon=0.25, bounds=(0.0, 16.0))

    assert set(np.unique(noisy)) == {4.0, 12.0}


def test_uniform_noise_fills_the_ball():
    directions = uniform_directions((20_000,), rng=np.random.default_rng(0))

    assert np.histogram(directions, bins=4, range=(-1, 1))[0] == pytest.approx([5000] * 4, rel=0.1)
    assert np.abs(directions).max() > 0.99


def test_noise_is_clipped_at_the_range_and_not_wrapped():
    x = np.array([[0.0, 1.0]])

    noisy = linf_random_noise(x, np.array([[-1.0, 1.0]]), epsilon=0.5, bounds=(0.0, 1.0))

    assert noisy.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("kind", sorted(DIRECTIONS))
def test_equal_seeds_give_equal_directions_and_others_do_not(kind):
    draw = DIRECTIONS[kind]
    first, again = (draw((4, 9), rng=np.random.default_rng(3)) for _ in range(2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, draw((4, 9), rng=np.random.default_rng(4)))


def test_inputs_are_not_modified():
    x = np.array([[0.2, 0.8]])
    x.setflags(write=False)

    noisy = linf_random_noise(x, np.ones((1, 2)), epsilon=0.1, bounds=(0.0, 1.0))

    assert noisy is not x
    assert noisy[0] == pytest.approx([0.3, 0.9])
