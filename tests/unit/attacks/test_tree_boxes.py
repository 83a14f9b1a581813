import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from seclab.attacks.tree_boxes import MeasuredForest, leaf_boxes, nearest_in_tree
from seclab.models.structure import decision_trees

BOUNDS = (0.0, 10.0)
NORMS = {
    "linf": lambda change: np.abs(change).max(axis=-1),
    "l2": lambda change: np.linalg.norm(change, axis=-1),
}
norms = st.sampled_from(sorted(NORMS))
seeds = st.integers(0, 10_000)


@dataclass(frozen=True)
class Stump:
    """``x[0] <= threshold`` is class 0, more is class 1."""

    at: float
    feature = np.array([0, -1, -1])
    left, right = np.array([1, -1, -1]), np.array([2, -1, -1])
    value = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])

    @property
    def threshold(self):
        return np.array([self.at, np.nan, np.nan])


def _grown(estimator, seed, *, rows=60, columns=2, classes=3):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(*BOUNDS, (rows, columns)), rng.integers(0, classes, rows)
    y[:classes] = np.arange(classes)
    scaler = MinMaxScaler().fit(np.array([[BOUNDS[0]] * columns, [BOUNDS[1]] * columns]))
    return Pipeline([("scale", scaler), ("classify", estimator.fit(scaler.transform(x), y))])


def _tree(seed, **more):
    return _grown(DecisionTreeClassifier(max_leaf_nodes=9, random_state=seed), seed, **more)


def _forest(seed, count=5, **more):
    grown = RandomForestClassifier(count, max_depth=4, random_state=seed)
    return _grown(grown, seed, **more)


def _bounds(trees, x, y, *, epsilon, norm, cells=1):
    """Lower bounds of the margins, joined where more than one cell is allowed."""
    forest = MeasuredForest.around(x, y, trees, bounds=BOUNDS, norm=norm)
    if cells == 1:
        return forest.margins(epsilon)
    return forest.joined_margins(np.arange(len(x)), epsilon, cells=cells)


def _rows(seed, count=8, columns=2):
    return np.random.default_rng([seed, 1]).uniform(*BOUNDS, (count, columns))


def _cells(trees, columns, bounds=BOUNDS):
    """Lowest and highest corners of all cells that the thresholds of all trees cut the box into."""
    intervals = []
    for column in range(columns):
        cuts = {cut for tree in trees for cut in tree.threshold[tree.feature == column]}
        cuts = sorted(cut for cut in cuts if bounds[0] <= cut < bounds[1])
        lows = [bounds[0], *(np.nextafter(cut, np.inf) for cut in cuts)]
        intervals.append(list(zip(lows, [*cuts, bounds[1]], strict=True)))
    corners = np.array(list(itertools.product(*intervals)))
    return corners[..., 0], corners[..., 1]


@given(seed=seeds)
@settings(max_examples=20)
def test_every_row_lies_in_exactly_the_box_of_its_leaf(seed):
    model = _tree(seed)
    (tree,) = decision_trees(model)
    boxes = leaf_boxes(tree, columns=2, bounds=BOUNDS)
    x = np.vstack([*_cells([tree], 2), _rows(seed)])

    inside = ((boxes.low[None] <= x[:, None]) & (x[:, None] <= boxes.high[None])).all(axis=2)

    assert (inside.sum(axis=1) == 1).all()
    assert np.array_equal(boxes.value[inside.argmax(axis=1)], model.predict_proba(x))


def test_leaves_that_no_row_in_the_bounds_reaches_are_left_out():
    boxes = leaf_boxes(Stump(20.0), columns=1, bounds=BOUNDS)

    assert boxes.value.tolist() == [[1.0, 0.0]]


@given(seed=seeds, norm=norms)
@settings(max_examples=30)
def test_the_nearest_example_is_that_of_all_cells(seed, norm):
    model, x = _tree(seed), _rows(seed)
    y = np.random.default_rng(seed).integers(0, 3, len(x))
    (tree,) = decision_trees(model)
    low, high = _cells([tree], 2)

    found = nearest_in_tree(tree, x, y, bounds=BOUNDS, norm=norm)

    distance = NORMS[norm](x[:, None].clip(low, high) - x[:, None])
    distance[model.predict(low)[None] == y[:, None]] = np.inf
    assert found.distance == pytest.approx(distance.min(axis=1), abs=1e-12)
    assert (model.predict(found.adversarial) != y).all()
    assert NORMS[norm](found.adversarial - x) == pytest.approx(found.distance, abs=1e-12)


def test_the_example_on_the_open_side_of_a_threshold_is_the_next_number():
    found = nearest_in_tree(
        Stump(5.0), np.array([[4.0], [6.0]]), np.array([0, 1]), bounds=BOUNDS, norm="linf"
    )

    assert found.adversarial.tolist() == [[np.nextafter(5.0, 6.0)], [5.0]]
    assert found.distance == pytest.approx([1.0, 1.0])


def test_a_tree_of_one_answer_cannot_be_fooled():
    x = np.array([[4.0]])

    found = nearest_in_tree(Stump(20.0), x, np.array([0]), bounds=BOUNDS, norm="l2")

    assert found.distance.tolist() == [np.inf]
    assert np.array_equal(found.adversarial, x)


