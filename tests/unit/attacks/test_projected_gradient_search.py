"""How the search goes about it: starts, turns, questions, batches."""

import itertools
import tracemalloc

import numpy as np
import pytest

from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent, search
from seclab.errors import Misconfigured
from tests.fakes import Linear
from tests.unit.attacks.descent import WIDE, attack, both


def test_losses_take_turns_and_each_begins_at_the_input():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    asked, begun = [], []

    def loss(name):
        def gradient(x, y):
            asked.append((name, len(x)))
            begun.append(x[:, 0])
            return model.loss_gradient(x, y)

        return Loss.cross_entropy(gradient)

    attack(
        model,
        np.array([[10.0]]),
        np.array([0]),
        epsilon=1.0,
        norm="l2",
        losses=[loss("first"), loss("second"), loss("third")],
        ascent=Ascent(steps=1, restarts=8),
    )

    # One climb from the input; then each loss with all the starts it has left, side by side.
    assert asked == [
        *[("first", 1)] * 2,
        *[("second", 3)] * 2,
        *[("third", 2)] * 2,
        *[("first", 2)] * 2,
    ]
    assert begun[0] == begun[2][0] == begun[4][0] == 10.0
    random = np.concatenate([begun[2][1:], begun[4][1:], begun[6]])
    assert len(set(random.tolist())) == 5
    assert (np.abs(random - 10.0) <= 1.0 + 1e-6).all()


def test_the_model_is_asked_about_suspects_and_never_again_about_what_is_broken():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[-0.1], [0.1], [1.5], [30.0]]), np.array([0, 0, 0, 0])

    attack(model, x, y, epsilon=1.0, ascent=Ascent(steps=5, restarts=3))

    # The first is wrong as it is, the second after one step. The others are in their corner then,
    # and stay. Of two random starts of each, those in the other corner get there in one step.
    first, second, randoms, *moved = [len(rows) for rows in model.gradients_asked]
    assert (first, second, randoms) == (4, 3, 4)
    assert len(moved) <= 1
    assert [len(rows) for rows in model.asked] == [1, 1]


def test_who_is_not_at_rest_is_led_on_to_the_last_step():
    """With momentum nothing is ever at rest: five steps, and a look at where they ended."""
    model = Linear([[1.0, -1.0]], [0.0, 0.0])
    x, y = np.array([[-0.1], [0.1], [1.5], [30.0]]), np.array([0, 0, 0, 0])

    attack(model, x, y, epsilon=1.0, ascent=Ascent(steps=5, restarts=3, momentum=0.5))

    assert [len(rows) for rows in model.gradients_asked] == [4, 3] + [2] * 4 + [4] * 6
    assert [len(rows) for rows in model.asked] == [1, 1]


def test_a_loss_that_promises_nothing_has_the_model_asked_whenever_it_rises():
    model = Linear([[1.0, -1.0]], [50.0, 0.0])
    loss = Loss(Loss.margin(model.margin_gradient).gradient, wrong_from=-np.inf)

    attack(
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
    smaller = attack(model, x, y, epsilon=1.0 if norm == "linf" else 6.0, **options)
    broken = model.predict(smaller) != y
    assert 10 < broken.sum() < 90
    before = model.queries, model.gradient_queries

    larger = attack(model, x[broken], y[broken], epsilon=20.0, start=smaller[broken], **options)

    assert larger == pytest.approx(smaller[broken], abs=1e-5)
    assert (model.queries, model.gradient_queries) == tuple(before + np.repeat(broken.sum(), 2))


def test_the_search_ends_when_everything_is_broken():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])

    attack(model, np.array([[0.1]]), np.array([0]), epsilon=1.0, ascent=Ascent(3, 50))

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

    starts = next(rows for rows in begun[1:] if rows.any())
    distances = np.linalg.norm(starts, axis=1)
    quartiles = np.quantile(distances, [0.25, 0.5, 0.75, 1.0])
    assert quartiles == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=0.06)
    assert starts.mean(axis=0) == pytest.approx(0.0, abs=0.06)


