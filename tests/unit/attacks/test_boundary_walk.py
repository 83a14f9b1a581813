import itertools

import numpy as np
import pytest

from seclab.attacks import boundary_walk
from seclab.attacks.boundary_walk import Walk, hop_skip_jump
from tests.fakes import Linear

BOUNDS = (-10.0, 10.0)
SLOPE = np.array([2.0, -1.0, 0.5])
ORDER = {"linf": np.inf, "l2": 2}
DUAL = {"linf": 1, "l2": 2}

norms = pytest.mark.parametrize("norm", sorted(ORDER))


@pytest.fixture
def plane():
    """Two classes on either side of a plane, where the nearest point has a closed form."""
    return Linear(np.stack([SLOPE, -SLOPE], axis=1), [0.0, 0.0])


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(-3.0, 3.0, (30, 3))


def _labels(x):
    return (x @ SLOPE < 0.0).astype(int)


def _starts(count=50):
    return np.random.default_rng(1).uniform(*BOUNDS, (count, 3))


def _walk(model, x, y, *, norm="linf", starts=None, walk=None, seed=0):
    return hop_skip_jump(
        model.predict,
        x,
        y,
        norm=norm,
        starts=_starts() if starts is None else starts,
        bounds=BOUNDS,
        walk=walk or Walk(iterations=5, directions=20),
        rng=np.random.default_rng(seed),
    ).adversarial


def _distance(found, x, norm="linf"):
    return np.linalg.norm(found - x, ord=ORDER[norm], axis=1)


@norms
def test_the_walk_ends_near_the_plane_and_never_nearer_than_it_is(plane, x, norm):
    true_distance = np.abs(x @ SLOPE) / np.linalg.norm(SLOPE, ord=DUAL[norm])

    found = _walk(plane, x, _labels(x), norm=norm, walk=Walk(iterations=15))

    distance = _distance(found, x, norm)

    assert (distance >= true_distance - 1e-9).all()
    assert np.median(distance / true_distance) < 1.05
    assert (distance <= 2.0 * true_distance + 0.05).all()


@norms
def test_everything_found_is_misclassified_and_inside_the_box(plane, x, norm):
    found = _walk(plane, x, _labels(x), norm=norm)

    assert (plane.predict(found) != _labels(x)).all()
    assert found.min() >= BOUNDS[0]
    assert found.max() <= BOUNDS[1]


@norms
def test_a_longer_walk_comes_nearer(plane, x, norm):
    corners = np.array(list(itertools.product(BOUNDS, repeat=3)))

    far, nearer = (
        _distance(_walk(plane, x, _labels(x), norm=norm, starts=corners, walk=walk), x, norm)
        for walk in (Walk(0, 10), Walk(8, 10))
    )

    assert (nearer <= far).all()
    assert nearer.mean() < 0.7 * far.mean()


def test_without_a_round_the_nearest_start_is_approached(plane):
    x, y = np.array([[1.0, 0.0, 0.0]]), np.array([0])
    starts = np.array([[-9.0, 0.0, 0.0], [-2.0, 0.0, 0.0], [0.5, 0.0, 0.0]])

    found = _walk(plane, x, y, starts=starts, walk=Walk(iterations=0, halvings=20))

    # From the nearest one of the other class, straight towards x up to the plane at 0.
    assert found == pytest.approx(np.zeros((1, 3)), abs=1e-4)
    assert plane.predict(found).tolist() == [1]


def test_the_approach_goes_straight_in_l2_and_cuts_off_what_stands_out_in_linf(plane):
    """Where the plane 2a - b + c/2 = 0 is met, from (-4, 0, 2) towards (1, 0, 0)."""
    x, y, starts = np.array([[1.0, 0.0, 0.0]]), np.array([0]), np.array([[-4.0, 0.0, 2.0]])
    walk = Walk(iterations=0, halvings=30)

    straight, cut = (
        _walk(plane, x, y, norm=norm, starts=starts, walk=walk) for norm in ("l2", "linf")
    )

    # 2 (1 - 5t) + t = 0, and 2 (1 - t) + t / 2 = 0 as long as t is below 2.
    assert straight == pytest.approx(np.array([[1.0 - 10 / 9, 0.0, 4 / 9]]), abs=1e-6)
    assert cut == pytest.approx(np.array([[1.0 - 4 / 3, 0.0, 4 / 3]]), abs=1e-6)


def test_the_nearest_start_is_nearest_in_the_norm(plane):
    x, y = np.array([[0.5, 0.0, 0.0]]), np.array([0])
    even, single = [-1.5, 2.0, -2.0], [-2.1, 0.0, 0.0]  # 2 and 2.6 away, or 3.46 and 2.6
    walk = Walk(iterations=0, halvings=0)

    for norm, start in (("linf", even), ("l2", single)):
        found = _walk(plane, x, y, norm=norm, starts=np.array([single, even]), walk=walk)
        assert found.tolist() == [start]


