import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.attacks import bound_propagation
from seclab.attacks.bound_propagation import relaxed_margin_bounds
from seclab.attacks.linear_worst_case import l2_linear_worst_case, linf_linear_worst_case
from seclab.models import AffineLayer

UNIT = (0.0, 1.0)
WORST = {"linf": linf_linear_worst_case, "l2": l2_linear_worst_case}

norms = pytest.mark.parametrize("norm", ["linf", "l2"])


def _network(rng, widths, *, spread=1.0):
    return [
        AffineLayer(spread * rng.normal(size=(below, above)), rng.normal(size=above) / 2)
        for below, above in itertools.pairwise(widths)
    ]


@st.composite
def networks(draw, *, layers=(1, 3)):
    """A tiny network with rows of the box, some on its edge, and radii that are never whole."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    hidden = [int(width) for width in rng.integers(1, 7, draw(st.integers(*layers)) - 1)]
    widths = [draw(st.integers(1, 4)), *hidden, draw(st.integers(2, 4))]
    low, high = bounds = draw(st.sampled_from([UNIT, (-2.0, 3.0), (10.0, 26.0)]))
    network = _network(rng, widths)
    if low:  # or every rectifier is on or off for all rows
        network[0] = AffineLayer(
            network[0].weights, network[0].bias - (low + high) / 2 * network[0].weights.sum(axis=0)
        )
    x = rng.uniform(low, high, (4, widths[0]))
    x[0], x[1] = low, high
    return network, x, rng.integers(widths[-1], size=4), bounds


def _scores(network, x):
    for layer in network[:-1]:
        x = np.maximum(x @ layer.weights + layer.bias, 0.0)
    return x @ network[-1].weights + network[-1].bias


def _margin(network, x, y):
    scores = _scores(network, x)
    true = scores[np.arange(len(x)), y]
    scores[np.arange(len(x)), y] = -np.inf
    return true - scores.max(axis=1)


def _interval_margin(network, x, y, *, epsilon, bounds):
    """Lower bounds of the margins in the L-infinity ball by intervals, layer by layer."""
    low, high = np.maximum(x - epsilon, bounds[0]), np.minimum(x + epsilon, bounds[1])
    for layer in network[:-1]:
        up, down = np.maximum(layer.weights, 0.0), np.minimum(layer.weights, 0.0)
        low, high = low @ up + high @ down + layer.bias, high @ up + low @ down + layer.bias
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    weights, bias = network[-1].weights, network[-1].bias
    leads = weights[:, y].T[:, None] - weights.T  # of each row over each class
    rising, falling = np.maximum(leads, 0.0), np.minimum(leads, 0.0)
    margin = (rising * low[:, None] + falling * high[:, None]).sum(axis=2)
    margin += bias[y][:, None] - bias
    margin[np.arange(len(x)), y] = np.inf
    return margin.min(axis=1)


def _points(rng, x, *, epsilon, bounds, norm):
    """Many points of the ball around each row: its corners and edges, and its inside."""
    directions = rng.normal(size=(120, *x.shape))
    if norm == "linf":
        directions[:70] = np.sign(directions[:70])
    size = np.abs(directions).max(axis=-1) if norm == "linf" else _l2(directions)
    directions /= size[..., None]
    directions[90:] *= rng.uniform(size=(30, 1, 1))
    return np.clip(x + epsilon * directions, *bounds)


def _l2(directions):
    return np.sqrt((directions**2).sum(axis=-1))


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
@given(drawn=networks(), epsilon=st.sampled_from([0.001, 0.1, 0.3, 1.0, 30.0]))
@settings(max_examples=50)
def test_nothing_in_the_ball_has_a_margin_below_the_bound(norm, drawn, epsilon):
    network, x, y, bounds = drawn

    bound = relaxed_margin_bounds(network, x, y, epsilon=epsilon, bounds=bounds, norm=norm)

    rng = np.random.default_rng(0)
    for tried in _points(rng, x, epsilon=epsilon, bounds=bounds, norm=norm):
        assert (_margin(network, tried, y) >= bound).all()


@given(drawn=networks(), epsilon=st.sampled_from([0.001, 0.1, 0.3, 1.0, 30.0]))
@settings(max_examples=50)
def test_the_relaxation_is_never_below_interval_arithmetic(drawn, epsilon):
    network, x, y, bounds = drawn

    relaxed = relaxed_margin_bounds(network, x, y, epsilon=epsilon, bounds=bounds)

    intervals = _interval_margin(network, x, y, epsilon=epsilon, bounds=bounds)
    assert (relaxed >= intervals - 1e-9 * np.maximum(1.0, np.abs(intervals))).all()


@norms
@given(drawn=networks())
@settings(max_examples=30)
def test_without_a_budget_the_bound_is_the_margin(norm, drawn):
    network, x, y, bounds = drawn

    bound = relaxed_margin_bounds(network, x, y, epsilon=0.0, bounds=bounds, norm=norm)

    margin = _margin(network, x, y)
    assert bound == pytest.approx(margin, abs=1e-8)
    assert (bound <= margin).all()


@norms
@given(drawn=networks(layers=(1, 1)), epsilon=st.sampled_from([0.01, 0.2, 0.7, 1.5, 40.0]))
@settings(max_examples=50)
def test_of_one_layer_the_bound_is_the_exact_worst_case(norm, drawn, epsilon):
    network, x, y, bounds = drawn
    model = network[0].weights, network[0].bias

    bound = relaxed_margin_bounds(network, x, y, epsilon=epsilon, bounds=bounds, norm=norm)

    exact = WORST[norm](*model, x, y, epsilon=epsilon, bounds=bounds).margin
    assert (bound <= exact).all()
    # In the L2 ball the multiplier is halved ten times, not solved for.
    assert bound == pytest.approx(exact, abs=1e-10 if norm == "linf" else 1e-3)


@norms
def test_rectifiers_that_are_sure_cost_nothing(norm):
    """All on: the network is affine on the ball, and its product of weights has a worst case."""
    rng = np.random.default_rng(0)
    network = _network(rng, [3, 5, 4, 3], spread=0.5)
    network = [AffineLayer(layer.weights, layer.bias + 50.0) for layer in network[:-1]] + [
        network[-1]
    ]
    network[1] = AffineLayer(network[1].weights, network[1].bias + 500.0)
    x, y = rng.uniform(size=(20, 3)), rng.integers(3, size=20)
    weights = network[0].weights @ network[1].weights @ network[2].weights
    bias = _scores(network, np.zeros((1, 3)))[0]

    relaxed = relaxed_margin_bounds(network, x, y, epsilon=0.2, bounds=UNIT, norm=norm)

    exact = WORST[norm](weights, bias, x, y, epsilon=0.2, bounds=UNIT).margin
    assert relaxed == pytest.approx(exact, abs=1e-3)
    intervals = _interval_margin(network, x, y, epsilon=0.2, bounds=UNIT)
    assert (intervals < exact - 0.05).all()


def test_a_known_answer_that_intervals_do_not_give():
    """Scores relu(a + b) + 2 and relu(a - b), at (0.5, 0.5) with a quarter either way.

    The sums lie in 0.5 to 1.5 and -0.5 to 0.5. Intervals: 2.5 - 0.5. Relaxed, the second is at most
    (a - b) / 2 + 0.25, so that the margin is at least a / 2 + 3 b / 2 + 1.75, at its least 2.25.
    """
    network = [
        AffineLayer(np.array([[1.0, 1.0], [1.0, -1.0]]), np.zeros(2)),
        AffineLayer(np.eye(2), np.array([2.0, 0.0])),
    ]
    x, y = np.array([[0.5, 0.5]]), np.array([0])

    intervals = _interval_margin(network, x, y, epsilon=0.25, bounds=UNIT)
    relaxed = relaxed_margin_bounds(network, x, y, epsilon=0.25, bounds=UNIT)

    assert intervals == pytest.approx([2.0])
    assert relaxed == pytest.approx([2.25])


@pytest.mark.parametrize(("bias", "expected"), [(-0.75, 0.0), (-0.25, -0.25)])
def test_the_lower_line_is_the_one_that_leaves_out_less(bias, expected):
    """The margin is relu(x + bias) + 2 x on 0 to 1; two rectifiers that are always on give 2 x.

    From -0.75 to 0.25 the line 0 leaves out less, and the bound is that of 2 x. From -0.25 to 0.75
    it is the identity, and the bound is that of 3 x - 0.25.
    """
    network = [
        AffineLayer(np.ones((1, 3)), np.array([bias, 10.0, 10.0])),
        AffineLayer(np.array([[1.0, 0.0], [3.0, 0.0], [-1.0, 0.0]]), np.array([-20.0, 0.0])),
    ]
    x, y = np.array([[0.5]]), np.array([0])

    bound = relaxed_margin_bounds(network, x, y, epsilon=0.5, bounds=UNIT)

    assert bound == pytest.approx([expected], abs=1e-9)
    assert _interval_margin(network, x, y, epsilon=0.5, bounds=UNIT) == pytest.approx([-1.0])


def test_the_ball_ends_at_the_box():
    network = [AffineLayer(np.array([[1.0, 0.0]]), np.array([0.1, 0.0]))]
    x, y = np.array([[0.2]]), np.array([0])

    for norm in ("linf", "l2"):
        bound = relaxed_margin_bounds(network, x, y, epsilon=5.0, bounds=UNIT, norm=norm)
        assert bound == pytest.approx([0.1], abs=1e-3)


@given(
    terms=st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 10)), min_size=2, max_size=8),
    power=st.integers(0, 9),
)
@settings(max_examples=100)
def test_rounding_certifies_nothing(terms, power):
    """Against the margin in exact fractions, where large terms cancel."""
    slopes = np.array([slope * 0.1 * 10.0**power for slope, _ in terms])
    x = np.array([[value * 0.1 for _, value in terms]])
    exact = sum(Fraction(s) * Fraction(v) for s, v in zip(slopes, x[0], strict=True))
    # The bias makes the margin exactly 0 but for its own rounding.
    bias = float(-exact)
    network = [AffineLayer(np.stack([slopes, 0.0 * slopes], axis=1), np.array([bias, 0.0]))]

    for label, margin in ((0, exact + Fraction(bias)), (1, -exact - Fraction(bias))):
        bound = relaxed_margin_bounds(network, x, np.array([label]), epsilon=0.0, bounds=UNIT)
        assert Fraction(bound[0]) < margin


def test_two_scores_that_are_equal_are_never_told_apart():
    rng = np.random.default_rng(0)
    network = _network(rng, [6, 9, 2], spread=1e3)
    same = AffineLayer(network[-1].weights[:, [0, 0]], network[-1].bias[[0, 0]])

    x = rng.uniform(size=(50, 6))
    bound = relaxed_margin_bounds(
        [network[0], same], x, rng.integers(2, size=50), epsilon=0.0, bounds=UNIT
    )

    assert (bound < 0.0).all()
    assert (bound > -1e-4).all()


@norms
def test_each_row_can_have_a_radius_of_its_own(norm):
    rng = np.random.default_rng(0)
    network = _network(rng, [4, 8, 3])
    x, y = rng.uniform(size=(5, 4)), rng.integers(3, size=5)
    radii = np.array([0.0, 0.05, 0.1, 0.2, 3.0])

    together = relaxed_margin_bounds(network, x, y, epsilon=radii, bounds=UNIT, norm=norm)

    for row, radius in enumerate(radii):
        rows = slice(row, row + 1)
        alone = relaxed_margin_bounds(
            network, x[rows], y[rows], epsilon=float(radius), bounds=UNIT, norm=norm
        )
        assert together[rows] == pytest.approx(alone, rel=1e-12)


@norms
def test_batches_change_nothing(norm, monkeypatch):
    rng = np.random.default_rng(0)
    network = _network(rng, [4, 8, 6, 3])
    rows = rng.uniform(size=(30, 4)), rng.integers(3, size=30)
    whole = relaxed_margin_bounds(network, *rows, epsilon=0.05, bounds=UNIT, norm=norm)

    monkeypatch.setattr(bound_propagation, "_CHUNK", 200)

    split = relaxed_margin_bounds(network, *rows, epsilon=0.05, bounds=UNIT, norm=norm)
    assert split == pytest.approx(whole, rel=1e-12)


def test_nothing_that_is_given_is_modified():
    rng = np.random.default_rng(0)
    network = _network(rng, [3, 4, 3])
    x, y = rng.uniform(size=(5, 3)), rng.integers(3, size=5)
    parts = [x, y, *(part for layer in network for part in (layer.weights, layer.bias))]
    before = [part.copy() for part in parts]
    for part in parts:
        part.setflags(write=False)

    relaxed_margin_bounds(network, x, y, epsilon=0.1, bounds=UNIT, norm="l2")

    assert all(np.array_equal(*pair) for pair in zip(parts, before, strict=True))


@pytest.mark.parametrize("epsilon", [0.02, 0.05])
def test_what_is_certified_on_digits_survives_every_search(epsilon, target, splits):
    model, test = target("mlp"), splits.test
    x, y = test.features[:150], test.labels[:150]
    budget = {"epsilon": epsilon * test.scale, "bounds": test.feature_range}

    intervals = _interval_margin(model.affine_layers(), x, y, **budget) > 0.0
    relaxed = relaxed_margin_bounds(model.affine_layers(), x, y, **budget) > 0.0
    found = _descended(model, x, y, **budget)

    survives = model.predict(found) == y
    assert (intervals <= relaxed).all()
    assert (relaxed <= survives).all()
    assert relaxed.mean() > survives.mean() - 0.08
    assert intervals.mean() < relaxed.mean() - 0.05
