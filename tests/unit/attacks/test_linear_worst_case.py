import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.attacks import linear_worst_case
from seclab.attacks.linear_worst_case import (
    l2_linear_minimal,
    l2_linear_worst_case,
    linf_linear_minimal,
    linf_linear_worst_case,
)

WORST = {"linf": linf_linear_worst_case, "l2": l2_linear_worst_case}
MINIMAL = {"linf": linf_linear_minimal, "l2": l2_linear_minimal}
LENGTH = {
    "linf": lambda change: np.abs(change).max(axis=-1),
    "l2": lambda change: np.sqrt((change**2).sum(axis=-1)),
}
UNIT = (0.0, 1.0)

norms = pytest.mark.parametrize("norm", ["linf", "l2"])


@st.composite
def models(draw):
    """A small affine model with rows of the box, some on its edge, and slopes that may be 0."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    d, k, n = draw(st.integers(1, 4)), draw(st.integers(2, 4)), 6
    weights = rng.normal(size=(d, k)) * rng.choice([0.0, 1.0, 1.0, 1.0], size=(d, k))
    low, high = bounds = draw(st.sampled_from([UNIT, (-2.0, 3.0), (10.0, 26.0)]))
    x = rng.uniform(low, high, (n, d))
    x[0], x[1] = low, high
    y = rng.integers(k, size=n)
    return weights, rng.normal(size=k), x, y, bounds


def _margin(weights, bias, x, y):
    scores = x @ weights + bias
    rows = np.arange(len(x))
    true = scores[rows, y]
    scores[rows, y] = -np.inf
    return true - scores.max(axis=1)


def _lowest_by_trying(norm, weights, bias, x, y, *, epsilon, bounds):
    """The lowest margin of one row: of all candidates of the form that the best change has.

    Any set of features may have met the edge of box or ball; the others share what is left.
    """
    best = np.inf
    for other in set(range(len(bias))) - {y}:
        toward = weights[:, other] - weights[:, y]
        room = np.where(toward > 0.0, bounds[1] - x, x - bounds[0])
        slope, margin = np.abs(toward), bias[y] - bias[other] - x @ toward
        for chosen in itertools.product([False, True], repeat=len(x)):
            at_edge = np.array(chosen)
            change = np.where(at_edge, room, 0.0)
            if norm == "linf":
                change = np.where(at_edge, np.minimum(room, epsilon), 0.0)
            left = epsilon**2 - (change**2).sum()
            if norm == "l2" and (slope[~at_edge] > 0.0).any() and left > 0.0:
                change[~at_edge] = (
                    slope[~at_edge] * np.sqrt(left) / np.sqrt((slope[~at_edge] ** 2).sum())
                )
            if (change <= room + 1e-12).all() and LENGTH[norm](change) <= epsilon + 1e-12:
                best = min(best, margin - slope @ change)
    return best


def _descended(model, x, y, *, epsilon, bounds):
    """What projected gradient descent in the L-infinity ball finds, from two starts."""
    low, high = np.maximum(x - epsilon, bounds[0]), np.minimum(x + epsilon, bounds[1])
    found = x
    for start in (x, np.random.default_rng(0).uniform(low, high)):
        at = start
        for step in range(20):
            _, slope = model.loss_gradient(at, y)
            at = np.clip(at + epsilon * 0.5 * 0.85**step * np.sign(slope), low, high)
        fooled = model.predict(at) != y
        found = np.where((fooled | (start is x))[:, None], at, found)
    return found


@norms
@given(model=models(), epsilon=st.sampled_from([0.0, 0.01, 0.3, 1.0, 3.0, 40.0]))
@settings(max_examples=60)
def test_the_worst_case_is_the_worst_of_all_that_there_are(norm, model, epsilon):
    weights, bias, x, y, bounds = model

    worst = WORST[norm](weights, bias, x, y, epsilon=epsilon, bounds=bounds)

    expected = [
        _lowest_by_trying(norm, weights, bias, row, label, epsilon=epsilon, bounds=bounds)
        for row, label in zip(x, y, strict=True)
    ]
    assert worst.margin == pytest.approx(expected, abs=1e-9)


@norms
@given(model=models(), epsilon=st.sampled_from([0.01, 0.3, 1.0, 40.0]))
@settings(max_examples=60)
def test_the_example_has_the_margin_and_lies_inside_ball_and_box(norm, model, epsilon):
    weights, bias, x, y, bounds = model

    worst = WORST[norm](weights, bias, x, y, epsilon=epsilon, bounds=bounds)

    assert _margin(weights, bias, worst.adversarial, y) == pytest.approx(worst.margin, abs=1e-9)
    assert (LENGTH[norm](worst.adversarial - x) <= epsilon * (1.0 + 1e-12)).all()
    assert worst.adversarial.min() >= bounds[0]
    assert worst.adversarial.max() <= bounds[1]


@norms
@given(model=models(), seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_nothing_in_the_ball_has_a_lower_margin(norm, model, seed):
    weights, bias, x, y, bounds = model
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(120, *x.shape))
    if norm == "linf":
        directions = np.sign(directions) * rng.choice([1.0, rng.uniform()], size=directions.shape)
    directions /= np.maximum(LENGTH[norm](directions)[..., None], 1e-12)

    worst = WORST[norm](weights, bias, x, y, epsilon=0.7, bounds=bounds)

    for direction in directions:
        tried = np.clip(x + 0.7 * direction, *bounds)
        assert (_margin(weights, bias, tried, y) >= worst.margin - 1e-9).all()


@norms
@given(model=models())
@settings(max_examples=30)
def test_a_larger_ball_never_has_a_higher_margin(norm, model):
    weights, bias, x, y, bounds = model

    margins = [
        WORST[norm](weights, bias, x, y, epsilon=epsilon, bounds=bounds).margin
        for epsilon in (0.0, 0.1, 0.2, 0.5, 1.0, 5.0, 50.0)
    ]

    assert margins[0] == pytest.approx(_margin(weights, bias, x, y))
    assert (np.diff(margins, axis=0) <= 1e-9).all()


@given(model=models(), epsilon=st.sampled_from([0.01, 0.3, 1.0]))
@settings(max_examples=30)
def test_the_l2_ball_is_inside_the_linf_ball_and_around_a_smaller_one(model, epsilon):
    weights, bias, x, y, bounds = model

    outer, inner, middle = (
        WORST[norm](weights, bias, x, y, epsilon=radius, bounds=bounds).margin
        for norm, radius in (
            ("linf", epsilon),
            ("linf", epsilon / np.sqrt(x.shape[1])),
            ("l2", epsilon),
        )
    )

    assert (outer <= middle + 1e-9).all()
    assert (middle <= inner + 1e-9).all()


@norms
@given(model=models())
@settings(max_examples=60)
def test_at_the_smallest_change_the_worst_margin_is_0(norm, model):
    weights, bias, x, y, bounds = model

    distance = MINIMAL[norm](weights, bias, x, y, bounds=bounds).distance

    for row in range(len(x)):
        at = {"bounds": bounds}
        one = weights, bias, x[[row]], y[[row]]
        if np.isinf(distance[row]):
            everywhere = WORST[norm](*one, epsilon=1e6, **at).margin[0]
            assert everywhere > -1e-9
        elif distance[row] == 0.0:
            assert _margin(*one)[0] <= 0.0
        else:
            tie = WORST[norm](*one, epsilon=distance[row], **at).margin[0]
            before = WORST[norm](*one, epsilon=distance[row] * 0.999, **at).margin[0]
            assert tie == pytest.approx(0.0, abs=1e-8)
            assert before > 0.0


@norms
@given(model=models())
@settings(max_examples=60)
def test_the_example_of_the_smallest_change_fools_the_model(norm, model):
    weights, bias, x, y, bounds = model

    found = MINIMAL[norm](weights, bias, x, y, bounds=bounds)

    reachable = np.isfinite(found.distance)
    labels = (found.adversarial @ weights + bias).argmax(axis=1)
    assert (labels[reachable] != y[reachable]).all()
    assert np.array_equal(found.adversarial[~reachable], x[~reachable])
    length = LENGTH[norm](found.adversarial - x)[reachable]
    assert length == pytest.approx(found.distance[reachable], abs=1e-6)
    assert found.adversarial.min() >= bounds[0]
    assert found.adversarial.max() <= bounds[1]


def test_known_answers_on_a_line():
    """Class 0 where 2a - b is above 0; the box cuts the way off for the second row."""
    weights, bias = np.array([[2.0, 0.0], [-1.0, 0.0]]), np.zeros(2)
    x, y = np.array([[0.5, 0.4], [0.5, 0.95]]), np.array([0, 0])

    linf = linf_linear_minimal(weights, bias, x, y, bounds=UNIT)
    l2 = l2_linear_minimal(weights, bias, x, y, bounds=UNIT)
    worst = linf_linear_worst_case(weights, bias, x, y, epsilon=0.1, bounds=UNIT)

    # Margins 0.6 and 0.05; slope 3 in the L1 and the root of 5 in the L2 norm.
    assert linf.distance == pytest.approx([0.2, 0.05 / 3.0])
    assert l2.distance == pytest.approx([0.6 / np.sqrt(5.0), 0.05 / np.sqrt(5.0)])
    assert worst.adversarial == pytest.approx(np.array([[0.4, 0.5], [0.4, 1.0]]))
    assert worst.margin == pytest.approx([0.3, -0.2])


def test_at_the_edge_of_the_box_the_other_features_pay():
    weights, bias = np.array([[2.0, 0.0], [-1.0, 0.0]]), np.array([0.0, 0.0])
    x, y = np.array([[0.9, 0.9]]), np.array([0])  # margin 0.9, of which b can take 0.1

    assert linf_linear_minimal(weights, bias, x, y, bounds=UNIT).distance == pytest.approx(0.4)
    assert l2_linear_minimal(weights, bias, x, y, bounds=UNIT).distance == pytest.approx(
        np.hypot(0.4, 0.1)
    )


@norms
def test_where_nothing_in_the_box_fools_the_distance_is_infinite(norm):
    weights, bias = np.array([[1.0, 0.0]]), np.array([0.5, 0.0])
    x, y = np.array([[0.3], [0.3]]), np.array([0, 1])

    found = MINIMAL[norm](weights, bias, x, y, bounds=UNIT)

    assert found.distance.tolist() == [np.inf, 0.0]
    assert np.array_equal(found.adversarial, x)


@norms
def test_two_classes_that_are_told_apart_by_nothing_are_tied_everywhere(norm):
    weights, bias = np.array([[1.0, 1.0, 0.0]]), np.zeros(3)
    x, y = np.array([[0.7]]), np.array([0])

    found = MINIMAL[norm](weights, bias, x, y, bounds=UNIT)
    worst = WORST[norm](weights, bias, x, y, epsilon=0.1, bounds=UNIT)

    assert found.distance.tolist() == [0.0]
    assert worst.margin.tolist() == [0.0]


@norms
def test_rows_and_batches_do_not_know_of_one_another(norm, monkeypatch):
    rng = np.random.default_rng(0)
    model = rng.normal(size=(5, 3)), rng.normal(size=3)
    x, y = rng.uniform(size=(40, 5)), rng.integers(3, size=40)
    whole = WORST[norm](*model, x, y, epsilon=0.2, bounds=UNIT)
    least = MINIMAL[norm](*model, x, y, bounds=UNIT)

    monkeypatch.setattr(linear_worst_case, "_CHUNK", 15)

    again = WORST[norm](*model, x, y, epsilon=0.2, bounds=UNIT)
    assert np.array_equal(again.adversarial, whole.adversarial)
    assert np.array_equal(again.margin, whole.margin)
    split = MINIMAL[norm](*model, x, y, bounds=UNIT)
    assert np.array_equal(split.distance, least.distance)


@norms
def test_neither_attack_modifies_its_input(norm):
    rng = np.random.default_rng(0)
    given_ = rng.normal(size=(3, 2)), rng.normal(size=2), rng.uniform(size=(4, 3)), np.zeros(4, int)
    before = [part.copy() for part in given_]
    for part in given_:
        part.setflags(write=False)

    WORST[norm](*given_, epsilon=0.3, bounds=UNIT)
    found = MINIMAL[norm](*given_, bounds=UNIT)
    found.adversarial[:] = 5.0  # nor is the answer the input under another name

    assert all(np.array_equal(*pair) for pair in zip(given_, before, strict=True))


def test_no_search_by_gradient_finds_less_than_the_exact_worst_case(target, splits):
    model, test = target("softmax-regression"), splits.test
    (layer,) = model.affine_layers()
    x, y, bounds = test.features[:150], test.labels[:150], test.feature_range

    for epsilon in (0.5, 1.0):
        exact = linf_linear_worst_case(
            layer.weights, layer.bias, x, y, epsilon=epsilon, bounds=bounds
        )
        found = _descended(model, x, y, epsilon=epsilon, bounds=bounds)
        survives = model.predict(exact.adversarial) == y
        assert np.array_equal(survives, exact.margin > 0.0)
        assert (survives <= (model.predict(found) == y)).all()
        assert (exact.margin <= _margin(layer.weights, layer.bias, found, y) + 1e-9).all()
        assert 0.1 < survives.mean() < 0.9


@norms
def test_on_digits_every_smallest_change_fools_the_model_itself(norm, target, splits):
    model, test = target("softmax-regression"), splits.test
    (layer,) = model.affine_layers()

    found = MINIMAL[norm](
        layer.weights, layer.bias, test.features, test.labels, bounds=test.feature_range
    )

    right = model.predict(test.features) == test.labels
    assert np.array_equal(found.distance == 0.0, ~right)
    assert np.isfinite(found.distance).all()
    assert (model.predict(found.adversarial) != test.labels).all()
    length = LENGTH[norm](found.adversarial - test.features)
    assert length == pytest.approx(found.distance, abs=1e-6)
    # A millionth less of it does not.
    short = test.features + (found.adversarial - test.features) * (1.0 - 1e-6)
    assert np.array_equal(model.predict(short) == test.labels, right)
