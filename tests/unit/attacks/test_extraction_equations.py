import numpy as np
import pytest
from scipy.special import softmax

from seclab.attacks.extraction import fit_network, solve_softmax, uniform_queries
from seclab.models.answers import as_targets

BOUNDS = (-2.0, 6.0)
CLASSES, COLUMNS = 4, 6


@pytest.fixture(scope="module")
def weights():
    """A softmax regression that we wrote down ourselves, biases in the last row."""
    return np.random.default_rng(3).normal(0.0, 0.6, (COLUMNS + 1, CLASSES))


def _logits(weights, x):
    return x @ weights[:-1] + weights[-1]


def _ask(weights, n, *, serve=lambda p: p, seed=0):
    x = uniform_queries(COLUMNS, budget=n, bounds=BOUNDS, rng=np.random.default_rng(seed))
    p = softmax(_logits(weights, x), axis=1)
    return x, as_targets(p.argmax(axis=1), serve(p), classes=CLASSES)


def _solve(weights, n, *, serve=lambda p: p, resolution=0.0):
    x, targets = _ask(weights, n, serve=serve)
    return solve_softmax(x, targets, bounds=BOUNDS, resolution=resolution)


def _agreement(copy, weights):
    x, _ = _ask(weights, 4000, seed=1)
    return np.mean(copy.predict(x) == _logits(weights, x).argmax(axis=1))


def _rounded(decimals):
    return lambda p: np.round(p, decimals)


def _top_only(p):
    return np.where(p == p.max(axis=1, keepdims=True), p, np.nan)


def test_one_query_more_than_columns_gives_the_weights_but_for_what_softmax_hides(weights):
    copy = _solve(weights, COLUMNS + 1)

    x, _ = _ask(weights, 50, seed=2)
    found, true = copy(x), _logits(weights, x)
    np.testing.assert_allclose(
        found - found.mean(axis=1, keepdims=True),
        true - true.mean(axis=1, keepdims=True),
        atol=1e-8,
    )
    assert _agreement(copy, weights) == 1.0


def test_one_query_less_does_not(weights):
    x, _ = _ask(weights, 50, seed=2)
    found, true = softmax(_solve(weights, COLUMNS)(x), axis=1), softmax(_logits(weights, x), axis=1)

    assert np.abs(found - true).max() > 0.01


@pytest.mark.parametrize(("decimals", "at_least"), [(3, 0.995), (2, 0.985), (1, 0.95)])
def test_rounding_costs_queries_and_hides_little(weights, decimals, at_least):
    copy = _solve(weights, 150, serve=_rounded(decimals), resolution=10.0**-decimals)

    assert _agreement(copy, weights) >= at_least


def test_zeros_that_rounding_made_are_not_taken_for_impossible():
    strong = np.random.default_rng(3).normal(0.0, 3.0, (COLUMNS + 1, CLASSES))
    x, targets = _ask(strong, 200, serve=_rounded(2))
    assert (targets == 0.0).mean() > 0.5

    copy = solve_softmax(x, targets, bounds=BOUNDS, resolution=0.01)

    assert np.isfinite(copy.layers[0]).all()
    assert _agreement(copy, strong) > 0.97


def test_the_highest_confidence_alone_is_enough_in_the_end(weights):
    few = _solve(weights, COLUMNS + 1, serve=_top_only)
    many = _solve(weights, 300, serve=_top_only)

    assert _agreement(few, weights) < _agreement(many, weights)
    assert _agreement(many, weights) > 0.99


def test_a_temperature_hides_nothing_from_the_labels(weights):
    cold = _solve(weights * 0.25, COLUMNS + 1)  # logits over 4: what a temperature of 4 serves

    assert _agreement(cold, weights) == 1.0


def test_certain_answers_give_finite_weights(weights):
    x, _ = _ask(weights, 40)
    certain = np.eye(CLASSES)[np.zeros(40, dtype=int)]

    copy = solve_softmax(x, certain, bounds=BOUNDS, resolution=0.0)

    assert np.isfinite(copy.layers[0]).all()
    assert set(copy.predict(x)) == {0}


@pytest.mark.parametrize("classes", [2, 3])
def test_two_classes_fall_like_more(classes):
    written = np.random.default_rng(classes).normal(0.0, 0.6, (COLUMNS + 1, classes))
    rng = np.random.default_rng(0)
    x, probes = (uniform_queries(COLUMNS, budget=n, bounds=BOUNDS, rng=rng) for n in (7, 2000))

    copy = solve_softmax(x, softmax(_logits(written, x), axis=1), bounds=BOUNDS, resolution=0.0)

    expected = softmax(_logits(written, probes), axis=1)
    np.testing.assert_allclose(softmax(copy(probes), axis=1), expected, atol=1e-8)


def test_a_model_so_sure_that_some_confidences_vanish_falls_to_the_other_rows():
    sure = np.random.default_rng(3).normal(0.0, 50.0, (COLUMNS + 1, CLASSES))
    x, targets = _ask(sure, 60)
    whole = (targets > 0.0).all(axis=1)
    assert COLUMNS + 1 <= whole.sum() < len(x)

    assert _agreement(solve_softmax(x, targets, bounds=BOUNDS, resolution=0.0), sure) == 1.0


def test_nothing_that_goes_in_is_modified(weights):
    x, targets = _ask(weights, 60, serve=_top_only)
    before = x.copy(), targets.copy()

    solve_softmax(x, targets, bounds=BOUNDS, resolution=0.01)

    np.testing.assert_array_equal(before[0], x)
    np.testing.assert_array_equal(before[1], targets)


def _error(copy, weights):
    x, _ = _ask(weights, 2000, seed=1)
    return np.abs(softmax(copy(x), axis=1) - softmax(_logits(weights, x), axis=1)).mean()


def test_small_confidences_that_were_rounded_do_not_mislead():
    flat = np.random.default_rng(3).normal(0.0, 0.15, (COLUMNS + 1, CLASSES))
    x, targets = _ask(flat, 20, serve=_rounded(3))
    assert (targets > 0.0).all()

    weighed = solve_softmax(x, targets, bounds=BOUNDS, resolution=1e-3)
    taken_for_exact = solve_softmax(x, targets, bounds=BOUNDS, resolution=0.0)

    assert _error(weighed, flat) < 0.6 * _error(taken_for_exact, flat)


def test_least_squares_take_the_penalty_off_again(weights):
    x, targets = _ask(weights, 150, serve=_rounded(2))
    likely = fit_network(x, targets, bounds=BOUNDS, hidden=0, penalty=0.01, iterations=300, seed=0)

    solved = solve_softmax(x, targets, bounds=BOUNDS, resolution=0.01)

    assert _error(solved, weights) < 0.3 * _error(likely, weights)


def test_the_penalty_is_no_larger_than_the_answers_are_coarse(weights):
    assert _error(_solve(weights, 20, serve=_rounded(3), resolution=1e-3), weights) < 0.01
