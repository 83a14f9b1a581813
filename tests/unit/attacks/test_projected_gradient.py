import itertools

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from seclab.attacks.linf_gradient import linf_fast_gradient_sign
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.models.gradients import fixed_gradients
from seclab.models.training import CLASSIFY
from tests.fakes import Linear
from tests.unit.attacks.descent import attack, both


@pytest.fixture(scope="module")
def line():
    """Two classes on either side of 2a - b = 0, where the worst case has a closed form."""
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (200, 2))
    return model, x, (x @ [2.0, -1.0] < 0.0).astype(int)


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 1.0])
@pytest.mark.parametrize(("norm", "gain"), [("linf", 3.0), ("l2", np.sqrt(5.0))])
def test_on_a_line_it_breaks_exactly_what_can_be_broken(line, norm, gain, epsilon):
    model, x, y = line
    breakable = np.abs(x @ [2.0, -1.0]) < gain * epsilon  # the margin, and the slope's dual norm

    attacked = attack(model, x, y, norm=norm, epsilon=epsilon)

    assert np.array_equal(model.predict(attacked) != y, breakable)


@pytest.mark.parametrize(("norm", "gain"), [("linf", 3.0), ("l2", np.sqrt(5.0))])
@pytest.mark.parametrize("far", [1e3, 1e6, -1e9])
def test_a_box_far_from_zero_hides_nothing(line, norm, gain, far):
    """In single precision there are sixteen steps in a range of one at a million."""
    model, x, y = line
    moved = Linear(model.weights, -far * model.weights.sum(axis=0))
    breakable = np.abs(x @ [2.0, -1.0]) < gain * 0.1

    attacked = attack(
        moved,
        x + far,
        y,
        norm=norm,
        epsilon=0.1,
        bounds=(far - 3.0, far + 3.0),
        losses=[Loss.margin(moved.margin_gradient)],
    )

    at_edge = np.abs(x).max(axis=1) > 2.9  # where the box leaves the ball no room
    broken = moved.predict(attacked) != y
    assert np.array_equal(broken[~at_edge], breakable[~at_edge])


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("unit", [1e-25, 1e-8, 1e8, 1e25])
def test_the_unit_of_the_features_hides_nothing(line, norm, unit):
    model, x, y = line
    scaled = Linear(model.weights / unit, model.biases)
    options = {"norm": norm, "ascent": Ascent(10, 1)}

    native = attack(
        scaled, x * unit, y, epsilon=0.3 * unit, bounds=(-100 * unit, 100 * unit), **options
    )

    found = attack(model, x, y, epsilon=0.3, **options)
    assert np.array_equal(scaled.predict(native) != y, model.predict(found) != y)


def test_every_row_may_have_a_radius_of_its_own(line):
    model, x, y = line
    radii = np.random.default_rng(1).uniform(0.0, 1.0, len(x))

    attacked = attack(model, x, y, epsilon=radii)

    assert (np.abs(attacked - x).max(axis=1) <= radii + 1e-12).all()
    assert np.array_equal(model.predict(attacked) != y, np.abs(x @ [2.0, -1.0]) < 3.0 * radii)


# With the first feature at the edge after 0.1, the L2 ball has more to give along the second.
@pytest.mark.parametrize(
    ("norm", "expected"), [("linf", [0.0, 0.3]), ("l2", [0.0, np.sqrt(0.3**2 - 0.1**2)])]
)
def test_it_stops_at_the_edge_of_the_box_and_uses_the_rest_of_the_ball(norm, expected):
    model = Linear([[3.0, -3.0], [-1.0, 1.0]], [9.0, 0.0])

    attacked = attack(
        model,
        np.array([[0.1, 0.0]]),
        np.array([0]),
        norm=norm,
        epsilon=0.3,
        bounds=(0.0, 1.0),
        ascent=Ascent(steps=60, restarts=1),
    )

    assert attacked == pytest.approx(np.array([expected]), abs=0.005)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("restarts", [1, 3])
