import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.tree import DecisionTreeClassifier

from seclab.attacks.extraction import Exploration, Region, find_paths

BOUNDS = (0.0, 16.0)
GRID = np.array(list(itertools.product(np.arange(17.0), repeat=3)))
SHARES = np.random.default_rng(0).dirichlet(np.ones(3), 600)

# (column, threshold, at most, above), or the number of a leaf.
TREE = (0, 7.5, (1, 3.5, 0, (2, 12.5, 1, 2)), (1, 9.5, (0, 11.5, 3, 4), 5))
XOR = (0, 7.5, (1, 7.5, 0, 1), (1, 7.5, 1, 0))


def _leaf(tree, row):
    while not isinstance(tree, int):
        column, threshold, low, high = tree
        tree = low if row[column] <= threshold else high
    return tree


def _leaves(tree, x):
    return np.array([_leaf(tree, row) for row in x])


class Service:
    """Answers of its own for every leaf; it notes what it was asked."""

    def __init__(self, leaves, *, serve=lambda p: p):
        self._leaves, self._serve, self.asked = leaves, serve, []

    def __call__(self, x):
        self.asked.append(x.copy())
        return self._serve(SHARES[self._leaves(x)])


def _of(tree, **more):
    return Service(lambda x: _leaves(tree, x), **more)


def _find(service, starts, *, budget=10_000, precision=1 / 64, checks=0):
    starts = np.atleast_2d(np.array(starts, dtype=float))
    rng = np.random.default_rng(0)
    return find_paths(
        service,
        starts,
        bounds=BOUNDS,
        budget=budget,
        precision=precision,
        checks=checks,
        rng=rng,
    )


def test_every_question_about_a_threshold_is_counted():
    service = _of((0, 3.0, 0, 1))

    found = _find(service, [10.0], precision=1 / 16)

    asked = [10.0, 0.0, 5.0, 2.0, 4.0, 3.0, 16.0]  # the row, a corner, bisection, a corner
    assert found.asked.ravel().tolist() == asked
    assert np.array_equal(np.vstack(service.asked), found.asked)
    assert np.array_equal(found.answers, SHARES[[1, 0, 1, 0, 1, 0, 1]])
    assert [region.inner.ravel().tolist() for region in found.regions] == [
        [4.0, 16.0],
        [0.0, 3.0],
    ]
    assert [region.outer.ravel().tolist() for region in found.regions] == [
        [3.0, 16.0],
        [0.0, 4.0],
    ]
    assert [region.queries for region in found.regions] == [7, 7]
    assert found.complete


def test_the_whole_tree_is_found_from_one_row():
    found = _find(_of(TREE), [1.0, 1.0, 1.0])

    assert found.complete
    assert len(found.regions) == 6
    assert np.array_equal(found.copy()(GRID), SHARES[_leaves(TREE, GRID)])


def test_whole_numbers_are_told_exactly_even_on_a_threshold():
    tree = (0, 7.0, (1, 3.0, 0, 1), (2, 12.0, 2, 3))

    found = _find(_of(tree), [1.3, 6.7, 15.9], precision=1 / 16)

    assert np.array_equal(found.copy()(GRID), SHARES[_leaves(tree, GRID)])


def test_columns_that_are_never_tested_cost_next_to_nothing():
    few, many = ([5.0] * 3, [5.0] * 200)

    queries = [_find(_of(TREE), row).queries for row in (few, many)]

    # 10 cuts, each found among 200 columns by at most 8 more questions than among 3.
    assert queries[0] < queries[1] <= queries[0] + 10 * 8
    assert queries[1] < 200


def test_a_threshold_that_is_known_is_tried_before_any_other():
    tree = (0, 7.3, (1, 3.1, 0, 1), (1, 3.1, 2, 3))

    found = _find(_of(tree), [1.0, 1.0], precision=2.0**-20)

    assert len(found.regions) == 4
    assert found.queries < 2 * 20 + 16  # two bisections, not three


def test_a_constant_model_costs_a_row_and_two_corners():
    found = _find(_of(0), [5.0] * 30)

    assert found.queries == 3
    assert found.complete
    assert len(found.regions) == 1


