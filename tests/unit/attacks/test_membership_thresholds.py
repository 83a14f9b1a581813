import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from seclab.attacks.membership import (
    confidence,
    negative_entropy,
    negative_loss,
    negative_modified_entropy,
    standardised_by_class,
)

ANSWERS = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
LABELS = np.array([0, 2, 1, 0])


def test_confidence_and_loss_are_those_in_the_true_label():
    assert confidence(ANSWERS, LABELS).tolist() == [0.7, 0.4, 1.0, 0.0]
    assert negative_loss(ANSWERS, LABELS)[:3] == pytest.approx(np.log([0.7, 0.4, 1.0]))
    assert negative_loss(ANSWERS, LABELS)[3] < -700.0


def test_entropy_is_that_of_scipy_and_knows_no_label():
    assert negative_entropy(ANSWERS) == pytest.approx(-entropy(ANSWERS, axis=1))


def test_modified_entropy_is_the_formula_term_by_term():
    expected = [
        0.3 * np.log(0.7) + 0.2 * np.log(0.8) + 0.1 * np.log(0.9),
        0.6 * np.log(0.4) + 2 * 0.3 * np.log(0.7),
        0.0,
    ]

    scores = negative_modified_entropy(ANSWERS, LABELS)

    assert scores[:3] == pytest.approx(expected)
    assert scores[3] < -1000.0


def test_only_modified_entropy_and_loss_tell_a_confident_mistake_from_confidence():
    right, wrong = np.array([1]), np.array([0])
    sure = ANSWERS[2:3]

    assert negative_entropy(sure)[0] == 0.0
    assert negative_modified_entropy(sure, right)[0] > negative_modified_entropy(sure, wrong)[0]


def test_scores_are_measured_in_deviations_of_their_class():
    known, known_labels = np.array([1.0, 3.0, 10.0, 30.0]), np.array([0, 0, 1, 1])

    scores = standardised_by_class(
        np.array([2.0, 4.0, 20.0]), np.array([0, 0, 1]), known=known, known_labels=known_labels
    )

    assert scores == pytest.approx([0.0, np.sqrt(2.0), 0.0])


def test_a_class_nobody_knows_is_measured_against_all():
    known, known_labels = np.array([1.0, 3.0]), np.array([0, 0])

    scores = standardised_by_class(
        np.array([4.0]), np.array([7]), known=known, known_labels=known_labels
    )

    assert scores == pytest.approx([np.sqrt(2.0)])


def test_known_rows_that_are_all_alike_leave_the_plain_difference():
    scores = standardised_by_class(
        np.array([0.9, 0.4]), np.array([0, 0]), known=np.full(3, 0.4), known_labels=np.zeros(3)
    )

    assert scores == pytest.approx([0.5, 0.0])


def test_one_known_row_has_no_spread():
    with pytest.raises(ValueError, match="two known non-members, got 1"):
        standardised_by_class(np.ones(1), np.zeros(1), known=np.ones(1), known_labels=np.zeros(1))


@given(scale=st.floats(0.1, 10.0), shift=st.floats(-100.0, 100.0), seed=st.integers(0, 2**32 - 1))
def test_the_unit_of_the_scores_does_not_matter_by_class(scale, shift, seed):
    rng = np.random.default_rng(seed)
    scores, y = rng.normal(size=12), rng.integers(3, size=12)
    known, labels = rng.normal(size=30), rng.integers(3, size=30)

    plain = standardised_by_class(scores, y, known=known, known_labels=labels)
    moved = standardised_by_class(
        scale * scores + shift, y, known=scale * known + shift, known_labels=labels
    )

    assert moved == pytest.approx(plain, abs=1e-6)
