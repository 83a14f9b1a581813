import numpy as np
import pytest

from seclab.defenses.kernel_ridge import class_indexes, kernel_features, ridge_fit
from seclab.errors import Misconfigured

N, M, K, RIDGE = 40, 12, 3, 0.7


def problem(seed=0):
    rng = np.random.default_rng(seed)
    phi = rng.normal(size=(N, M)).astype(np.float32)
    return phi, np.concatenate([np.arange(K), rng.integers(K, size=N - K)])


def refitted(phi, y, weights, asked):
    """Scores of the rows asked, by the normal equations of a fit with these weights."""
    signs = np.where(np.arange(K) == y[:, None], 1.0, -1.0)
    rows = phi.astype(np.float64)
    gram = (rows * weights[:, None]).T @ rows + RIDGE * np.eye(M)
    return rows[asked] @ np.linalg.solve(gram, (rows * weights[:, None]).T @ signs)


def test_a_row_is_judged_as_by_a_second_fit_without_it():
    phi, y = problem()
    kept = np.arange(N) % 5 > 0
    fit = ridge_fit(phi, y, ridge=RIDGE, kept=kept)
    scores = fit.held_out().scores
    for row in range(N):
        weights = np.where(np.arange(N) == row, 0.0, fit.weights)
        assert scores[row] == pytest.approx(refitted(phi, y, weights, [row])[0], abs=1e-4)


@pytest.mark.parametrize("size", [2, M, M + 1, 30])
def test_a_group_is_judged_as_by_a_second_fit_without_it(size):
    phi, y = problem(size)
    fit = ridge_fit(phi, y, ridge=RIDGE, kept=np.ones(N, dtype=bool))
    group = np.random.default_rng(size).permutation(N)[:size]
    weights = np.where(np.isin(np.arange(N), group), 0.0, fit.weights)
    assert fit.without(group) == pytest.approx(refitted(phi, y, weights, group), abs=1e-3)


def test_a_group_of_one_is_a_row_held_out():
    phi, y = problem()
    fit = ridge_fit(phi, y, ridge=RIDGE, kept=np.ones(N, dtype=bool))
    alone = np.vstack([fit.without(np.array([row])) for row in range(N)])
    assert fit.held_out().scores == pytest.approx(alone, abs=1e-4)


def test_classes_weigh_the_same_however_many_rows_they_have():
    phi, y = problem()
    weights = ridge_fit(phi, y, ridge=RIDGE, kept=np.ones(N, dtype=bool)).weights
    totals = np.bincount(y, weights=weights)
    assert totals == pytest.approx(np.full(K, N / K), rel=1e-5)


def test_margins_are_in_units_of_the_middle_row():
    phi, y = problem()
    phi[np.arange(N), y] += 3.0
    judgement = ridge_fit(phi, y, ridge=RIDGE, kept=np.ones(N, dtype=bool)).held_out()
    assert np.median(judgement.margins) == pytest.approx(1.0)
    assert (judgement.rivals != y).all()


def test_with_every_row_a_landmark_inner_products_are_the_kernel():
    rows = np.random.default_rng(1).normal(size=(30, 4)) + 100.0
    phi = kernel_features(rows, landmarks=1000, width=1.0, rng=np.random.default_rng(0))
    squares = ((rows[:, None] - rows) ** 2).sum(axis=2)
    kernel = np.exp(-squares / np.median(squares))
    assert phi @ phi.T == pytest.approx(kernel, abs=2e-3)


def test_copies_and_constants_have_features_too():
    same = np.ones((9, 3))
    phi = kernel_features(same, landmarks=5, width=1.0, rng=np.random.default_rng(0))
    assert phi.shape == (9, 5)
    assert np.isfinite(phi).all()


@pytest.mark.parametrize(
    ("features", "labels", "says"),
    [
        (np.ones(4), np.array([0, 1, 0, 1]), "shape"),
        (np.ones((4, 2)), np.array([0, 1, 0]), "shape"),
        (np.full((4, 2), np.nan), np.array([0, 1, 0, 1]), "finite"),
        (np.ones((4, 2)), np.zeros(4, dtype=int), "there is 1"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_detectors_name(features, labels, says):
    with pytest.raises(Misconfigured, match=says) as refused:
        class_indexes(features, labels, detector="some_detector")
    assert "some_detector" in str(refused.value)
