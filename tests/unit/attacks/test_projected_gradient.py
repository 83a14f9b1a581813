import itertools

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from seclab.attacks.linf_gradient import linf_fast_gradient_sign
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from seclab.errors import Misconfigured
from seclab.models.gradients import loss_gradient_of, margin_gradient_of
from seclab.models.training import CLASSIFY
from tests.fakes import Linear

WIDE = (-100.0, 100.0)


def _attack(model, x, y, *, epsilon, losses=None, **options):
    settings = {"norm": "linf", "bounds": WIDE, "ascent": Ascent(steps=10, restarts=2)} | options
    return projected_gradient_descent(
        losses or [Loss.cross_entropy(model.loss_gradient)],
        model.predict,
        x,
        y,
        epsilon=epsilon,
        rng=np.random.default_rng(settings.pop("seed", 0)),
        **settings,
    )


def _margin(model):
    """The margin of a linear fake, on scores."""

    def gradient(x, y):
        scores, rows = x @ model.weights + model.biases, np.arange(len(x))
        true = scores[rows, y].copy()
        scores[rows, y] = -np.inf
        rival = scores.argmax(axis=1)
        return scores[rows, rival] - true, (model.weights[:, rival] - model.weights[:, y]).T

    return Loss.margin(gradient)


def _in_pixels(pipeline, gradient_of):
    """A gradient of a classifier over 0 to 1, for rows over 0 to 16."""
    gradient = gradient_of(pipeline[CLASSIFY])

    def native(x, y):
        loss, slope = gradient(x / 16, y)
        return loss, slope / 16

    return native


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

    attacked = _attack(model, x, y, norm=norm, epsilon=epsilon)

    assert np.array_equal(model.predict(attacked) != y, breakable)


def test_every_row_may_have_a_radius_of_its_own(line):
    model, x, y = line
    radii = np.random.default_rng(1).uniform(0.0, 1.0, len(x))

    attacked = _attack(model, x, y, epsilon=radii)

    assert (np.abs(attacked - x).max(axis=1) <= radii + 1e-12).all()
    assert np.array_equal(model.predict(attacked) != y, np.abs(x @ [2.0, -1.0]) < 3.0 * radii)


# With the first feature at the edge after 0.1, the L2 ball has more to give along the second.
@pytest.mark.parametrize(
    ("norm", "expected"), [("linf", [0.0, 0.3]), ("l2", [0.0, np.sqrt(0.3**2 - 0.1**2)])]
)
def test_it_stops_at_the_edge_of_the_box_and_uses_the_rest_of_the_ball(norm, expected):
    model = Linear([[3.0, -3.0], [-1.0, 1.0]], [9.0, 0.0])

    attacked = _attack(
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

    attacked = _attack(model, x, y, norm=norm, epsilon=0.0, ascent=Ascent(5, restarts))

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
    losses = [
        Loss.margin(margin_gradient_of(network)),
        Loss.cross_entropy(loss_gradient_of(network)),
    ]

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
    both = [
        Loss.margin(_in_pixels(pipeline, margin_gradient_of)),
        Loss.cross_entropy(model.loss_gradient),
    ]
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}

    for losses, slack in ((both, 0.01), (both[1:], 0.03)):
        attacked = _attack(model, test.features, y, **budget, losses=losses, ascent=Ascent(40, 5))
        assert exact <= np.mean(model.predict(attacked) == y) <= exact + slack


@pytest.mark.parametrize("name", ["softmax-regression", "mlp", "mlp-hardened"])
@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
def test_many_steps_are_never_weaker_than_one(target, splits, name, epsilon):
    model, test = target(name), splits.test
    x, y = test.features, test.labels
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}

    one = model.predict(linf_fast_gradient_sign(model.loss_gradient, x, y, **budget)) != y
    many = model.predict(_attack(model, x, y, **budget, ascent=Ascent(20, 1))) != y

    # Row by row: the first step of the first start is that one step.
    assert (one <= many).all()
    assert many.sum() >= one.sum() > np.sum(model.predict(x) != y)


