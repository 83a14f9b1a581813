import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import softmax

from seclab.attacks.inversion import Prior, invert_by_gradient, invert_by_scores
from tests.fakes import Linear

LABELS = np.array([0, 0, 1, 1, 2, 2])
BOUNDS = (-20.0, 20.0)


@pytest.fixture(scope="module")
def population():
    """Rows that vary along three of five features, by 3, 2 and 1."""
    rows = np.random.default_rng(0).normal(size=(2000, 5)) * [3.0, 2.0, 1.0, 0.0, 0.0]
    return rows + np.arange(1.0, 6.0)


@pytest.fixture(scope="module")
def prior(population):
    return Prior.of(population, variance=1.0, bounds=BOUNDS)


@pytest.fixture(scope="module")
def model():
    """Each of three classes has a direction of its own in the features that vary."""
    return Linear(np.vstack([np.eye(3) * 2.0, np.zeros((2, 3))]), [-2.0, -4.0, -6.0])


def _by_gradient(model, prior, start, *, weight=1.0, steps=400):
    return invert_by_gradient(
        model.loss_gradient, LABELS, prior=prior, start=start, weight=weight, steps=steps
    )


def _by_scores(model, prior, start, *, weight=1.0, queries=3000, seed=0):
    return invert_by_scores(
        lambda x: softmax(x @ model.weights + model.biases, axis=1),
        LABELS,
        prior=prior,
        start=start,
        weight=weight,
        queries=queries,
        rng=np.random.default_rng(seed),
    )


def _likeliest(model, prior, label):
    """Where cross-entropy and prior together are least, found by somebody else's optimiser."""

    def cost(at):
        loss, _ = model.loss_gradient(prior.rows(at[None]), np.array([label]))
        return loss[0] + at @ at / 2.0

    return prior.rows(minimize(cost, np.zeros(len(prior.axes))).x[None])[0]


def test_the_prior_is_that_of_the_rows(population, prior):
    covariance = prior.axes.T @ prior.axes

    assert prior.axes.shape == (3, 5)
    assert np.allclose(covariance, np.cov(population.T), atol=1e-9)
    assert np.allclose(prior.rows(prior.coordinates(population)), population)


def test_as_many_axes_are_kept_as_cover_the_variance(population):
    # 9 of 14 lie along the first, 13 of 14 along the first two.
    for variance, axes in ((0.5, 1), (0.9, 2), (0.99, 3)):
        assert len(Prior.of(population, variance=variance, bounds=BOUNDS).axes) == axes


@pytest.mark.parametrize("search", [_by_gradient, _by_scores])
def test_the_likeliest_input_of_a_class_is_found_from_anywhere(search, model, prior, population):
    expected = np.stack([_likeliest(model, prior, label) for label in LABELS])

    found = search(model, prior, population[: len(LABELS)])

    assert np.abs(found - expected).max() < 0.15
    assert np.abs(expected - prior.mean).max() > 1.0  # it is not where everybody would look


@pytest.mark.parametrize("search", [_by_gradient, _by_scores])
def test_what_the_prior_does_not_know_of_stays_as_it_is(search, model, prior, population):
    found = search(model, prior, population[: len(LABELS)])

    assert np.allclose(found[:, 3:], [4.0, 5.0])


def test_a_model_that_always_says_the_same_gives_the_mean_and_nothing_else(prior, population):
    found = _by_gradient(Linear(np.zeros((5, 3)), np.zeros(3)), prior, population[:6])

    assert np.abs(found - prior.mean).max() < 0.05


def test_the_search_asks_what_it_was_allowed_and_equal_seeds_find_the_same(prior, population):
    asked = []

    def answer(x):
        asked.append(len(x))
        return np.full((len(x), 3), 1.0 / 3.0)

    first, again = (
        invert_by_scores(
            answer,
            LABELS,
            prior=prior,
            start=population[:6],
            weight=0.1,
            queries=7,
            rng=np.random.default_rng(1),
        )
        for _ in range(2)
    )

    assert asked == [6] * 14
    assert np.array_equal(first, again)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    weight=st.floats(0.0, 2.0),
    low=st.floats(-5.0, 0.0),
    width=st.floats(0.1, 5.0),
)
def test_no_reconstruction_leaves_the_bounds_or_touches_the_starts(seed, weight, low, width):
    rng = np.random.default_rng(seed)
    bounds = (low, low + width)
    rows = rng.uniform(*bounds, (30, 4))
    narrow = Prior.of(rows, variance=0.9, bounds=bounds)
    model = Linear(rng.normal(size=(4, 3)) * 10.0, np.zeros(3))
    start = rows[:6].copy()

    found = [
        _by_gradient(model, narrow, start, weight=weight, steps=10),
        _by_scores(model, narrow, start, weight=weight, queries=10, seed=seed),
    ]

    for one in found:
        assert one.shape == start.shape
        assert one.min() >= bounds[0]
        assert one.max() <= bounds[1]
    assert np.array_equal(start, rows[:6])
