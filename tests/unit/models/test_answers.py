import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.models.answers import as_targets, believed, filled

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


def test_a_client_believes_the_label_where_rounding_made_a_tie():
    believed_ = believed(np.array([1]), np.array([[0.5, 0.5, 0.0]]), classes=3)

    assert believed_.argmax() == 1
    assert believed_ == pytest.approx(np.array([[0.5, 0.5, 0.0]]), abs=1e-8)


def test_a_client_believes_the_label_where_noise_lifted_another_class():
    believed_ = believed(np.array([2]), np.array([[0.6, 0.1, 0.3]]), classes=3)

    assert believed_.argmax() == 2
    assert believed_.sum() == pytest.approx(1.0)


def test_labels_alone_are_believed_to_be_certain():
    assert believed(np.array([0, 2]), None, classes=3).tolist() == [
        [1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0],
    ]
