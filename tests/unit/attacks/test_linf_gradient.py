import itertools

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from seclab.attacks.linf_gradient import linf_fast_gradient_sign, linf_projected_gradient_descent
from seclab.models.gradients import loss_gradient_of
from seclab.models.training import CLASSIFY
from tests.fakes import Linear

WIDE = (-100.0, 100.0)


def _pgd(model, x, y, *, epsilon, bounds=WIDE, steps=10, restarts=2, seed=0):
    return linf_projected_gradient_descent(
        model.loss_gradient,
        model.predict,
        x,
        y,
        epsilon=epsilon,
        bounds=bounds,
        steps=steps,
        restarts=restarts,
        rng=np.random.default_rng(seed),
    )


def _fgsm(model, x, y, *, epsilon, bounds=WIDE):
    return linf_fast_gradient_sign(model.loss_gradient, x, y, epsilon=epsilon, bounds=bounds)


@pytest.fixture(scope="module")
def line():
    """Two classes on either side of 2a - b = 0, where the worst case has a closed form."""
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 2))
    return model, x, (x @ [2.0, -1.0] < 0.0).astype(int)


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 1.0])
def test_on_a_line_both_attacks_break_exactly_what_can_be_broken(line, epsilon):
    model, x, y = line
    breakable = np.abs(x @ [2.0, -1.0]) < 3.0 * epsilon  # the margin, and the L1 norm of the slope

    for attacked in (_fgsm(model, x, y, epsilon=epsilon), _pgd(model, x, y, epsilon=epsilon)):
        assert np.array_equal(model.predict(attacked) != y, breakable)


def test_one_step_goes_the_whole_way_up_the_loss():
    model = Linear([[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0]], [0.0, 0.0])

    attacked = _fgsm(model, np.array([[5.0, 5.0, 5.0]]), np.array([0]), epsilon=0.5)

    # The third feature has no slope and stays.
    assert attacked.tolist() == [[4.5, 5.5, 5.0]]


def test_both_attacks_stop_at_the_edge_of_the_box():
    model = Linear([[1.0, -1.0], [-1.0, 1.0]], [0.0, 0.0])
    x, y = np.array([[0.1, 0.9]]), np.array([1])

    for attacked in (
        _fgsm(model, x, y, epsilon=0.3, bounds=(0.0, 1.0)),
        _pgd(model, x, y, epsilon=0.3, bounds=(0.0, 1.0)),
    ):
        assert attacked == pytest.approx(np.array([[0.4, 0.6]]))
    away = _fgsm(model, x, np.array([0]), epsilon=0.3, bounds=(0.0, 1.0))
    assert away.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("restarts", [1, 3])
def test_without_a_budget_nothing_changes(line, restarts):
    model, x, y = line

    assert np.array_equal(_fgsm(model, x, y, epsilon=0.0), x)
    assert np.array_equal(_pgd(model, x, y, epsilon=0.0, restarts=restarts), x)


