import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from seclab.errors import NotEvaluated
from seclab.models.structure import affine_layers, decision_trees
from seclab.models.training import CLASSIFY, SCALE


def _pipeline(estimator, bounds, *, classes=3, seed=0, rows=80, columns=3):
    """A model of random labels over features in an interval of any place and width."""
    rng = np.random.default_rng(seed)
    scaler = MinMaxScaler().fit(np.repeat(np.array(bounds)[:, None], columns, axis=1))
    x = rng.uniform(*bounds, (rows, columns))
    estimator.fit(scaler.transform(x), np.arange(rows) % classes)
    return Pipeline([(SCALE, scaler), (CLASSIFY, estimator)]), x


def _answer(layers, x):
    for layer in layers[:-1]:
        x = np.maximum(x @ layer.weights + layer.bias, 0.0)
    return softmax(x @ layers[-1].weights + layers[-1].bias, axis=1)


def _network(*hidden):
    return MLPClassifier(hidden, max_iter=5, random_state=0)


intervals = st.tuples(
    st.floats(-1e3, 1e3), st.floats(1e-2, 1e4), st.sampled_from([1.0, 1 / 3, 255.0])
).map(lambda drawn: (drawn[0] * drawn[2], (drawn[0] + drawn[1]) * drawn[2]))


@pytest.mark.parametrize(("name", "depth"), [("softmax-regression", 1), ("mlp", 2)])
def test_the_softmax_of_the_layers_are_the_models_probabilities(name, depth, target, splits):
    model, x = target(name), splits.test.features

    layers = model.affine_layers()

    assert len(layers) == depth
    assert _answer(layers, x) == pytest.approx(model.predict_proba(x), abs=1e-12)
    assert model.queries == len(x)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-3.0, 5.0), (100.0, 356.0)])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), _network(4), _network(5, 4), _network(4, 3, 3)]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scaling_and_single_outputs_are_folded_into_the_layers(estimator, classes, bounds):
    pipeline, x = _pipeline(estimator, bounds, classes=classes)

    layers = affine_layers(pipeline)

    probabilities = pipeline.predict_proba(x)
    assert layers[-1].weights.shape[1] == len(layers[-1].bias) == classes
    assert _answer(layers, x) == pytest.approx(probabilities, abs=1e-10)
    assert np.ptp(probabilities, axis=0).max() > 0.01


@pytest.mark.parametrize("name", ["softmax-regression", "mlp", "random-forest"])
def test_what_was_taken_out_of_a_model_is_not_the_model(name, target, splits):
    model, x = target(name), splits.test.features[:50]
    before = model.predict_proba(x)

    if name == "random-forest":
        parts = [getattr(tree, kept) for tree in model.decision_trees() for kept in tree.__slots__]
    else:
        parts = [part for layer in model.affine_layers() for part in (layer.weights, layer.bias)]
    for part in parts:
        part[:] = 7

    assert np.array_equal(model.predict_proba(x), before)


def test_every_tree_sends_every_row_where_the_forest_sends_it(trained, target, splits):
    pipeline = trained("random-forest").pipeline
    rng = np.random.default_rng(0)
    x = np.vstack(
        [
            splits.test.features,
            rng.uniform(-2.0, 18.0, (300, 64)),
            # Where digits are whole numbers, thresholds lie at halves.
            rng.integers(0, 33, (300, 64)) / 2,
        ]
    )

    trees = target("random-forest").decision_trees()

    scaled = pipeline[SCALE].transform(x)
    assert len(trees) == 100
    for tree, grown in zip(trees, pipeline[CLASSIFY].estimators_, strict=True):
        assert np.array_equal(tree.leaf_of(x), grown.apply(scaled))
        assert np.array_equal(tree.leaves, np.unique(np.flatnonzero(tree.feature == -1)))
    mean = np.mean([tree.value[tree.leaf_of(x)] for tree in trees], axis=0)
    assert mean == pytest.approx(pipeline.predict_proba(x), abs=1e-12)


@given(bounds=intervals, seed=st.integers(0, 10**6))
@settings(max_examples=40)
def test_a_threshold_is_the_last_number_that_the_model_sends_left(bounds, seed):
    grown = DecisionTreeClassifier(random_state=seed)
    pipeline, x = _pipeline(grown, bounds, seed=seed)

    (tree,) = decision_trees(pipeline)

    inner = np.flatnonzero(tree.left >= 0)
    assert inner.size
    rows = np.arange(len(inner))
    for native, goes_left in (
        (tree.threshold[inner], True),
        (np.nextafter(tree.threshold[inner], np.inf), False),
    ):
        points = np.full((len(inner), x.shape[1]), bounds[0])
        points[rows, tree.feature[inner]] = native
        compared = pipeline[SCALE].transform(points).astype(np.float32)
        decision = compared[rows, tree.feature[inner]] <= grown.tree_.threshold[inner]
        assert (decision == goes_left).all()


def test_a_threshold_that_the_scaling_blurs_is_still_exact():
    """Far from 0, many native numbers become one float32: a threshold computed back would err."""
    bounds = (-1000.0, 3000.0)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    pipeline, _ = _pipeline(stump, bounds)

    (tree,) = decision_trees(pipeline)

    scaler, column = pipeline[SCALE], tree.feature[0]
    naive = (stump.tree_.threshold[0] - scaler.min_[0]) / scaler.scale_[0]
    between = np.full((1, 3), (naive + tree.threshold[0]) / 2)
    scaled = scaler.transform(between)
    assert naive != tree.threshold[0]
    assert tree.leaf_of(between) == stump.apply(scaled)
    assert (between[0, column] <= naive) != (between[0, column] <= tree.threshold[0])


def test_next_to_0_what_rounds_to_0_still_goes_left():
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    pipeline, _ = _pipeline(stump, (0.0, 16.0))
    stump.tree_.threshold[0] = 0.0

    (tree,) = decision_trees(pipeline)

    # Half of the smallest float32, which is 2**-149, rounds to 0.
    assert tree.threshold[0] == 16.0 * 2.0**-150


def test_a_stump_of_one_class_is_a_leaf():
    pipeline, x = _pipeline(DecisionTreeClassifier(), (0.0, 1.0), classes=1)

    (tree,) = decision_trees(pipeline)

    assert tree.leaves.tolist() == [0]
    assert tree.leaf_of(x).tolist() == [0] * len(x)
    assert tree.value.tolist() == [[1.0]]


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(3),
        MLPClassifier((2,), activation="tanh", max_iter=2),
        GradientBoostingClassifier(n_estimators=1),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_layers_are_not_made_up(estimator):
    pipeline, _ = _pipeline(estimator, (0.0, 1.0))

    with pytest.raises(NotEvaluated, match=f"{type(estimator).__name__} is not made of affine"):
        affine_layers(pipeline)


@pytest.mark.parametrize("estimator", [LogisticRegression(), _network(2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_trees_are_not_made_up(estimator):
    pipeline, _ = _pipeline(estimator, (0.0, 1.0))

    with pytest.raises(NotEvaluated, match=f"{type(estimator).__name__} is not made of decision"):
        decision_trees(pipeline)
