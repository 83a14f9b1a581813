import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.attacks.boundary_walk import Walked
from seclab.evasion.attempts import Attempt, strongest
from tests.fakes import ScriptedTarget
from tests.unit.evasion.small import EPSILONS, NORMS, SPECS, attacker_of, made, target_of

seeds = st.integers(0, 5)
kinds, norms = st.sampled_from(sorted(SPECS)), st.sampled_from(sorted(NORMS))


def _attempt(epsilon, fooled, confidence, at=0.0, attack="some"):
    rows = np.full((len(fooled), 1), at)
    return Attempt(attack, epsilon, rows, np.array(fooled), np.array(confidence))


@settings(max_examples=10)
@given(kind=kinds, norm=norms, seed=seeds)
def test_everything_stays_in_ball_and_box_and_fools_whom_it_says(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, seed=seed)
    images = attacker.images

    attempts = attacker.attempts(EPSILONS)

    low, high = images.feature_range
    assert [attempt.epsilon for attempt in attempts] == sorted(a.epsilon for a in attempts)
    for attempt in (*attempts, *strongest(attempts, attacker.unchanged())):
        changes = attempt.adversarial - images.features
        order = np.inf if norm == "linf" else 2
        lengths = np.linalg.norm(changes, ord=order, axis=1) / images.scale
        assert (lengths <= attempt.epsilon + 2e-9).all()
        assert low <= attempt.adversarial.min() <= attempt.adversarial.max() <= high
        again = target_of(kind, seed)
        probabilities = again.predict_proba(attempt.adversarial)
        assert (attempt.fooled == (again.predict(attempt.adversarial) != images.labels)).all()
        assert (attempt.confidence == probabilities[np.arange(12), images.labels]).all()


@pytest.mark.parametrize(
    ("kind", "norm", "attacks"),
    [
        ("affine", "linf", "fast_gradient_sign projected_gradient_descent linear_worst_case"),
        ("affine", "l2", "projected_gradient_descent linear_worst_case"),
        (
            "network",
            "linf",
            "fast_gradient_sign projected_gradient_descent minimal_perturbation square_search",
        ),
        ("network", "l2", "projected_gradient_descent minimal_perturbation square_search"),
        ("forest", "linf", "square_search hop_skip_jump"),
        ("forest", "l2", "square_search hop_skip_jump"),
        ("tree", "linf", "nearest_leaf"),
        ("tree", "l2", "nearest_leaf"),
    ],
)
def test_the_attacks_are_those_that_model_and_norm_allow(kind, norm, attacks):
    attempts = attacker_of(target_of(kind), norm).attempts(EPSILONS)

    wanted = [f"{norm}_{attack}" for attack in attacks.split()]
    assert [(a.epsilon, a.attack) for a in attempts] == [(e, w) for e in EPSILONS for w in wanted]
    black = {"square_search", "hop_skip_jump"}
    assert all(a.black_box == (a.attack.partition("_")[2] in black) for a in attempts)
    assert all((a.queries is not None) == a.black_box for a in attempts)


@settings(max_examples=6)
@given(kind=kinds, norm=norms, seed=seeds)
def test_what_breaks_once_breaks_at_every_larger_size(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, seed=seed)

    attempts = attacker.attempts(EPSILONS)

    sequences = [[a for a in attempts if a.attack == name] for name in {a.attack for a in attempts}]
    for sequence in (*sequences, strongest(attempts, attacker.unchanged())):
        if not sequence[0].attack.endswith("fast_gradient_sign"):
            for smaller, larger in itertools.pairwise(sequence):
                assert not (smaller.fooled & ~larger.fooled).any()


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_nothing_beats_the_worst_case_of_an_affine_model(norm):
    attempts = attacker_of(target_of("affine"), norm, rows=30).attempts(EPSILONS)

    for epsilon in EPSILONS:
        here = [attempt for attempt in attempts if attempt.epsilon == epsilon]
        exact = next(a for a in here if a.attack.endswith("linear_worst_case"))
        assert exact.fooled.any()
        assert all(not (attempt.fooled & ~exact.fooled).any() for attempt in here)


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_nothing_beats_the_nearest_leaf_of_a_tree(norm):
    attacker = attacker_of(target_of("tree"), norm, rows=30, queries=200, walk_iterations=6)

    exact = attacker.attempts(EPSILONS)
    searched = [*attacker._by_scores(EPSILONS), *attacker._by_labels(EPSILONS)]

    assert any(attempt.fooled.any() and not attempt.fooled.all() for attempt in exact)
    for attempt in searched:
        (leaf,) = [each for each in exact if each.epsilon == attempt.epsilon]
        assert not (attempt.fooled & ~leaf.fooled).any()


@pytest.mark.parametrize("kind", sorted(SPECS))
@pytest.mark.parametrize("norm", sorted(NORMS))
def test_every_attack_breaks_images_that_were_read_right(norm, kind):
    attacker = attacker_of(target_of(kind), norm, rows=30)
    wrong = attacker.unchanged().fooled

    for attempt in attacker.attempts([0.4]):
        assert (attempt.fooled & ~wrong).any(), attempt.attack


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_the_queries_of_the_search_are_all_that_the_model_was_asked(norm):
    target = target_of("forest")
    attacker = attacker_of(target, norm)

    (attempt,) = attacker._by_scores([0.15])

    # To these comes one question an image, whether it is really fooled.
    assert target.queries == attempt.queries.sum() + len(attacker.images)
    assert attempt.queries.min() >= 1
    assert (attempt.queries[~attempt.fooled] == 40).all()


