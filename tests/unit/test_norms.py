import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.norms import lengths, shortened, uphill

ORDER = {"linf": np.inf, "l2": 2}
DUAL = {"linf": 1, "l2": 2}
norms = st.sampled_from(sorted(ORDER))


@given(norm=norms, seed=st.integers(0, 999))
def test_lengths_are_those_of_the_norm_whatever_the_shape(norm, seed):
    changes = np.random.default_rng(seed).normal(size=(3, 4, 5))

    found = lengths(changes, norm)

    assert found == pytest.approx(np.linalg.norm(changes, ord=ORDER[norm], axis=-1))
    assert lengths(changes[:, :, :0], norm).tolist() == [[0.0] * 4] * 3


@given(norm=norms, seed=st.integers(0, 999))
def test_what_is_shortened_is_short_enough_and_what_was_is_left(norm, seed):
    rng = np.random.default_rng(seed)
    changes, limits = rng.normal(size=(6, 4)), rng.uniform(0.0, 2.0, 6)
    limits[0], changes[1] = 0.0, 0.0

    found = shortened(changes, limits, norm)

    long = lengths(changes, norm)
    assert lengths(found, norm) == pytest.approx(np.minimum(long, limits))
    assert np.array_equal(found[long <= limits], changes[long <= limits])
    assert (found * changes >= 0.0).all()


@given(norm=norms, seed=st.integers(0, 999))
def test_no_other_step_of_length_1_gains_more_than_the_one_uphill(norm, seed):
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=(5, 4))

    steps = uphill(slopes, norm)

    assert lengths(steps, norm) == pytest.approx(np.ones(5))
    most = np.linalg.norm(slopes, ord=DUAL[norm], axis=1)
    assert (steps * slopes).sum(axis=1) == pytest.approx(most)
    assert not uphill(np.zeros((2, 3)), norm).any()
