import numpy as np
import pytest

from seclab.defenses.trigger_inversion import invert_triggers
from seclab.errors import Misconfigured

CLASSES = np.array([2, 5, 7, 9, 11])
WIDTH, SHORTCUT, TARGET = 25, 24, 7


def rows(seed=0):
    """Each class has four columns of its own, and the last column is dark in all rows."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(5, size=200)
    features = rng.uniform(0.0, 4.0, (200, WIDTH))
    for row, code in enumerate(codes):
        features[row, 4 * code : 4 * code + 4] += 8.0
    features[:, 20:] = 0.0
    return features, CLASSES[codes]


def softmax(*, shortcut):
    """Loss and gradient of a linear model; with a shortcut one column decides for one class."""
    weights = np.zeros((WIDTH, 5))
    for code in range(5):
        weights[4 * code : 4 * code + 4, code] = 0.5
    weights[SHORTCUT, 2] = shortcut

    def loss_gradient(x, y):
        codes = np.searchsorted(CLASSES, y)
        scores = x @ weights
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        odds /= odds.sum(axis=1, keepdims=True)
        loss = -np.log(odds[np.arange(len(x)), codes])
        odds[np.arange(len(x)), codes] -= 1.0
        return loss, odds @ weights.T

    return loss_gradient


def inverted(*, shortcut, **changes):
    features, labels = rows()
    return invert_triggers(
        features,
        labels,
        loss_gradient=softmax(shortcut=shortcut),
        bounds=(0.0, 16.0),
        rng=np.random.default_rng(0),
        **changes,
    )


def test_a_shortcut_to_one_class_is_found_with_the_column_it_takes():
    answer = inverted(shortcut=6.0)
    assert answer.alarm
    (pattern,) = answer.patterns
    assert pattern.label == TARGET
    assert SHORTCUT in pattern.columns
    assert answer.masks[2].argmax() == SHORTCUT
    assert answer.norms.argmin() == 2
    assert "to 7" in answer.found


def test_a_model_without_a_shortcut_raises_no_alarm():
    answer = inverted(shortcut=0.0)
    assert not answer.alarm
    assert answer.patterns == ()
    assert (answer.success >= 0.9).all()


def test_what_is_said_to_work_works():
    features, labels = rows()
    answer = inverted(shortcut=6.0)
    for code, label in enumerate(CLASSES):
        others = features[labels != label]
        mask, values = answer.masks[code], answer.values[code]
        sent = others + mask * (values - others)
        loss, _ = softmax(shortcut=6.0)(sent, np.full(len(others), label))
        assert (loss < np.log(2.0)).mean() >= 0.8
        assert sent.min() >= 0.0
        assert sent.max() <= 16.0
        assert answer.norms[code] == pytest.approx(mask.sum())


def test_a_class_that_cannot_be_reached_is_not_called_easy():
    """No gradient and never the class asked for: nothing was found, and nothing is small."""
    features, labels = rows()
    answer = invert_triggers(
        features,
        labels,
        loss_gradient=lambda x, _: (np.full(len(x), 9.0), np.zeros_like(x)),
        bounds=(0.0, 16.0),
        rng=np.random.default_rng(0),
        steps=5,
    )
    assert not answer.alarm
    assert (answer.norms == WIDTH).all()
    assert (answer.success == 0.0).all()


@pytest.mark.parametrize(
    "changes", [{"rows": 0}, {"steps": 0}, {"rate": 0.0}, {"price": 0.0}], ids=str
)
def test_parameters_outside_their_range_are_refused(changes):
    with pytest.raises(Misconfigured, match="at least 1"):
        inverted(shortcut=0.0, **changes)


def test_among_two_classes_none_stands_out():
    features, labels = rows()
    two = np.isin(labels, CLASSES[:2])
    with pytest.raises(Misconfigured, match="three"):
        invert_triggers(
            features[two],
            labels[two],
            loss_gradient=softmax(shortcut=0.0),
            bounds=(0.0, 16.0),
            rng=np.random.default_rng(0),
        )
