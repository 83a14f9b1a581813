import itertools

import numpy as np
import pytest

from seclab.attacks import linf_decision
from seclab.attacks.linf_decision import Walk, linf_hop_skip_jump
from tests.fakes import Linear

BOUNDS = (-10.0, 10.0)
SLOPE = np.array([2.0, -1.0, 0.5])


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


def _walk(model, x, y, *, starts=None, walk=None, seed=0):
    return linf_hop_skip_jump(
        model.predict,
        x,
        y,
        starts=_starts() if starts is None else starts,
        bounds=BOUNDS,
        walk=walk or Walk(iterations=5, directions=20),
        rng=np.random.default_rng(seed),
    ).adversarial


def _distance(found, x):
    return np.abs(found - x).max(axis=1)


def test_the_walk_ends_near_the_plane_and_never_nearer_than_it_is(plane, x):
    true_distance = np.abs(x @ SLOPE) / np.abs(SLOPE).sum()

    distance = _distance(_walk(plane, x, _labels(x), walk=Walk(iterations=15)), x)

    assert (distance >= true_distance - 1e-9).all()
    assert np.median(distance / true_distance) < 1.05
    assert (distance <= 2.0 * true_distance + 0.05).all()


def test_everything_found_is_misclassified_and_inside_the_box(plane, x):
    found = _walk(plane, x, _labels(x))

    assert (plane.predict(found) != _labels(x)).all()
    assert found.min() >= BOUNDS[0]
    assert found.max() <= BOUNDS[1]


def test_a_longer_walk_comes_nearer(plane, x):
    corners = np.array(list(itertools.product(BOUNDS, repeat=3)))

    far, nearer = (
        _distance(_walk(plane, x, _labels(x), starts=corners, walk=Walk(rounds, 10)), x)
        for rounds in (0, 8)
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

    walked = linf_hop_skip_jump(
        plane.predict,
        x,
        y,
        starts=_starts(),
        bounds=BOUNDS,
        walk=Walk(iterations=3, directions=7),
        rng=np.random.default_rng(0),
    )

    assert walked.queries.sum() + walked.shared == sum(map(len, plane.asked))
    assert walked.shared == 50
    assert (walked.queries[::3] == 1).all()
    assert len(set(walked.queries[y == _labels(x)])) == 1


def test_the_model_is_asked_in_blocks_without_a_difference(plane, x, monkeypatch):
    whole = _walk(plane, x, _labels(x))
    monkeypatch.setattr(linf_decision, "_CHUNK", 7)
    plane.asked.clear()

    in_blocks = _walk(plane, x, _labels(x))

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


def test_a_forest_is_broken_without_a_gradient(target, splits):
    forest, test = target("random-forest"), splits.test
    x, y = test.features[:20], test.labels[:20]

    found = linf_hop_skip_jump(
        forest.predict,
        x,
        y,
        starts=splits.population.features,
        bounds=test.feature_range,
        walk=Walk(iterations=4, directions=30),
        rng=np.random.default_rng(0),
    ).adversarial

    attacked = forest.predict(x) == y
    assert attacked.sum() > 15
    assert (forest.predict(found) != y).all()
    # Far nearer than another image of another class, which is where it started.
    nearest = np.abs(splits.population.features - x[0]).max(axis=1).min()
    assert np.median(_distance(found, x)[attacked]) < 0.4 * nearest