def _trees(depth):
    leaf = st.just(0)
    if depth == 0:
        return leaf
    below = _trees(depth - 1)
    cut = st.tuples(st.integers(0, 2), st.integers(0, 15).map(lambda k: k + 0.5), below, below)
    return leaf | cut


def _numbered(tree, numbers):
    if isinstance(tree, int):
        return next(numbers)
    column, threshold, low, high = tree
    return (column, threshold, _numbered(low, numbers), _numbered(high, numbers))


@given(
    tree=_trees(3).map(lambda tree: _numbered(tree, itertools.count())),
    starts=st.lists(st.tuples(*[st.integers(0, 16)] * 3), min_size=1, max_size=4),
    checks=st.integers(0, 2),
)
def test_small_trees_are_found_exactly(tree, starts, checks):
    service = _of(tree)
    leaves = _leaves(tree, GRID)

    found = _find(service, starts, checks=checks)

    assert found.complete
    assert len(found.regions) == len(np.unique(leaves))  # those that can be reached
    assert np.array_equal(found.copy()(GRID), SHARES[leaves])
    assert found.queries == len(np.vstack(service.asked)) == len(np.unique(found.asked, axis=0))
    assert found.asked.min() >= BOUNDS[0]
    assert found.asked.max() <= BOUNDS[1]
    edges = np.array([(region.inner + region.outer) / 2.0 for region in found.regions])
    volumes = (edges[:, 1] - edges[:, 0]).prod(axis=1)
    np.testing.assert_allclose(volumes.sum(), 16.0**3, rtol=0.15)  # thresholds are bracketed to 1/4
    for region in found.regions:
        assert np.abs(region.outer - region.inner).max() <= 16.0 / 64.0


