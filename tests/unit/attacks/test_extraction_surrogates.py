import numpy as np
import pytest

from seclab.attacks.extraction import SURROGATES, fit_network, train_surrogate
from seclab.errors import Misconfigured
from seclab.models.answers import as_targets

BOUNDS = (-4.0, 12.0)
NAN = np.nan


def _pool(m=30):
    return np.random.default_rng(5).uniform(*BOUNDS, (m, 3))


def _train(family, x, labels, *, classes, bounds=BOUNDS, seed=0):
    return train_surrogate(
        family, x, as_targets(labels, None, classes=classes), bounds=bounds, seed=seed
    )


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_a_surrogate_learns_a_rule_from_labels_alone(family):
    x = np.random.default_rng(0).uniform(*BOUNDS, (400, 2))
    rule = np.where(x[:, 0] > x[:, 1], 1, 3)

    surrogate = _train(family, x[:300], rule[:300], classes=4)

    assert np.mean(surrogate(x[300:]).argmax(axis=1) == rule[300:]) > 0.95


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_a_surrogate_learns_confidences_and_fills_in_what_is_withheld(family):
    x = np.random.default_rng(0).uniform(*BOUNDS, (400, 2))
    first = (x[:, 0] - BOUNDS[0]) / 16.0
    served = np.column_stack([first, 1.0 - first, np.zeros(400)])
    served[::2, 1:] = NAN
    labels = (first < 0.5).astype(int)

    targets = as_targets(labels, served, classes=3)
    surrogate = train_surrogate(family, x[:300], targets[:300], bounds=BOUNDS, seed=0)

    assert np.mean(surrogate(x[300:]).argmax(axis=1) == labels[300:]) > 0.9


def test_labels_are_not_taken_for_certainty():
    x = np.random.default_rng(0).uniform(*BOUNDS, (100, 2))
    labels = (x[:, 0] > x[:, 1]).astype(int)
    surrogate = _train("softmax-regression", x, labels, classes=2)
    certain = fit_network(
        x, np.eye(2)[labels], bounds=BOUNDS, hidden=0, penalty=1e-2, iterations=200, seed=0
    )

    moderate, extreme = (np.abs(np.diff(copy(x), axis=1)).mean() for copy in (surrogate, certain))
    assert moderate < 0.5 * extreme


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_answers_of_one_class_give_a_surrogate_of_that_class(family):
    surrogate = _train(family, _pool(), np.full(30, 3), classes=5)

    assert surrogate(_pool(7)).argmax(axis=1).tolist() == [3] * 7


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_a_single_answer_is_enough_to_train_on(family):
    surrogate = _train(family, _pool(1), np.array([2]), classes=3)

    assert surrogate(_pool(2)).argmax(axis=1).tolist() == [2, 2]


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_the_unit_of_the_features_does_not_matter(family):
    x = np.random.default_rng(0).uniform(0.0, 1.0, (60, 4))
    labels = (x[:, 0] > 0.5).astype(int)
    narrow = _train(family, x, labels, classes=2, bounds=(0.0, 1.0))
    wide = _train(family, x * 1024, labels, classes=2, bounds=(0.0, 1024.0))

    assert np.array_equal(narrow(x).argmax(axis=1), wide(x * 1024).argmax(axis=1))


@pytest.mark.parametrize("family", ["mlp", "random-forest"])
def test_equal_seeds_give_equal_surrogates(family):
    x, labels = _pool(60), np.random.default_rng(1).integers(0, 4, 60)
    first, again, other = (
        _train(family, x, labels, classes=4, seed=seed)(_pool(500)) for seed in (0, 0, 1)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_unknown_family_is_refused_with_those_known():
    with pytest.raises(Misconfigured, match="unknown surrogate 'tree'; known: softmax-regression"):
        _train("tree", _pool(), np.zeros(30, dtype=int), classes=2)