def test_queries_add_up_over_sizes_until_an_image_is_broken():
    attempts = list(attacker_of(target_of("forest"), "l2", rows=30)._by_scores(EPSILONS))

    for number, (smaller, larger) in enumerate(itertools.pairwise(attempts), start=1):
        broken = smaller.fooled
        assert (larger.queries[broken] == smaller.queries[broken]).all()
        assert (smaller.queries[~broken] == number * 40).all()
        assert (larger.queries[~broken] > smaller.queries[~broken]).all()


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_the_queries_of_the_walk_are_all_that_the_model_was_asked(norm):
    """With a single image nothing is shared out."""
    target = target_of("forest")
    attacker = attacker_of(target, norm, rows=1, queries=1)

    _, walk = attacker.attempts([0.4])

    starts, square, verdicts = len(target.data.population), 1, 2
    assert walk.queries[0] == target.queries - starts - square - verdicts


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_the_walk_sees_labels_alone(norm):
    """Two models of equal labels and different scores are walked along in the same way."""

    class NoGradient(ScriptedTarget):
        has_gradient = False

    forest, data = target_of("forest"), made(0)
    sure = NoGradient(data, lambda x: np.eye(3)[forest.predict(x)])
    unsure = NoGradient(data, lambda x: 0.3 + 0.1 * np.eye(3)[forest.predict(x)])

    ends = []
    for target in (sure, unsure, forest):
        ends += attacker_of(target, norm)._by_labels([0.6])

    assert (ends[0].adversarial == ends[1].adversarial).all()
    assert (ends[0].adversarial == ends[2].adversarial).all()
    assert ends[0].fooled.any()


def test_what_lies_outside_the_ball_counts_for_nothing():
    target = target_of("forest")
    attacker = attacker_of(target)
    images = attacker.images
    corner = np.full_like(images.features, images.feature_range[1])

    def far(*_, **__):
        return Walked(corner, np.ones(12, dtype=int), 0)

    attacker = replace(attacker, geometry=replace(attacker.geometry, walk=far))
    _, small, _, whole = attacker.attempts([0.01, 1.0])

    assert (small.adversarial == images.features).all()
    assert (small.fooled == attacker.unchanged().fooled).all()
    assert (whole.adversarial == corner).all()
    assert whole.fooled.any()


def test_what_lies_outside_the_box_counts_for_nothing():
    attacker = attacker_of(target_of("forest"))
    images = attacker.images
    found = images.features.copy()
    found[::2] = images.feature_range[0] - 0.01 * images.scale

    attempt = attacker.tried("out", 5.0, found)

    assert (attempt.adversarial == images.features).all()
    assert (attempt.fooled == attacker.unchanged().fooled).all()


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_searches_by_answers_see_neither_gradient_nor_structure(norm):
    """A model that has both, and is asked for neither."""

    class Closed(ScriptedTarget):
        def loss_gradient(self, *_):
            raise AssertionError("a black box was opened")

        margin_gradient = affine_layers = decision_trees = loss_gradient
        has_affine_layers = has_decision_trees = False

    network, data = target_of("network"), made(0)
    attacker = attacker_of(Closed(data, network.predict_proba), norm)

    found = [*attacker._by_scores(EPSILONS), *attacker._by_labels(EPSILONS)]

    assert any(attempt.fooled.any() for attempt in found)
    assert attacker.target.gradient_queries == network.gradient_queries == 0


def test_a_distance_equal_to_the_budget_is_within_it():
    attacker = attacker_of(target_of("forest", 4))
    images = attacker.images

    for epsilon in np.linspace(0.01, 0.3, 30):
        away = np.clip(images.features + epsilon * images.scale, *images.feature_range)
        attempt = attacker.tried("away", epsilon, away)
        assert (attempt.adversarial == away).all()


def test_the_strongest_fools_first_and_then_takes_most_confidence():
    clean = _attempt(0.0, [False, False, False, False], [0.9, 0.8, 0.7, 0.6])
    one = _attempt(0.1, [True, False, False, False], [0.4, 0.6, 0.7, 0.9], at=1.0)
    two = _attempt(0.1, [False, True, False, False], [0.1, 0.5, 0.5, 0.7], at=2.0)
    later = _attempt(0.2, [False, True, True, False], [0.05, 0.2, 0.1, 0.8], at=3.0)

    first, second = strongest([one, two, later], clean)

    assert (first.epsilon, second.epsilon) == (0.1, 0.2)
    assert {first.attack, second.attack} == {"strongest"}
    assert first.fooled.tolist() == [True, True, False, False]
    assert first.adversarial[:, 0].tolist() == [1.0, 2.0, 2.0, 0.0]
    assert first.confidence.tolist() == [0.4, 0.5, 0.5, 0.6]
    assert second.fooled.tolist() == [True, True, True, False]
    assert second.adversarial[:, 0].tolist() == [1.0, 3.0, 3.0, 0.0]
    assert second.confidence.tolist() == [0.4, 0.2, 0.1, 0.6]
    assert clean.adversarial.tolist() == [[0.0]] * 4
