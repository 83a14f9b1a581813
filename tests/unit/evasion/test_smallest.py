from dataclasses import replace

import numpy as np
import pytest

from seclab.attacks.boundary_walk import Walked
from seclab.attacks.tree_boxes import leaf_boxes
from seclab.evasion import evade
from seclab.evasion.attempts import Effort
from seclab.evasion.smallest import smallest_changes
from tests.fakes import ScriptedTarget
from tests.unit.evasion.small import NORMS, attacker_of, made, target_of


class _Threshold(ScriptedTarget):
    """Class 1 from a share of the range of the first pixel on, else class 0; only labels help."""

    has_gradient = False

    def __init__(self, data, share):
        low, high = data.test.feature_range
        edge = low + share * (high - low)
        super().__init__(data, lambda x: np.eye(3)[np.where(x[:, 0] >= edge, 1, 0)])


def _nowhere(_, x, *__, **___):
    return Walked(x, np.ones(len(x), dtype=int), 0)


def _found(attacker, sizes=(1.0,)):
    return smallest_changes(attacker, attacker.unchanged(), attacker.attempts(sizes)).lengths


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", sorted(NORMS))
def test_of_an_affine_model_it_is_exact(norm, seed):
    attacker = attacker_of(target_of("affine", seed), norm, rows=30)
    images, target = attacker.images, attacker.target
    (layer,) = target.affine_layers()

    exact = NORMS[norm].minimal(
        layer.weights, layer.bias, images.features, images.labels, bounds=images.feature_range
    )

    assert _found(attacker) == pytest.approx(exact.distance / images.scale, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("walk", [NORMS["linf"].walk, _nowhere])
def test_it_is_where_the_model_changes_its_mind_and_not_the_size_of_the_ball(walk):
    attacker = attacker_of(_Threshold(made(0), 0.7), queries=60)
    attacker = replace(attacker, geometry=replace(attacker.geometry, walk=walk))
    images = attacker.images

    found = _found(attacker)

    first = (images.features[:, 0] - images.feature_range[0]) / images.scale
    zero = (images.labels == 0) & (first < 0.7)
    assert zero.any()
    assert found[zero] == pytest.approx((0.7 - first)[zero], abs=2e-3)
    assert (found[zero] >= (0.7 - first)[zero]).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", sorted(NORMS))
def test_of_a_single_tree_it_is_exact(norm, seed):
    """Against every leaf of every other answer, one by one."""
    attacker = attacker_of(target_of("tree", seed), norm, rows=30)
    images = attacker.images
    (tree,) = attacker.target.decision_trees()
    boxes = leaf_boxes(tree, columns=6, bounds=images.feature_range)
    answers = boxes.value.argmax(axis=1)

    found = _found(attacker)

    assert 0.0 < np.median(found) < np.inf
    for x, label, change in zip(images.features, images.labels, found, strict=True):
        away = x.clip(boxes.low, boxes.high)[answers != label] - x
        assert change == pytest.approx(NORMS[norm].lengths(away).min() / images.scale, abs=1e-12)


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_an_image_that_a_small_change_breaks_does_not_count_as_robust(norm):
    """A walk that goes too far is shortened into a ball in which no attack broke anything."""
    target, data = _Threshold(made(0), 0.7), made(0)

    def too_far(_, x, *__, **___):
        found = x.copy()
        found[:, 0] = data.test.feature_range[1]
        return Walked(found, np.ones(len(x), dtype=int), 0)

    result = evade(
        target,
        replace(NORMS[norm], walk=too_far),
        epsilons=[0.25],
        samples=1000,
        effort=Effort(1, 1, 1),
        rng=np.random.default_rng(0),
    )

    changes = [row["smallest_change"] for row in result.tables[1].records()]
    left = {
        reading.parameters["attack"]: reading.estimate.value
        for reading in result.readings
        if reading.metric == "robust_accuracy"
    }
    small = [change for change in changes if change is not None and change <= 0.25]
    assert left["strongest"] == pytest.approx(1.0 - len(small) / len(changes))
    assert left["strongest"] < min(left[name] for name in left if name != "strongest")


def test_what_is_read_wrong_unchanged_takes_no_change():
    attacker = attacker_of(_Threshold(made(0), 0.7), rows=30)
    wrong = attacker.unchanged().fooled

    found = _found(attacker)

    assert wrong.any()
    assert (found[wrong] == 0.0).all()
    assert (found[~wrong] > 0.0).all()


def test_where_nothing_is_found_it_is_infinite():
    data = made(0)
    attacker = attacker_of(ScriptedTarget(data, lambda x: np.eye(3)[np.full(len(x), 2)]))

    found = _found(attacker)

    assert np.isinf(found[attacker.images.labels == 2]).all()
    assert (found[attacker.images.labels != 2] == 0.0).all()


@pytest.mark.parametrize("kind", ["network", "forest"])
@pytest.mark.parametrize("norm", sorted(NORMS))
def test_it_is_at_most_what_any_attempt_needed(norm, kind):
    attacker = attacker_of(target_of(kind), norm, rows=30)
    attempts = attacker.attempts([0.1, 0.3, 1.0])

    found = smallest_changes(attacker, attacker.unchanged(), attempts).lengths

    for attempt in attempts:
        lengths = NORMS[norm].lengths(attempt.adversarial - attacker.images.features)
        needed = lengths[attempt.fooled] / attacker.images.scale
        assert (found[attempt.fooled] <= needed + 1e-12).all()