def test_more_restarts_never_lose_what_fewer_found(target, splits):
    model, test = target("mlp-hardened"), splits.test
    x, y = test.features[:150], test.labels[:150]
    budget = {"epsilon": 2.4, "bounds": test.feature_range}

    broken = [
        model.predict(_attack(model, x, y, **budget, ascent=Ascent(5, restarts))) != y
        for restarts in (1, 2, 4)
    ]

    assert (broken[0] <= broken[1]).all()
    assert (broken[1] <= broken[2]).all()
    assert broken[2].sum() > broken[0].sum()


def test_a_margin_breaks_a_model_so_sure_of_itself_that_its_cross_entropy_is_flat(line):
    model, x, y = line
    sure = Linear(model.weights * 1e5, model.biases)
    breakable = np.abs(x @ [2.0, -1.0]) < 0.9
    ascent = Ascent(steps=10, restarts=1)

    by_cross_entropy = _attack(sure, x, y, epsilon=0.3, ascent=ascent)
    by_margin = _attack(sure, x, y, epsilon=0.3, ascent=ascent, losses=[_margin(sure)])

    assert not (sure.predict(by_cross_entropy) != y).any()
    assert np.array_equal(sure.predict(by_margin) != y, breakable)


def test_losses_take_turns_and_each_begins_at_the_input():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    begun, asked = [], []

    def loss(name):
        def gradient(x, y):
            asked.append(name)
            begun.append(float(x[0, 0]))
            return model.loss_gradient(x, y)

        return Loss.cross_entropy(gradient)

    _attack(
        model,
        np.array([[10.0]]),
        np.array([0]),
        epsilon=1.0,
        norm="l2",
        losses=[loss("first"), loss("second")],
        ascent=Ascent(steps=2, restarts=3),
    )

    assert asked == ["first"] * 3 + ["second"] * 3 + ["first"] * 3
    assert begun[0] == begun[3] == 10.0
    assert begun[6] != 10.0


def test_what_is_not_broken_has_the_highest_loss_that_was_found():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    x, y = np.array([[10.0], [20.0]]), np.array([0, 0])

    for losses in ([_margin(model)], [_margin(model), Loss.cross_entropy(model.loss_gradient)]):
        attacked = _attack(model, x, y, epsilon=1.0, losses=losses, ascent=Ascent(10, 4))

        assert (model.predict(attacked) == y).all()
        assert attacked == pytest.approx(np.array([[9.0], [19.0]]))


def test_the_model_is_asked_about_suspects_and_never_again_about_what_is_broken():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[-0.1], [0.1], [1.5], [90.0]]), np.array([0, 0, 0, 0])

    _attack(model, x, y, epsilon=1.0, ascent=Ascent(steps=5, restarts=3))

    # The first is wrong as it is, the second after one step. The others are in their corner then,
    # where every further start takes them in one step or two.
    sizes = [len(rows) for rows in model.gradients_asked]
    assert sizes[:4] == [4, 3, 2, 2]
    assert max(sizes[4:]) == 2
    assert 6 <= len(sizes) <= 8
    assert [len(rows) for rows in model.asked] == [1, 1]


def test_who_is_not_stuck_is_led_on_to_the_last_step():
    """In the round ball nothing is ever stuck: five steps, and a look at where they ended."""
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[-0.1], [0.1], [1.5], [90.0]]), np.array([0, 0, 0, 0])

    _attack(model, x, y, norm="l2", epsilon=1.0, ascent=Ascent(steps=5, restarts=3))

    assert [len(rows) for rows in model.gradients_asked] == [4, 3] + [2] * 16
    assert [len(rows) for rows in model.asked] == [1, 1]


def test_a_loss_that_promises_nothing_has_the_model_asked_whenever_it_rises():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    loss = Loss(_margin(model).gradient, wrong_from=-np.inf)

    _attack(
        model,
        np.array([[10.0]]),
        np.array([0]),
        epsilon=1.0,
        losses=[loss],
        ascent=Ascent(steps=8, restarts=1),
    )

    # At the input and after the first step, which goes as far as the ball does.
    assert [len(rows) for rows in model.asked] == [1, 1]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_broke_in_a_smaller_ball_costs_one_question_in_a_larger_one(norm, target, splits):
    model, test = target("mlp"), splits.test
    x, y = test.features[:100], test.labels[:100]
    options = {"norm": norm, "bounds": test.feature_range, "ascent": Ascent(10, 1)}
    smaller = _attack(model, x, y, epsilon=1.0 if norm == "linf" else 6.0, **options)
    broken = model.predict(smaller) != y
    assert 10 < broken.sum() < 90
    before = model.queries, model.gradient_queries

    larger = _attack(model, x[broken], y[broken], epsilon=20.0, start=smaller[broken], **options)

    assert larger == pytest.approx(smaller[broken], abs=1e-5)
    assert (model.queries, model.gradient_queries) == tuple(before + np.repeat(broken.sum(), 2))