@pytest.fixture(scope="module")
def grown():
    """A tree that scikit-learn grew on noise: deep, and nothing about it is round."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(*BOUNDS, (120, 6)), rng.integers(0, 3, 120)
    return DecisionTreeClassifier(max_leaf_nodes=25, random_state=0).fit(x, y), x


def test_a_tree_of_scikit_learn_is_found_exactly(grown):
    model, data = grown
    service = Service(model.apply)

    found = _find(service, data[:1], precision=1e-6)

    assert found.complete
    assert len(found.regions) == 25
    assert found.queries == len(np.vstack(service.asked))
    for x in (data, np.random.default_rng(2).uniform(*BOUNDS, (2000, 6))):
        assert np.array_equal(found.copy()(x), SHARES[model.apply(x)])


def test_rounded_answers_that_differ_are_enough(grown):
    model, data = grown
    assert len(np.unique(np.round(SHARES[model.apply(data)], 3), axis=0)) == 25

    found = _find(Service(model.apply, serve=lambda p: np.round(p, 3)), data[:1], precision=1e-6)

    x = np.random.default_rng(2).uniform(*BOUNDS, (500, 6))
    assert found.complete
    assert np.array_equal(found.copy()(x), np.round(SHARES[model.apply(x)], 3))


def test_the_highest_confidence_alone_tells_leaves_apart_and_the_rest_is_spread(grown):
    model, data = grown

    def top(p):
        return np.where(p == p.max(axis=1, keepdims=True), p, np.nan)

    found = _find(Service(model.apply, serve=top), data[:1], precision=1e-6)

    x = np.random.default_rng(2).uniform(*BOUNDS, (500, 6))
    true = SHARES[model.apply(x)]
    rest = (1.0 - true.max(axis=1, keepdims=True)) / 2.0
    expected = np.where(true == true.max(axis=1, keepdims=True), true, rest)
    assert found.complete
    np.testing.assert_allclose(found.copy()(x), expected)


@pytest.fixture(scope="module")
def large(grown):
    """All of that tree, found from all of its data."""
    model, data = grown
    return _find(Service(model.apply), data, checks=2)


@pytest.mark.parametrize("budget", [1, 2, 3, 17, 100, 260])
def test_a_budget_is_never_exceeded_and_asks_the_first_rows_of_a_larger_one(grown, large, budget):
    model, data = grown
    service = Service(model.apply)

    small = _find(service, data, budget=budget, checks=2)

    assert len(np.vstack(service.asked)) == small.queries == budget < large.queries
    assert not small.complete
    assert np.array_equal(small.asked, large.asked[:budget])
    x = np.random.default_rng(3).uniform(*BOUNDS, (200, 6))
    assert np.array_equal(small.copy()(x), large.copy(budget)(x))


def test_a_budget_that_is_just_enough_is_enough(grown):
    model, data = grown
    needed = _find(Service(model.apply), data[:1], precision=1 / 16).queries

    found = [
        _find(Service(model.apply), data[:1], precision=1 / 16, budget=budget)
        for budget in (needed - 1, needed)
    ]

    assert [one.complete for one in found] == [False, True]


def test_outside_of_the_boxes_what_is_nearest_answers():
    found = _find(_of((0, 3.0, 0, 1)), [10.0], precision=1 / 16)

    # After four questions no box is known, only 10 and 5 on one side, 0 and 2.5 on the other.
    x = np.array([[1.0], [3.0], [4.0], [16.0]])
    assert np.array_equal(found.copy(4)(x), SHARES[[0, 0, 1, 1]])


def test_more_queries_make_a_more_faithful_copy(grown, large):
    model, _ = grown
    x = np.random.default_rng(3).uniform(*BOUNDS, (1000, 6))

    agree = [
        np.mean((large.copy(budget)(x) == SHARES[model.apply(x)]).all(axis=1))
        for budget in (10, large.queries // 2, large.queries)
    ]

    assert agree[0] + 0.1 < agree[1] < agree[2] - 0.1
    assert agree[2] > 0.9


def test_neighbours_of_equal_answers_merge_into_one_box():
    found = _find(_of((0, 7.5, (1, 3.5, 0, 0), (1, 9.5, 1, 2))), [1.0, 1.0])

    assert found.complete
    assert len(found.regions) == 3


def test_equal_answers_at_both_corners_are_taken_for_one_leaf_unless_more_are_asked():
    grid = GRID[:, :2]
    without, checked = (_find(_of(XOR), [1.0, 1.0], checks=checks) for checks in (0, 30))

    assert len(without.regions) == 1
    assert np.array_equal(without.copy()(grid), SHARES[np.zeros(len(grid), dtype=int)])
    assert np.array_equal(checked.copy()(grid), SHARES[_leaves(XOR, grid)])


def test_a_model_that_is_no_tree_ends_with_the_budget():
    weights = np.random.default_rng(4).normal(size=(5, 3))
    asked = []

    def ask(x):
        asked.append(x)
        return softmax((x - 8.0) @ weights, axis=1)

    x = np.random.default_rng(5).uniform(*BOUNDS, (300, 5))
    found = _find(ask, x[:20], budget=400, checks=4)

    assert len(np.vstack(asked)) == found.queries == 400
    assert not found.complete
    scores = found.copy()(x)
    assert scores.shape == (300, 3)
    assert np.isfinite(scores).all()


def test_starts_are_not_modified(grown):
    model, data = grown
    before = data.copy()

    _find(Service(model.apply), data, budget=300)

    assert np.array_equal(before, data)


def _region(low, high, leaf):
    box = np.array([low, high], dtype=float)
    return Region(answer=SHARES[leaf], inner=box, outer=box + np.array([[-1.0], [1.0]]), queries=1)


def test_where_boxes_overlap_the_smallest_answers():
    large, small = _region([0, 0], [8, 8], 0), _region([4, 4], [6, 6], 1)
    for regions in ((large, small), (small, large)):
        found = Exploration(np.array([[1.0, 1.0]]), SHARES[:1], regions, complete=True)

        assert np.array_equal(found.copy()(np.array([[5.0, 5.0], [1.0, 5.0]])), SHARES[[1, 0]])


def test_a_box_holds_its_gaps_up_to_where_the_answer_was_another():
    box = _region([4, 4], [6, 6], 0)

    held = {x: box.holds(np.array([5.0, x]), SHARES[0]) for x in (3.0, 3.5, 5.0, 6.5, 7.0)}

    assert held == {3.0: False, 3.5: True, 5.0: True, 6.5: True, 7.0: False}
    assert not box.holds(np.array([5.0, 5.0]), SHARES[1])


def test_what_is_known_is_not_paid_for_again():
    found = _find(_of(TREE), [5.0] * 40)

    assert found.queries == 77  # 78 to 89 without any one of the four ways to save
