import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from seclab.attacks import score_search
from seclab.attacks.score_search import l2_square_search, linf_square_search
from tests.strategies import linear_models

BOUNDS = (0.0, 1.0)
SLOPE = np.random.default_rng(7).normal(size=16)
SEARCHES = {
    "linf": (linf_square_search, lambda change: np.abs(change).max(axis=1)),
    "l2": (l2_square_search, lambda change: np.linalg.norm(change, axis=1)),
}


class Asked:
    """A softmax regression that keeps the rows it was asked."""

    def __init__(self, weights, biases):
        self.weights, self.biases, self.rows = np.asarray(weights), np.asarray(biases), []

    def __call__(self, x):
        self.rows.append(x.copy())
        return softmax(x @ self.weights + self.biases, axis=1)

    @property
    def count(self):
        return sum(map(len, self.rows))


@pytest.fixture(params=SEARCHES)
def search(request):
    return SEARCHES[request.param][0]


@pytest.fixture
def plane():
    """Class 0 on the side of ``SLOPE`` of a plane through the middle of the box."""
    return Asked(np.stack([SLOPE, -SLOPE], axis=1), [-SLOPE.sum() / 2, SLOPE.sum() / 2])


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(0.3, 0.7, (20, 16))


def _labels(x):
    return ((x - 0.5) @ SLOPE < 0.0).astype(int)


def _run(search, model, x, y, *, epsilon=0.2, queries=200, seed=0, **more):
    rng = np.random.default_rng(seed)
    return search(model, x, y, epsilon=epsilon, bounds=BOUNDS, queries=queries, rng=rng, **more)


def _fooled(found, y):
    return _labels(found) != y


@pytest.mark.parametrize("image_shape", [None, (4, 4), (2, 8)])
def test_on_a_plane_the_whole_cube_is_found(plane, x, image_shape):
    distance = np.abs((x - 0.5) @ SLOPE) / np.abs(SLOPE).sum()
    for epsilon in (0.9 * distance.max(), 1.1 * distance.max()):
        found = _run(
            linf_square_search,
            plane,
            x,
            _labels(x),
            epsilon=epsilon,
            queries=1500,
            image_shape=image_shape,
        )

        assert np.array_equal(_fooled(found.adversarial, _labels(x)), distance < epsilon)


@pytest.mark.parametrize("image_shape", [None, (4, 4)])
def test_on_a_plane_most_of_the_sphere_is_found_and_nothing_outside(plane, x, image_shape):
    distance = np.abs((x - 0.5) @ SLOPE) / np.linalg.norm(SLOPE)
    epsilon = float(np.median(distance))

    found = _run(
        l2_square_search,
        plane,
        x,
        _labels(x),
        epsilon=epsilon,
        queries=1500,
        image_shape=image_shape,
    )

    fooled = _fooled(found.adversarial, _labels(x))
    assert not fooled[distance > epsilon].any()
    assert fooled[distance < 0.9 * epsilon].all()


@pytest.mark.parametrize("proposals", [1, 4, 7])
def test_every_row_sent_is_counted_and_no_budget_overdrawn(search, plane, x, proposals):
    found = _run(search, plane, x, _labels(x), epsilon=0.04, queries=61, proposals=proposals)

    fooled = _fooled(found.adversarial, _labels(x))
    assert 0 < fooled.sum() < len(x)
    assert found.queries.sum() == plane.count
    assert (found.queries[~fooled] == 61).all()
    assert (found.queries[fooled] <= 61).all()


def test_many_rows_are_searched_in_batches_and_counted_all_the_same(search, plane, x, monkeypatch):
    monkeypatch.setattr(score_search, "_IN_FLIGHT", 3 * 5 * x.shape[1])

    found = _run(search, plane, x, _labels(x), epsilon=0.04, queries=31, start=x)

    fooled = _fooled(found.adversarial, _labels(x))
    assert 0 < fooled.sum() < len(x)
    assert max(map(len, plane.rows)) == 3 * 5
    assert found.queries.sum() == plane.count
    assert (found.queries[~fooled] == 31).all()


def test_a_broken_row_is_asked_about_no_more(search, plane, x):
    found = _run(search, plane, x, _labels(x), epsilon=0.5)

    assert _fooled(found.adversarial, _labels(x)).all()
    assert np.median(found.queries) < 30
    assert len(plane.rows[-1]) < len(x) * 5


def test_what_is_misclassified_already_costs_one_question(search, plane, x):
    found = _run(search, plane, x, 1 - _labels(x))

    assert np.array_equal(found.adversarial, x)
    assert found.queries.tolist() == [1] * len(x)


