import numpy as np

from seclab.attacks.membership_inference import true_label_confidence


def test_the_score_is_the_confidence_in_the_true_label():
    answers = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.0, 1.0, 0.0]])

    scores = true_label_confidence(lambda _: answers, np.zeros((3, 2)), np.array([0, 2, 0]))

    assert scores.tolist() == [0.7, 0.4, 0.0]


def test_all_rows_are_asked_once_and_in_one_call():
    asked = []

    def predict_proba(x):
        asked.append(x)
        return np.full((len(x), 2), 0.5)

    rows = np.arange(10.0).reshape(5, 2)
    true_label_confidence(predict_proba, rows, np.zeros(5, dtype=int))

    assert len(asked) == 1
    assert np.array_equal(asked[0], rows)
