import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.extraction import as_targets, filled

NAN = np.nan


def test_labels_alone_are_one_hot():
    assert as_targets(np.array([2, 0]), None, classes=3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_rounded_confidences_are_made_to_sum_to_one():
    served = np.array([[0.3, 0.3, 0.3]])

    np.testing.assert_allclose(as_targets(np.array([0]), served, classes=3), [[1 / 3] * 3])


def test_a_row_that_rounding_emptied_is_what_its_label_says():
    served = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

    targets = as_targets(np.array([2, 1]), served, classes=3)

    assert targets.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_what_is_withheld_stays_open_and_what_is_served_stays_as_it_was():
    served = np.array([[NAN, 0.7, NAN]])

    np.testing.assert_array_equal(as_targets(np.array([1]), served, classes=3), served)


def test_what_is_left_is_spread_over_the_withheld():
    np.testing.assert_allclose(filled(np.array([[NAN, 0.7, NAN]])), [[0.15, 0.7, 0.15]])


@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 1000))
def test_filled_rows_are_distributions(n, k, seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k), n)
    hidden = np.where(rng.random((n, k)) < 0.5, NAN, p)

    targets = filled(as_targets(p.argmax(axis=1), hidden, classes=k))

    assert (targets >= 0.0).all()
    np.testing.assert_allclose(targets.sum(axis=1), 1.0)