def test_without_a_budget_nothing_changes(line, norm, restarts):
    model, x, y = line

    attacked = attack(model, x, y, norm=norm, epsilon=0.0, ascent=Ascent(5, restarts))

    assert np.array_equal(attacked, x)


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
    fooled = network.predict(everywhere).reshape(len(x), -1) != y[:, None]
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    cross_entropy, margin = fixed_gradients(layers)
    losses = [Loss.margin(margin), Loss.cross_entropy(cross_entropy)]

    for norm, inside in (("linf", ball[:, 0] < 9.0), ("l2", np.hypot(*ball.T) <= 0.2)):
        breakable = fooled[:, inside].any(axis=1)
        attacked = projected_gradient_descent(
            losses,
            network.predict,
            x,
            y,
            norm=norm,
            epsilon=0.2,
            bounds=(0.0, 1.0),
            ascent=Ascent(steps=20, restarts=6),
            rng=np.random.default_rng(0),
        )

        broken = network.predict(attacked) != y
        assert 40 < breakable.sum() < 200
        assert broken[breakable].mean() > 0.97
        assert broken[~breakable].mean() < 0.03  # between the points of the grid


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
def test_on_a_linear_model_the_search_comes_close_to_the_exact_worst_case(
    trained, target, splits, epsilon
):
    """Of a linear model the worst case is known: each margin falls by its slope, pixel by pixel."""
    pipeline, test = trained("softmax-regression").pipeline, splits.test
    linear = pipeline[CLASSIFY]
    x, y, rows = test.features / 16.0, test.labels, np.arange(len(test))
    scores = x @ linear.coef_.T + linear.intercept_
    slopes = linear.coef_[None] - linear.coef_[y][:, None]
    down, up = np.minimum(x, epsilon), np.minimum(1.0 - x, epsilon)
    gain = np.where(slopes > 0.0, up[:, None], down[:, None]) * np.abs(slopes)
    worst = scores - scores[rows, y][:, None] + gain.sum(axis=2)
    worst[rows, y] = -np.inf
    exact = np.mean(worst.max(axis=1) <= 0.0)
    model = target("softmax-regression")
    losses = both(model)
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}

    for raised, slack in ((losses, 0.01), (losses[:1], 0.03)):
        attacked = attack(model, test.features, y, **budget, losses=raised, ascent=Ascent(40, 5))
        assert exact <= np.mean(model.predict(attacked) == y) <= exact + slack


@pytest.mark.parametrize("name", ["softmax-regression", "mlp", "mlp-hardened"])
@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
def test_many_steps_are_never_weaker_than_one(target, splits, name, epsilon):
    model, test = target(name), splits.test
    x, y = test.features, test.labels
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}

    one = model.predict(linf_fast_gradient_sign(model.loss_gradient, x, y, **budget)) != y
    many = model.predict(attack(model, x, y, **budget, ascent=Ascent(20, 1))) != y

    # Row by row: the first step of the first start is that one step.
    assert (one <= many).all()
    assert many.sum() >= one.sum() > np.sum(model.predict(x) != y)


def test_more_starts_find_more_and_lose_nothing_that_the_first_found(target, splits):
    model, test = target("mlp-hardened"), splits.test
    x, y = test.features[:150], test.labels[:150]
    budget = {"epsilon": 2.4, "bounds": test.feature_range}

    one, four, twelve = [
        model.predict(attack(model, x, y, **budget, ascent=Ascent(5, restarts))) != y
        for restarts in (1, 4, 12)
    ]

    assert (one <= four).all()
    assert (one <= twelve).all()
    assert one.sum() < four.sum() < twelve.sum()


def test_a_margin_breaks_a_model_so_sure_of_itself_that_its_cross_entropy_is_flat(line):
    model, x, y = line
    sure = Linear(model.weights * 1e5, model.biases)
    breakable = np.abs(x @ [2.0, -1.0]) < 0.9
    ascent = Ascent(steps=10, restarts=1)

    by_cross_entropy = attack(sure, x, y, epsilon=0.3, ascent=ascent)
    by_margin = attack(
        sure, x, y, epsilon=0.3, ascent=ascent, losses=[Loss.margin(sure.margin_gradient)]
    )

    assert not (sure.predict(by_cross_entropy) != y).any()
    assert np.array_equal(sure.predict(by_margin) != y, breakable)


def test_what_is_not_broken_has_the_highest_loss_that_was_found():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    x, y = np.array([[10.0], [20.0]]), np.array([0, 0])

    for losses in (
        [Loss.margin(model.margin_gradient)],
        [Loss.margin(model.margin_gradient), Loss.cross_entropy(model.loss_gradient)],
    ):
        attacked = attack(model, x, y, epsilon=1.0, losses=losses, ascent=Ascent(10, 4))

        assert (model.predict(attacked) == y).all()
        assert attacked == pytest.approx(np.array([[9.0], [19.0]]))


def test_a_start_outside_the_ball_is_brought_inside(line):
    _, x, y = line
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])

    attacked = attack(model, x, y, epsilon=0.1, start=x + 50.0)

    assert np.abs(model.gradients_asked[0] - x).max() <= 0.1 + 1e-6
    assert np.abs(attacked - x).max() <= 0.1 + 1e-12


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_does_not_modify_its_input(line, norm):
    model, x, y = line
    before = x.copy(), y.copy()
    x.setflags(write=False)
    y.setflags(write=False)

    attacked = attack(model, x, y, norm=norm, epsilon=0.5, start=x)
    attacked += 1.0  # nor is the answer the input under another name

    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
