import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from seclab.errors import NotEvaluated
from seclab.models import Target
from seclab.models.gradients import fixed_gradients, loss_gradient_of

DIFFERENTIABLE = ("softmax-regression", "mlp", "mlp-hardened")


def _margin_of(network):
    return fixed_gradients(list(zip(network.coefs_, network.intercepts_, strict=True)))[1]


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
@pytest.mark.parametrize("gradient_of", [loss_gradient_of, _margin_of])
def test_gradients_go_back_through_any_number_of_layers(gradient_of, hidden, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(12, 3)), np.arange(12) % 3
    network = MLPClassifier(tuple(hidden), random_state=seed % 2**32)
    network.partial_fit(x, y, classes=[0, 1, 2])
    gradient = gradient_of(network)

    expected = _differences(lambda at: gradient(at, y)[0], x, step=1e-7)
    # A step across the kink of a rectifier has no derivative to agree with.
    kinked = np.abs(expected - _differences(lambda at: gradient(at, y)[0], x, step=3e-7)) > 1e-5
    assert gradient(x, y)[1][~kinked] == pytest.approx(expected[~kinked], abs=1e-5)
    assert kinked.mean() < 0.1


@given(hidden=st.lists(st.integers(1, 6), min_size=1, max_size=2), seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_a_network_of_two_classes_has_a_single_output_and_a_gradient(hidden, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(12, 3)), np.arange(12) % 2
    network = MLPClassifier(tuple(hidden), random_state=seed % 2**32)
    network.partial_fit(x, y, classes=[0, 1])
    gradient = loss_gradient_of(network)

    loss, slope = gradient(x, y)

    assert loss == pytest.approx(-np.log(network.predict_proba(x)[np.arange(12), y]))
    expected = _differences(lambda at: gradient(at, y)[0], x, step=1e-7)
    kinked = np.abs(expected - _differences(lambda at: gradient(at, y)[0], x, step=3e-7)) > 1e-5
    assert slope[~kinked] == pytest.approx(expected[~kinked], abs=1e-5)
    assert kinked.mean() < 0.1


@pytest.mark.parametrize("unit", [1e-25, 1.0, 1e25])
def test_the_unit_of_the_features_changes_no_slope(unit):
    weights, bias = np.array([[1.0, -2.0], [0.5, 3.0], [1e-30, 0.0]]), np.array([0.1, 0.2])
    x, y = np.array([[0.3, 0.4, 0.5], [0.9, 0.1, 0.2]]), np.array([0, 1])

    for native, scaled in zip(
        fixed_gradients([(weights / unit, bias)]), fixed_gradients([(weights, bias)]), strict=True
    ):
        assert native(x * unit, y)[1] * unit == pytest.approx(scaled(x, y)[1])
        assert np.abs(scaled(x, y)[1]).max() > 0.1


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


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_margin_is_that_of_the_scores_and_not_below_zero_where_the_model_is_wrong(
    name, trained, splits
):
    model = Target(trained(name), splits)
    x = np.random.default_rng(0).uniform(0.0, 16.0, (300, 64))
    y = splits.test.labels[:300]

    margin, _ = model.margin_gradient(x, y)

    p, rows = model.predict_proba(x), np.arange(300)
    others = p.copy()
    others[rows, y] = 0.0
    # The difference of two scores is the logarithm of the ratio of their probabilities.
    assert margin == pytest.approx(np.log(others.max(axis=1) / p[rows, y]), abs=1e-6)
    assert np.array_equal(margin > 0.0, model.predict(x) != y)
    assert 0 < (margin < 0.0).sum() < 300


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_probabilities_saturate_the_margin_still_has_a_slope(dtype):
    network = MLPClassifier((4,), random_state=0).partial_fit(
        np.array([[0.0], [1.0], [2.0]]), [0, 1, 2], classes=[0, 1, 2]
    )
    network.coefs_[0][:] = 1e4
    network.coefs_[1][:] = [1e4, 0.0, -1e4]
    x, y = np.array([[5.0]], dtype=dtype), np.array([0])

    _, flat = loss_gradient_of(network)(x, y)
    margin, slope = _margin_of(network)(x, y)

    assert flat.tolist() == [[0.0]]
    assert margin[0] < -1e8
    assert slope[0, 0] == pytest.approx(-4e8)


def test_the_slope_of_a_sure_answer_is_the_same_in_single_precision():
    """The probability of the true class rounds to 1 there, and what is missing must not."""
    network = MLPClassifier((1,), random_state=0).partial_fit(
        np.array([[0.0], [1.0]] * 3), [0, 1, 2] * 2, classes=[0, 1, 2]
    )
    network.coefs_[0][:], network.intercepts_[0][:] = 1.0, 0.0
    network.coefs_[1][:], network.intercepts_[1][:] = [20.0, 0.0, -1.0], 0.0
    gradient = loss_gradient_of(network)
    x, y = np.array([[1.0]]), np.array([0])

    _, double = gradient(x, y)
    _, single = gradient(x.astype(np.float32), y)

    assert single.dtype == np.float32
    rivals = np.exp([-20.0, -21.0])
    assert double[0, 0] == pytest.approx(-20.0 * rivals.sum() - rivals[1])
    assert single == pytest.approx(double, rel=1e-4)


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(), MLPClassifier(activation="tanh"), object()]
)
def test_no_gradient_is_made_up(estimator):
    with pytest.raises(NotEvaluated, match=f"{type(estimator).__name__} has no analytic"):
        loss_gradient_of(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_gradients_of_fixed_layers_are_those_of_the_model_per_native_unit(
    name, dtype, target, splits
):
    model = target(name)
    x, y = splits.test.features[:50].astype(dtype), splits.test.labels[:50]
    layers = [(layer.weights, layer.bias) for layer in model.affine_layers()]

    for fixed, expected in zip(
        fixed_gradients(layers), (model.loss_gradient, model.margin_gradient), strict=True
    ):
        loss, slope = fixed(x, y)

        assert loss.dtype == slope.dtype == dtype
        assert loss == pytest.approx(expected(x, y)[0], rel=1e-3, abs=1e-4)
        assert slope == pytest.approx(expected(x, y)[1], rel=1e-3, abs=1e-5)


def test_fixed_gradients_do_not_follow_what_becomes_of_the_weights():
    weights, bias = np.array([[2.0, -2.0, 1e-30]]), np.zeros(3)
    margin = fixed_gradients([(weights, bias)])[1]
    weights[:] = 0.0

    loss, slope = margin(np.array([[1.0], [-1.0]]), np.array([0, 0]))

    assert loss.tolist() == [-2.0, 4.0]
    assert slope.tolist() == [[-2.0], [-4.0]]