def test_against_all_points_of_the_ball_the_search_misses_next_to_nothing():
    """With two features every point of the ball can be tried."""
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    x = np.clip(rng.normal(np.array([[0.2, 0.3], [0.8, 0.35], [0.5, 0.8]])[y], 0.12), 0.0, 1.0)
    network = MLPClassifier((16,), max_iter=2000, random_state=0).fit(x, y)
    right = network.predict(x) == y
    x, y = x[right], y[right]
    offsets = np.linspace(-0.2, 0.2, 81)
    ball = np.array(list(itertools.product(offsets, offsets)))
    everywhere = np.clip(x[:, None, :] + ball, 0.0, 1.0).reshape(-1, 2)
    breakable = (network.predict(everywhere).reshape(len(x), -1) != y[:, None]).any(axis=1)

    attacked = linf_projected_gradient_descent(
        loss_gradient_of(network),
        network.predict,
        x,
        y,
        epsilon=0.2,
        bounds=(0.0, 1.0),
        steps=20,
        restarts=5,
        rng=np.random.default_rng(0),
    )

    broken = network.predict(attacked) != y
    assert 40 < breakable.sum() < 200
    assert broken[breakable].mean() > 0.95
    assert broken[~breakable].mean() < 0.03  # between the points of the grid


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
def test_on_a_linear_model_the_search_comes_close_to_the_exact_worst_case(
    trained, target, splits, epsilon
):
    """Of a linear model the worst case is known: each margin falls by its slope, pixel by pixel."""
    linear, test = trained("softmax-regression").pipeline[CLASSIFY], splits.test
    x, y, rows = test.features / 16.0, test.labels, np.arange(len(test))
    scores = x @ linear.coef_.T + linear.intercept_
    slopes = linear.coef_[None] - linear.coef_[y][:, None]
    down, up = np.minimum(x, epsilon), np.minimum(1.0 - x, epsilon)
    gain = np.where(slopes > 0.0, up[:, None], down[:, None]) * np.abs(slopes)
    worst = scores - scores[rows, y][:, None] + gain.sum(axis=2)
    worst[rows, y] = -np.inf
    exact = np.mean(worst.max(axis=1) <= 0.0)

    model = target("softmax-regression")
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}
    attacked = _pgd(model, test.features, y, **budget, steps=40, restarts=5)

    found = np.mean(model.predict(attacked) == y)
    assert exact <= found <= exact + 0.03


@pytest.mark.parametrize("name", ["softmax-regression", "mlp", "mlp-hardened"])
@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
def test_many_steps_are_never_weaker_than_one(target, splits, name, epsilon):
    model, test = target(name), splits.test
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}
    one = _fgsm(model, test.features, test.labels, **budget)
    many = _pgd(model, test.features, test.labels, **budget, steps=20, restarts=1)

    broken_by_one = np.mean(model.predict(one) != test.labels)
    assert np.mean(model.predict(many) != test.labels) >= broken_by_one
    assert broken_by_one > np.mean(model.predict(test.features) != test.labels)


def test_more_restarts_never_lose_what_fewer_found(target, splits):
    model, test = target("mlp-hardened"), splits.test
    x, y = test.features[:150], test.labels[:150]
    budget = {"epsilon": 2.4, "bounds": test.feature_range, "steps": 5}

    broken = [
        model.predict(_pgd(model, x, y, **budget, restarts=restarts)) != y for restarts in (1, 2, 4)
    ]

    assert (broken[0] <= broken[1]).all()
    assert (broken[1] <= broken[2]).all()
    assert broken[2].sum() > broken[0].sum()


def test_what_is_not_broken_has_the_highest_loss_that_was_found():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    x, y = np.array([[10.0], [20.0]]), np.array([0, 0])

    attacked = _pgd(model, x, y, epsilon=1.0, restarts=4)

    assert (model.predict(attacked) == y).all()
    assert attacked == pytest.approx(np.array([[9.0], [19.0]]))


def test_rows_that_are_broken_are_not_asked_about_again():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[0.1], [90.0]]), np.array([0, 0])

    _pgd(model, x, y, epsilon=1.0, steps=5, restarts=3)

    # Five steps and the final loss per start; both rows at first, then the one that held.
    assert [len(rows) for rows in model.gradients_asked] == [2] * 6 + [1] * 12
    assert [len(rows) for rows in model.asked] == [2, 1, 1]


def test_the_search_ends_when_everything_is_broken():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])

    _pgd(model, np.array([[0.1]]), np.array([0]), epsilon=1.0, steps=3, restarts=50)

    assert len(model.gradients_asked) == 4


def test_equal_seeds_give_equal_perturbations_and_others_do_not(target, splits):
    model, test = target("mlp-hardened"), splits.test
    x, y = test.features[:40], test.labels[:40]
    budget = {"epsilon": 2.0, "bounds": test.feature_range, "steps": 4, "restarts": 3}

    first, again, other = (_pgd(model, x, y, **budget, seed=seed) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_neither_attack_modifies_its_input(line):
    model, x, y = line
    before = x.copy(), y.copy()
    x.setflags(write=False)
    y.setflags(write=False)

    _fgsm(model, x, y, epsilon=0.5)
    attacked = _pgd(model, x, y, epsilon=0.5)
    attacked += 1.0  # nor is the answer the input under another name

    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
