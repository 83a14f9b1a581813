import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from seclab.errors import NotEvaluated
from seclab.models.gradients import loss_gradient_of

DIFFERENTIABLE = ("softmax-regression", "mlp", "mlp-hardened")


def _differences(loss, x, *, step):
    """The gradient (n, d) of a loss (n,) by central differences."""
    slopes = [
        (loss(x + step * direction) - loss(x - step * direction)) / (2 * step)
        for direction in np.eye(x.shape[1])
    ]
    return np.stack(slopes, axis=1)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_the_loss_per_native_unit(name, target, splits):
    model = target(name)
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 15.5, (8, 64))
    y = splits.test.labels[:8]

    _, slope = model.loss_gradient(x, y)

    expected = _differences(lambda at: model.loss_gradient(at, y)[0], x, step=1e-4)
    assert slope == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert np.abs(slope).max() > 1e-3


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_loss_is_the_cross_entropy_of_the_models_own_probabilities(name, target, splits):
    model = target(name)
    x, y = splits.test.features[:50], splits.test.labels[:50]

    loss, _ = model.loss_gradient(x, y)

    assert loss == pytest.approx(-np.log(model.predict_proba(x)[np.arange(50), y]), rel=1e-6)


@given(hidden=st.lists(st.integers(1, 6), min_size=1, max_size=3), seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_gradients_go_back_through_any_number_of_layers(hidden, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(12, 3)), np.arange(12) % 3
    network = MLPClassifier(tuple(hidden), random_state=seed % 2**32)
    network.partial_fit(x, y, classes=[0, 1, 2])
    gradient = loss_gradient_of(network)

    expected = _differences(lambda at: gradient(at, y)[0], x, step=1e-7)
    # A step across the kink of a rectifier has no derivative to agree with.
    kinked = np.abs(expected - _differences(lambda at: gradient(at, y)[0], x, step=3e-7)) > 1e-5
    assert gradient(x, y)[1][~kinked] == pytest.approx(expected[~kinked], abs=1e-5)
    assert kinked.mean() < 0.1


def test_a_gradient_follows_the_weights_as_they_are_learned():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), np.arange(30) % 3
    network = MLPClassifier((5,), random_state=0).partial_fit(x, y, classes=[0, 1, 2])
    gradient = loss_gradient_of(network)
    before, _ = gradient(x, y)

    for _ in range(50):
        network.partial_fit(x, y)

    assert gradient(x, y)[0].mean() < before.mean()


def test_a_hopeless_answer_has_a_finite_loss():
    network = MLPClassifier((4,), random_state=0).partial_fit(
        np.array([[0.0], [1.0], [2.0]]), [0, 1, 2], classes=[0, 1, 2]
    )
    network.coefs_[0][:] = 1e4
    network.coefs_[1][:] = [1e4, 0.0, -1e4]

    loss, slope = loss_gradient_of(network)(np.array([[5.0]]), np.array([2]))

    assert np.isfinite(loss).all()
    assert np.isfinite(slope).all()
    assert loss[0] > 100.0


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(), MLPClassifier(activation="tanh"), object()]
)
def test_no_gradient_is_made_up(estimator):
    with pytest.raises(NotEvaluated, match=f"{type(estimator).__name__} has no analytic"):
        loss_gradient_of(estimator)
