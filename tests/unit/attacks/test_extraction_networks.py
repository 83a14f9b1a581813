import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import softmax

from seclab.attacks.extraction import Network, fit_network
from seclab.attacks.extraction.networks import _Likelihood

BOUNDS = (-1.0, 3.0)
NAN = np.nan


def _fit(x, targets, *, hidden=0, penalty=1e-3, iterations=200, seed=0):
    return fit_network(
        x,
        targets,
        bounds=BOUNDS,
        hidden=hidden,
        penalty=penalty,
        iterations=iterations,
        seed=seed,
    )


def _rows(n=40, d=3, seed=0):
    return np.random.default_rng(seed).uniform(*BOUNDS, (n, d))


def _soft(x, k=3, seed=1):
    return softmax(x @ np.random.default_rng(seed).normal(size=(x.shape[1], k)), axis=1)


TARGETS = {
    "labels": lambda p: np.eye(3)[p.argmax(axis=1)],
    "confidences": lambda p: p,
    "top1": lambda p: np.where(p == p.max(axis=1, keepdims=True), p, NAN),
}


@pytest.mark.parametrize("served", sorted(TARGETS))
@pytest.mark.parametrize("shapes", [[(4, 3)], [(4, 5), (6, 3)]])
def test_the_gradient_of_the_likelihood_is_that_of_its_value(shapes, served):
    x = _rows(12)
    loss = _Likelihood(x, TARGETS[served](_soft(x)), shapes, 0.1)
    flat = np.random.default_rng(2).normal(size=sum(a * b for a, b in shapes))

    assert check_grad(lambda w: loss(w)[0], lambda w: loss(w)[1], flat) < 1e-4


@pytest.mark.parametrize("hidden", [0, 5])
def test_the_gradient_of_a_copy_is_that_of_its_loss_in_native_units(hidden):
    x = _rows(30)
    copy, y = _fit(x, _soft(x), hidden=hidden), np.array([2])

    for row in _rows(5, seed=9):

        def loss(point):
            return copy.loss_gradient(point[None], y)[0][0]

        def gradient(point):
            return copy.loss_gradient(point[None], y)[1][0]

        assert check_grad(loss, gradient, row) < 1e-4


def test_the_loss_is_the_cross_entropy_of_the_logits():
    layer = np.array([[1.0, -1.0], [0.0, 0.5]])
    copy = Network((layer,), (0.0, 2.0))
    x = np.array([[0.0], [2.0]])  # scaled to -1 and 1

    np.testing.assert_allclose(copy(x), [[-1.0, 1.5], [1.0, -0.5]])
    assert copy.predict(x).tolist() == [1, 0]
    loss, _ = copy.loss_gradient(x, np.array([1, 1]))
    np.testing.assert_allclose(loss, [np.log1p(np.exp(-2.5)), np.log1p(np.exp(1.5))])


def test_confidences_teach_more_than_labels():
    x, new = _rows(40), _rows(500, seed=5)
    truth = _soft(new)
    soft, hard = (
        softmax(_fit(x, TARGETS[served](_soft(x)))(new), axis=1)
        for served in ("confidences", "labels")
    )

    assert np.abs(soft - truth).max() < 0.02
    assert np.abs(hard - truth).mean() > 5 * np.abs(soft - truth).mean()


def test_how_the_withheld_is_divided_is_left_to_the_data():
    x = np.zeros((4, 2))
    told = np.array([[0.6, 0.3, 0.1]] * 2)
    hidden = np.array([[0.6, NAN, NAN]] * 2)

    copy = _fit(x, np.vstack([told, hidden]), penalty=1e-9)

    np.testing.assert_allclose(softmax(copy(x[:1]), axis=1), [[0.6, 0.3, 0.1]], atol=1e-3)


def test_equal_seeds_give_equal_networks_and_others_do_not():
    x = _rows()
    first, again, other = (
        _fit(x, _soft(x), hidden=4, iterations=5, seed=seed)(x) for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
