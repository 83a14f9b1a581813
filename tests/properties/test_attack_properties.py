import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.attacks.boundary_walk import Walk, hop_skip_jump
from seclab.attacks.linf_gradient import linf_fast_gradient_sign
from seclab.attacks.minimal_perturbation import minimal_perturbation
from seclab.attacks.projected_gradient import Ascent, Loss, projected_gradient_descent
from tests.fakes import Linear
from tests.strategies import linear_models

fractions = st.sampled_from([0.0, 0.01, 0.3, 1.0]) | st.floats(0.0, 1.0)
seeds = st.integers(0, 2**32 - 1)


def _inside(found, x, *, epsilon, bounds):
    """In the ball up to the last bits, in the box to the last bit."""
    assert found.shape == x.shape
    assert np.isfinite(found).all()
    assert found.min() >= bounds[0]
    assert found.max() <= bounds[1]
    assert np.abs(found - x).max() <= epsilon + 1e-12 * max(map(abs, bounds))


@given(problem=linear_models(), fraction=fractions, data=st.data())
def test_one_gradient_step_stays_in_ball_and_box(problem, fraction, data):
    weights, biases, x, bounds = problem
    y = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(x), max_size=len(x))))
    epsilon = fraction * (bounds[1] - bounds[0])

    found = linf_fast_gradient_sign(
        Linear(weights, biases).loss_gradient, x, y, epsilon=epsilon, bounds=bounds
    )

    _inside(found, x, epsilon=epsilon, bounds=bounds)


def _margin(model):
    """Loss and gradient of the margin of a linear fake, in double precision."""

    def gradient(x, y):
        scores, rows = x @ model.weights + model.biases, np.arange(len(x))
        true = scores[rows, y].copy()
        scores[rows, y] = -np.inf
        rival = scores.argmax(axis=1)
        return scores[rows, rival] - true, (model.weights[:, rival] - model.weights[:, y]).T

    return gradient


@pytest.mark.parametrize("norm", ["linf", "l2"])
@given(
    problem=linear_models(),
    fraction=fractions,
    ascent=st.builds(
        Ascent, st.integers(1, 4), st.integers(1, 3), momentum=st.sampled_from([0.0, 0.7])
    ),
    seed=seeds,
)
@settings(max_examples=60)
def test_many_gradient_steps_stay_in_ball_and_box_and_only_gain(
    norm, problem, fraction, ascent, seed
):
    weights, biases, x, bounds = problem
    model, rng = Linear(weights, biases), np.random.default_rng(seed)
    y = model.predict(x)
    radii = fraction * (bounds[1] - bounds[0]) * rng.uniform(0.5, 1.0, len(x))

    found = projected_gradient_descent(
        [Loss.cross_entropy(model.loss_gradient), Loss.margin(_margin(model))],
        model.predict,
        x,
        y,
        norm=norm,
        epsilon=radii,
        bounds=bounds,
        ascent=ascent,
        rng=rng,
    )

    _inside(found, x, epsilon=radii.max(), bounds=bounds)
    change = np.abs(found - x)
    length = change.max(axis=1) if norm == "linf" else np.linalg.norm(change, axis=1)
    assert (length <= radii + 1e-12 * max(map(abs, bounds))).all()
    # What is shown to the model is inside to the last bit; the search is in single precision.
    rounding = 1e-6 * max(map(abs, bounds))
    for asked, slack in ((model.asked, 0.0), (model.gradients_asked, rounding)):
        for rows in asked:
            assert bounds[0] - slack <= rows.min()
            assert rows.max() <= bounds[1] + slack
    untouched = model.loss_gradient(x, y)[0]
    gained = model.loss_gradient(found, y)[0] - untouched
    assert ((gained >= -1e-4) | (model.predict(found) != y)).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
@given(problem=linear_models(), seed=seeds, steps=st.integers(1, 8))
@settings(max_examples=60)
def test_the_smallest_perturbation_stays_in_the_box_and_fools_or_is_none(
    norm, problem, seed, steps
):
    weights, biases, x, bounds = problem
    model = Linear(weights, biases)
    y = np.random.default_rng(seed).integers(0, 3, len(x))

    found = minimal_perturbation(
        _margin(model), model.predict, x, y, norm=norm, bounds=bounds, steps=steps
    )

    _inside(found, x, epsilon=bounds[1] - bounds[0], bounds=bounds)
    moved = (found != x).any(axis=1)
    assert (model.predict(found)[moved] != y[moved]).all()
    assert not moved[model.predict(x) != y].any()
    for asked in model.asked:
        assert bounds[0] <= asked.min()
        assert asked.max() <= bounds[1]


@given(problem=linear_models(), seed=seeds, iterations=st.integers(0, 3))
@settings(max_examples=60)
def test_the_boundary_walk_stays_in_the_box_and_gives_what_it_says(problem, seed, iterations):
    weights, biases, x, bounds = problem
    model, rng = Linear(weights, biases), np.random.default_rng(seed)
    y = rng.integers(0, 3, len(x))
    starts = rng.choice([bounds[0], bounds[1], sum(bounds) / 2], size=(12, x.shape[1]))

    found = hop_skip_jump(
        model.predict,
        x,
        y,
        norm="linf",
        starts=starts,
        bounds=bounds,
        walk=Walk(iterations=iterations, directions=6, halvings=5),
        rng=rng,
    ).adversarial

    _inside(found, x, epsilon=bounds[1] - bounds[0], bounds=bounds)
    right, startable = (
        model.predict(x) == y,
        np.isin(y, np.arange(3)) & (model.predict(starts)[None, :] != y[:, None]).any(axis=1),
    )
    assert np.array_equal(found[~right], x[~right])
    assert np.array_equal(found[right & ~startable], x[right & ~startable])
    assert (model.predict(found)[right & startable] != y[right & startable]).all()
    usable = np.abs(starts[None] - x[:, None]).max(axis=2)
    usable[model.predict(starts)[None, :] == y[:, None]] = np.inf
    assert (np.abs(found - x).max(axis=1) <= usable.min(axis=1) + 1e-9)[right & startable].all()
    for asked in model.asked:
        assert bounds[0] <= asked.min()
        assert asked.max() <= bounds[1]