def test_a_budget_of_one_only_looks(search, plane, x):
    found = _run(search, plane, x, _labels(x), queries=1)

    assert np.array_equal(found.adversarial, x)
    assert plane.count == len(x)


def test_the_rows_of_a_smaller_ball_break_a_larger_one_at_once(search, plane, x):
    y = _labels(x)
    small = _run(search, plane, x, y, epsilon=0.15)
    broken = _fooled(small.adversarial, y)

    large = _run(search, plane, x, y, epsilon=0.16, start=small.adversarial)

    assert broken.sum() > 5
    assert (large.queries[broken] == 2).all()
    assert np.array_equal(large.adversarial[broken], small.adversarial[broken])


def test_a_start_outside_is_drawn_into_the_ball(search, plane, x):
    norm = SEARCHES["linf" if search is linf_square_search else "l2"][1]

    found = _run(search, plane, x, _labels(x), epsilon=0.05, queries=2, start=x + 3.0)

    assert norm(found.adversarial - x).max() <= 0.05 + 1e-12
    assert max(rows.max() for rows in plane.rows) <= 1.0


def test_votes_that_change_in_steps_are_followed(x):
    def votes(rows):
        share = np.round((rows > 0.5).mean(axis=1) * 8) / 8
        return np.stack([share, 1.0 - share], axis=1)

    y = votes(x).argmax(axis=1)

    found = linf_square_search(
        votes, x, y, epsilon=0.21, bounds=BOUNDS, queries=400, rng=np.random.default_rng(0)
    )

    assert (votes(found.adversarial).argmax(axis=1) != y).all()


def test_a_tie_counts_as_the_model_answers_it(x):
    def tied(rows):
        return np.where((rows == x.max() + 1.0).any(axis=1)[:, None], [0.6, 0.4], [0.5, 0.5])

    for truth, fooled in ((0, False), (1, True)):
        found = _run(linf_square_search, tied, x, np.full(len(x), truth), queries=11)

        assert (found.queries == (1 if fooled else 11)).all()


def test_whole_numbers_are_searched_from_like_any_others(search, plane):
    x = np.random.default_rng(2).integers(0, 2, (6, 16))

    whole, real = (_run(search, plane, rows, _labels(x), epsilon=0.4) for rows in (x, x * 1.0))

    assert np.array_equal(whole.adversarial, real.adversarial)
    assert not np.array_equal(whole.adversarial, x)


def test_equal_seeds_give_equal_searches_and_others_do_not(search, plane, x):
    first, again, other = (
        _run(search, plane, x, _labels(x), epsilon=0.05, seed=seed) for seed in (0, 0, 1)
    )

    assert np.array_equal(first.adversarial, again.adversarial)
    assert np.array_equal(first.queries, again.queries)
    assert not np.array_equal(first.adversarial, other.adversarial)


@given(
    problem=linear_models(),
    fraction=st.sampled_from([0.0, 0.01, 0.3, 1.0, 5.0]),
    norm=st.sampled_from(sorted(SEARCHES)),
    seed=st.integers(0, 2**32 - 1),
    warm=st.booleans(),
)
@settings(max_examples=60)
def test_all_that_is_asked_and_found_is_in_ball_and_box(problem, fraction, norm, seed, warm):
    weights, biases, x, bounds = problem
    model, rng = Asked(weights, biases), np.random.default_rng(seed)
    search, length = SEARCHES[norm]
    epsilon, before = fraction * (bounds[1] - bounds[0]), x.copy()
    start = rng.uniform(*bounds, x.shape) if warm else None

    found = search(
        model,
        x,
        model(x).argmax(axis=1),
        epsilon=epsilon,
        bounds=bounds,
        queries=23,
        rng=rng,
        start=start,
    )

    slack = 1e-12 * max(map(abs, bounds))
    assert (length(found.adversarial - x) <= epsilon + slack).all()
    for asked in model.rows:
        assert np.isfinite(asked).all()
        assert asked.min() >= bounds[0]
        assert asked.max() <= bounds[1]
    assert np.array_equal(x, before)


def test_a_forest_is_broken_by_its_votes(target, splits):
    forest, test = target("random-forest"), splits.test
    x, y = test.features[:40], test.labels[:40]

    found = linf_square_search(
        forest.predict_proba,
        x,
        y,
        epsilon=0.2 * 16,
        bounds=test.feature_range,
        queries=150,
        rng=np.random.default_rng(0),
        image_shape=test.image_shape,
        proposals=10,
    )

    assert forest.queries == found.queries.sum()
    assert (forest.predict(found.adversarial) == y).mean() < 0.15