@pytest.mark.parametrize("norm", NORMS)
def test_a_tree_that_learned_the_digits_takes_the_leaf(splits, norm):
    train, test = splits.train, splits.test
    scaler = MinMaxScaler().fit(np.array([[0.0] * 64, [16.0] * 64]))
    grown = DecisionTreeClassifier(random_state=0).fit(
        scaler.transform(train.features), train.labels
    )
    model = Pipeline([("scale", scaler), ("classify", grown)])
    (tree,) = decision_trees(model)

    found = nearest_in_tree(tree, test.features, test.labels, bounds=(0.0, 16.0), norm=norm)

    assert (model.predict(found.adversarial) != test.labels).all()
    assert found.adversarial.min() >= 0.0
    assert found.adversarial.max() <= 16.0
    wrong = model.predict(test.features) != test.labels
    assert np.array_equal(found.distance == 0.0, wrong)


@given(seed=seeds, norm=norms, epsilon=st.floats(0.0, 4.0), cells=st.sampled_from([1, 4, 1000]))
@settings(max_examples=40)
def test_the_bound_is_never_above_the_smallest_margin_in_the_ball(seed, norm, epsilon, cells):
    model, x = _forest(seed), _rows(seed)
    y = model.predict(x)
    trees = decision_trees(model)
    low, high = _cells(trees, 2)

    bound = _bounds(trees, x, y, epsilon=epsilon, norm=norm, cells=cells)

    p = model.predict_proba(low)
    reached = NORMS[norm](x[:, None].clip(low, high) - x[:, None]) <= epsilon
    smallest = np.array([_margins(p[near], truth).min() for near, truth in zip(reached, y)])  # noqa: B905
    assert (bound <= smallest).all()
    if cells == 1000:  # all trees in one group: nothing is lost
        assert bound == pytest.approx(smallest, abs=1e-6)


def _margins(p, truth):
    return p[:, truth] - np.delete(p, truth, axis=1).max(axis=1)


@given(seed=seeds, norm=norms)
@settings(max_examples=15)
def test_bounds_fall_with_the_radius_and_rise_with_the_cells(seed, norm):
    model, x = _forest(seed), _rows(seed)
    given_ = (decision_trees(model), x, model.predict(x))

    alone, joined = (
        [_bounds(*given_, epsilon=epsilon, norm=norm, cells=cells) for epsilon in (0.0, 0.5, 3.0)]
        for cells in (1, 50)
    )

    assert (np.diff(alone, axis=0) <= 0.0).all()
    assert (np.array(joined) >= np.array(alone) - 1e-12).all()


def test_joining_trees_proves_what_one_by_one_does_not():
    # Never both wrong: what fools the one leaves the other right.
    class Mirrored(Stump):
        value = Stump.value[:, ::-1]

    trees = [Stump(4.0), Mirrored(6.0), Stump(9.0)]
    given_ = (trees, np.array([[5.0]]), np.array([1]))

    alone, joined = (_bounds(*given_, epsilon=1.5, norm="linf", cells=cells) for cells in (1, 10))

    assert alone == pytest.approx(-1.0, abs=1e-6)
    assert joined == pytest.approx(-1 / 3, abs=1e-6)


def test_a_row_that_is_wrong_already_is_never_certified():
    model, x = _forest(3), _rows(3, count=30)
    y = (model.predict(x) + 1) % 3

    for epsilon, cells in itertools.product((0.0, 1.0), (1, 20)):
        bound = _bounds(decision_trees(model), x, y, epsilon=epsilon, norm="l2", cells=cells)
        assert (bound <= 0.0).all()


@pytest.mark.parametrize("norm", NORMS)
def test_every_row_can_have_a_radius_of_its_own(norm):
    model, x = _forest(1), _rows(1)
    given_ = (decision_trees(model), x, model.predict(x))
    radii = np.linspace(0.0, 3.0, len(x))

    together = _bounds(*given_, epsilon=radii, norm=norm)

    alone = [_bounds(*given_, epsilon=radius, norm=norm)[row] for row, radius in enumerate(radii)]
    assert together.tolist() == alone


def test_trees_that_answer_alike_all_over_the_ball_are_joined_too():
    """Two trees cut the ball, and what they answer on either side is the same."""

    class Sure(Stump):
        value = np.array([[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])

    given_ = ([Sure(5.0), Sure(4.9), Stump(4.0)], np.array([[5.0]]), np.array([1]))

    for cells in (1, 2, 10):
        assert _bounds(*given_, epsilon=0.5, norm="linf", cells=cells) == pytest.approx(1.0)
        assert _bounds(*given_, epsilon=1.5, norm="linf", cells=cells) == pytest.approx(1 / 3)


@pytest.mark.parametrize("norm", NORMS)
def test_no_search_breaks_what_is_certified(norm):
    model = _forest(5, count=15, rows=200, columns=6)
    x, rng, epsilon = _rows(5, count=40, columns=6), np.random.default_rng(0), 0.6
    y = model.predict(x)

    bound = _bounds(decision_trees(model), x, y, epsilon=epsilon, norm=norm, cells=30)

    change = rng.choice([-1.0, 1.0], (500, *x.shape)) * rng.uniform(0.5, 1.0, (500, *x.shape))
    change *= epsilon / NORMS[norm](change)[..., None]
    tried = model.predict((x + change).clip(*BOUNDS).reshape(-1, 6)).reshape(500, -1)
    broken = (tried != y).any(axis=0)
    assert broken.any()
    assert (bound > 0.0).any()
    assert not (broken & (bound > 0.0)).any()