def test_a_start_outside_the_ball_is_brought_inside(line):
    _, x, y = line
    model = Linear([[2.0, -2.0], [-1.0, 1.0]], [0.0, 0.0])

    attacked = _attack(model, x, y, epsilon=0.1, start=x + 50.0)

    assert np.abs(model.gradients_asked[0] - x).max() <= 0.1 + 1e-6
    assert np.abs(attacked - x).max() <= 0.1 + 1e-12


def test_the_search_ends_when_everything_is_broken():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])

    _attack(model, np.array([[0.1]]), np.array([0]), epsilon=1.0, ascent=Ascent(3, 50))

    assert len(model.gradients_asked) == 2


def test_random_starts_in_the_round_ball_are_uniform_in_their_distance():
    begun = []

    def flat(x, _):
        begun.append(x)
        return np.zeros(len(x)), np.zeros_like(x)

    rows = np.zeros((4000, 5))
    projected_gradient_descent(
        [Loss.margin(flat)],
        lambda x: np.zeros(len(x), dtype=int),
        rows,
        np.zeros(4000, dtype=int),
        norm="l2",
        epsilon=2.0,
        bounds=WIDE,
        ascent=Ascent(steps=1, restarts=2),
        rng=np.random.default_rng(0),
    )

    distances = np.linalg.norm(begun[2], axis=1)
    quartiles = np.quantile(distances, [0.25, 0.5, 0.75, 1.0])
    assert quartiles == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=0.06)
    assert begun[2].mean(axis=0) == pytest.approx(0.0, abs=0.06)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_equal_seeds_give_equal_perturbations_and_others_do_not(target, splits, norm):
    model, test = target("mlp-hardened"), splits.test
    x, y = test.features[:40], test.labels[:40]
    budget = {"norm": norm, "epsilon": 2.0, "bounds": test.feature_range, "ascent": Ascent(4, 3)}

    first, again, other = (_attack(model, x, y, **budget, seed=seed) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_momentum_carries_over_what_a_step_alone_would_not():
    """A slope that flips its sign: without momentum the search swings, with it the swings fade."""

    def flipping(x, _):
        flipping.calls += 1
        return np.full(len(x), float(flipping.calls)), np.full_like(x, (-1.0) ** flipping.calls)

    found = []
    for momentum in (0.0, 0.9):
        flipping.calls = 0
        ascent = Ascent(steps=2, restarts=1, momentum=momentum)
        model = Linear([[0.0, 0.0]], [1.0, 0.0])
        found.append(
            _attack(
                model,
                np.zeros((1, 1)),
                np.array([0]),
                epsilon=1.0,
                losses=[Loss(flipping, 99.0)],
                ascent=ascent,
            )[0, 0]
        )

    # One radius down; then half a radius up, or half of a tenth of it.
    assert found == pytest.approx([-0.5, -0.95])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_does_not_modify_its_input(line, norm):
    model, x, y = line
    before = x.copy(), y.copy()
    x.setflags(write=False)
    y.setflags(write=False)

    attacked = _attack(model, x, y, norm=norm, epsilon=0.5, start=x)
    attacked += 1.0  # nor is the answer the input under another name

    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"restarts": 0}, {"momentum": 1.0}, {"momentum": -0.1}]
)
def test_an_effort_that_is_none_is_refused(wrong):
    with pytest.raises(Misconfigured, match="steps and restarts"):
        Ascent(**wrong)


@pytest.mark.parametrize("epsilon", [-0.1, float("nan"), np.array([0.1, -0.1])])
def test_a_radius_that_is_none_is_refused(epsilon):
    with pytest.raises(Misconfigured, match="radii of at least 0"):
        _attack(
            Linear([[1.0, -1.0]], [0.0, 0.0]), np.ones((2, 1)), np.zeros(2, int), epsilon=epsilon
        )