@norms
def test_directions_are_probed_at_a_share_of_the_distance(plane, x, norm):
    near = _walk(plane, x, _labels(x), norm=norm, walk=Walk(iterations=0, halvings=8))
    plane.asked.clear()

    _walk(plane, x, _labels(x), norm=norm, walk=Walk(1, directions=5, halvings=8, probe=0.2))

    probes = plane.asked[2 + 8].reshape(len(x), 5, 3) - near[:, None]
    lengths = np.linalg.norm(probes, ord=ORDER[norm], axis=2)
    assert lengths == pytest.approx(np.repeat(0.2 * _distance(near, x, norm)[:, None], 5, axis=1))


@norms
def test_whole_numbers_are_walked_from_like_any_others(plane, norm):
    x = np.array([[3, 0, 0], [0, 2, 1]])

    whole, real = (_walk(plane, rows, _labels(x), norm=norm) for rows in (x, x.astype(float)))

    assert np.array_equal(whole, real)
    assert (plane.predict(whole) != _labels(x)).all()


def test_rows_that_are_misclassified_already_come_back_untouched(plane, x):
    y = _labels(x)
    y[::3] = 1 - y[::3]

    found = _walk(plane, x, y)

    assert np.array_equal(found[::3], x[::3])
    assert (found[1::3] != x[1::3]).any(axis=1).all()


def test_where_no_start_has_another_label_the_input_comes_back(plane, x):
    y = _labels(x)
    one_side = _starts()[_labels(_starts()) == 0]

    found = _walk(plane, x, y, starts=one_side)

    assert np.array_equal(found[y == 0], x[y == 0])
    assert (plane.predict(found[y == 1]) == 0).all()


def test_where_nothing_can_be_started_no_walk_is_asked_for(plane, x):
    y = _labels(x)

    found = _walk(plane, x, 1 - y)

    assert np.array_equal(found, x)
    assert sum(map(len, plane.asked)) == len(x) + 50


def test_labels_are_all_that_is_asked_for_and_no_more_than_the_walk_allows(plane, x):
    walk = Walk(iterations=3, directions=7, halvings=4)

    _walk(plane, x, _labels(x), walk=walk)

    probes = sum(int(7 * np.sqrt(n)) for n in (1, 2, 3))
    least = 50 + 30 * (1 + 4 + probes + 3 * (1 + 4))
    most = 50 + 30 * (1 + 4 + probes + 3 * (4 + 4))
    assert least <= sum(map(len, plane.asked)) <= most
    assert not plane.gradients_asked
    assert all(BOUNDS[0] <= rows.min() and rows.max() <= BOUNDS[1] for rows in plane.asked)


def test_the_queries_of_each_row_add_up_to_all_that_was_asked(plane, x):
    y = _labels(x)
    y[::3] = 1 - y[::3]

    walked = hop_skip_jump(
        plane.predict,
        x,
        y,
        norm="l2",
        starts=_starts(),
        bounds=BOUNDS,
        walk=Walk(iterations=3, directions=7),
        rng=np.random.default_rng(0),
    )

    assert walked.queries.sum() + walked.shared == sum(map(len, plane.asked))
    assert walked.shared == 50
    assert (walked.queries[::3] == 1).all()
    assert len(set(walked.queries[y == _labels(x)])) == 1


@norms
def test_the_model_is_asked_in_blocks_without_a_difference(plane, x, monkeypatch, norm):
    whole = _walk(plane, x, _labels(x), norm=norm)
    monkeypatch.setattr(boundary_walk, "_IN_FLIGHT", 7 * x.shape[1])
    plane.asked.clear()

    in_blocks = _walk(plane, x, _labels(x), norm=norm)

    assert np.array_equal(in_blocks, whole)
    assert max(map(len, plane.asked[2:])) == 7


def test_equal_seeds_give_equal_walks_and_others_do_not(plane, x):
    first, again, other = (_walk(plane, x, _labels(x), seed=seed) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_walk_modifies_neither_inputs_nor_starts(plane, x):
    starts, y = _starts(), _labels(x)
    before = x.copy()
    for array in (x, y, starts):
        array.setflags(write=False)

    found = _walk(plane, x, y, starts=starts)
    found += 1.0

    assert np.array_equal(x, before)


@norms
def test_a_forest_is_broken_without_a_gradient(target, splits, norm):
    forest, test = target("random-forest"), splits.test
    x, y = test.features[:12], test.labels[:12]

    straight, found = (
        hop_skip_jump(
            forest.predict,
            x,
            y,
            norm=norm,
            starts=splits.population.features,
            bounds=test.feature_range,
            walk=Walk(iterations=iterations, directions=30),
            rng=np.random.default_rng(0),
        ).adversarial
        for iterations in (0, 3)
    )

    attacked = forest.predict(x) == y
    assert attacked.sum() > 9
    assert (forest.predict(found) != y).all()
    far, near = (_distance(rows, x, norm)[attacked] for rows in (straight, found))
    assert np.median(near) < 0.7 * np.median(far)