def test_random_starts_are_corners_of_the_cube():
    begun = []

    def flat(x, _):
        begun.append(x)
        return np.zeros(len(x)), np.zeros_like(x)

    x = np.full((2000, 3), [0.0, 0.5, 0.95])
    options = {"bounds": (0.0, 1.0), "losses": [Loss.margin(flat)]}
    attack(Linear(np.zeros((3, 2)), [1.0, 0.0]), x, np.zeros(2000, int), epsilon=0.1, **options)

    corners, counts = np.unique(begun[1].round(6), axis=0, return_counts=True)
    expected = list(itertools.product([0.0, 0.1], [0.4, 0.6], [0.85, 1.0]))
    assert corners == pytest.approx(np.array(expected), abs=1e-6)
    assert counts == pytest.approx(np.full(8, 250), abs=70)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_found_does_not_depend_on_where_a_batch_ends(norm, monkeypatch):
    """Whole weights and inputs in halves: every sum is exact in whatever order it is added."""
    rng = np.random.default_rng(0)
    model = Linear(rng.integers(-2, 3, (6, 4)), rng.integers(-2, 3, 4))
    x = rng.integers(-4, 5, (90, 6)) / 2.0
    y = model.predict(x)
    options = {"norm": norm, "epsilon": 0.5, "losses": both(model), "ascent": Ascent(6, 5)}

    whole = attack(model, x, y, **options)
    assert 20 < (model.predict(whole) == y).sum() < 80
    for features in (1, 100, 500):
        monkeypatch.setattr(search, "_IN_FLIGHT", features)
        model.gradients_asked.clear()
        parts = attack(model, x, y, **options)

        assert max(len(rows) for rows in model.gradients_asked) <= max(2, features // 6)
        assert parts == pytest.approx(whole, abs=1e-5)
        assert np.array_equal(model.predict(parts) != y, model.predict(whole) != y)


def test_memory_beside_inputs_and_output_does_not_grow_with_the_rows():
    model = Linear(np.random.default_rng(0).normal(size=(784, 10)), np.zeros(10))
    model.predict = lambda x: (x @ model.weights).argmax(axis=1)
    loss = Loss.margin(model.margin_gradient)
    x = np.random.default_rng(1).uniform(0.0, 1.0, (2500, 784))
    y, beside = model.predict(x), []

    for rows in (500, 2500):
        tracemalloc.start()
        found = attack(model, x[:rows], y[:rows], epsilon=1e-4, losses=[loss], bounds=(0.0, 1.0))
        beside.append(tracemalloc.get_traced_memory()[1] - found.nbytes)
        tracemalloc.stop()

    assert (model.predict(found) == y).mean() > 0.9
    assert beside[0] < 30e6
    assert beside[1] < 1.1 * beside[0]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_equal_seeds_give_equal_perturbations_and_others_do_not(target, splits, norm):
    model, test = target("mlp-hardened"), splits.test
    x, y = test.features[:40], test.labels[:40]
    budget = {"norm": norm, "epsilon": 2.0, "bounds": test.feature_range, "ascent": Ascent(4, 3)}

    first, again, other = (attack(model, x, y, **budget, seed=seed) for seed in (0, 0, 1))

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
            attack(
                model,
                np.zeros((1, 1)),
                np.array([0]),
                epsilon=1.0,
                losses=[Loss(flipping, 99.0)],
                ascent=ascent,
            )[0, 0]
        )

    # To the edge, one radius down; then one radius up, or a tenth of it.
    assert found == pytest.approx([0.0, -0.9])


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"restarts": 0}, {"momentum": 1.0}, {"momentum": -0.1}]
)
def test_an_effort_that_is_none_is_refused(wrong):
    with pytest.raises(Misconfigured, match="steps and restarts"):
        Ascent(**wrong)


@pytest.mark.parametrize("epsilon", [-0.1, float("nan"), np.array([0.1, -0.1])])
def test_a_radius_that_is_none_is_refused(epsilon):
    with pytest.raises(Misconfigured, match="radii of at least 0"):
        attack(
            Linear([[1.0, -1.0]], [0.0, 0.0]), np.ones((2, 1)), np.zeros(2, int), epsilon=epsilon
        )


def test_of_no_rows_nothing_is_asked():
    model = Linear([[1.0, -1.0]], [0.0, 0.0])

    attacked = attack(model, np.empty((0, 1)), np.empty(0, int), epsilon=1.0)

    assert attacked.shape == (0, 1)
    assert not model.asked
    assert not model.gradients_asked
