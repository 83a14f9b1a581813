import numpy as np
import pytest

from seclab.attacks.minimal_perturbation import minimal_perturbation
from seclab.errors import Misconfigured
from tests.fakes import Linear


def _margin(model):
    """The margin of a fake of two classes."""

    def gradient(x, y):
        side = np.where(y == 0, 1.0, -1.0)
        slope = model.weights[:, 1] - model.weights[:, 0]
        return side * (x @ slope + model.biases[1] - model.biases[0]), side[:, None] * slope

    return gradient


@pytest.mark.parametrize(("norm", "gain"), [("linf", 3.0), ("l2", np.sqrt(5.0))])
def test_on_a_line_it_ends_at_the_boundary(norm, gain):
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 2))
    y = model.predict(x)

    found = minimal_perturbation(
        _margin(model), model.predict, x, y, norm=norm, bounds=(-100.0, 100.0), steps=20
    )

    exact = np.abs(x @ [2.0, -1.0]) / gain
    length = np.linalg.norm(found - x, ord=np.inf if norm == "linf" else 2, axis=1)
    assert (model.predict(found) != y).all()
    assert (length >= exact - 1e-9).all()
    assert length == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize(("norm", "gain"), [("linf", 3.0), ("l2", np.sqrt(5.0))])
def test_on_a_line_a_single_step_crosses_by_a_tenth(norm, gain):
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 2))
    y = model.predict(x)

    found = minimal_perturbation(
        _margin(model), model.predict, x, y, norm=norm, bounds=(-100.0, 100.0), steps=1
    )

    length = np.linalg.norm(found - x, ord=np.inf if norm == "linf" else 2, axis=1)
    assert (model.predict(found) != y).all()
    assert length == pytest.approx(1.1 * np.abs(x @ [2.0, -1.0]) / gain)


def test_inside_the_box_the_round_norm_goes_straight_down_the_slope():
    model = Linear([[3.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    x, y = np.array([[0.1, 0.0]]), np.array([0])

    found = minimal_perturbation(
        _margin(model), model.predict, x, y, norm="l2", bounds=(0.0, 1.0), steps=100
    )

    # The boundary is 3 a = b, and the nearest point of it to (0.1, 0) is its projection.
    assert found == pytest.approx(np.array([[0.01, 0.03]]), abs=0.003)


def test_what_is_wrong_already_and_what_cannot_be_broken_stays_as_it_is():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[-0.5], [0.5]]), np.array([0, 0])

    found = minimal_perturbation(
        _margin(model), model.predict, x, y, norm="linf", bounds=(-1.0, 1.0), steps=10
    )
    caged = minimal_perturbation(
        _margin(model), model.predict, x[1:], y[1:], norm="linf", bounds=(0.25, 1.0), steps=10
    )

    assert found[0] == x[0]
    assert -0.01 < found[1, 0] < 0.0
    assert caged.tolist() == [[0.5]]


@pytest.mark.parametrize(("norm", "radii"), [("linf", [0.05, 0.1, 0.2]), ("l2", [0.25, 0.5, 0.8])])
def test_one_search_gives_nearly_the_robust_accuracy_of_many(norm, radii, target, splits):
    """Projected gradient with restarts, at each radius, finds at most one row in twelve more."""
    from seclab.attacks.projected_gradient import (  # noqa: PLC0415 - the yardstick of this test
        Ascent,
        Loss,
        projected_gradient_descent,
    )

    model = target("mlp-hardened")
    x, y = splits.test.features[:150], splits.test.labels[:150]

    margin = model.margin_gradient
    found = minimal_perturbation(margin, model.predict, x, y, norm=norm, bounds=(0.0, 16.0))

    length = np.linalg.norm(found - x, ord=np.inf if norm == "linf" else 2, axis=1) / 16
    fooled = model.predict(found) != y
    for radius in radii:
        attacked = projected_gradient_descent(
            [Loss.margin(margin)],
            model.predict,
            x,
            y,
            norm=norm,
            epsilon=radius * 16,
            bounds=(0.0, 16.0),
            ascent=Ascent(20, 2),
            rng=np.random.default_rng(0),
        )
        yardstick = np.mean(model.predict(attacked) != y)
        assert 0.02 < yardstick < 0.98
        assert np.mean(fooled & (length <= radius)) >= yardstick - 1 / 12


def test_the_model_is_asked_only_where_it_may_be_wrong():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[0.5], [50.0]]), np.array([0, 0])

    minimal_perturbation(
        _margin(model), model.predict, x, y, norm="linf", bounds=(-100.0, 100.0), steps=5
    )

    assert all(rows.max() <= 0.0 for rows in model.asked)
    assert 1 <= sum(map(len, model.asked)) <= 10


def test_inputs_are_left_alone_and_no_steps_are_refused():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[0.5]]), np.array([0])
    options = {"norm": "linf", "bounds": (-1.0, 1.0)}

    found = minimal_perturbation(_margin(model), model.predict, x, y, **options, steps=3)
    found += 1.0

    assert x.tolist() == [[0.5]]
    with pytest.raises(Misconfigured, match="at least 1, got 0"):
        minimal_perturbation(_margin(model), model.predict, x, y, **options, steps=0)
