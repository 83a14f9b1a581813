from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.evasion.attempts import strongest
from seclab.evasion.certificates import Certifier
from seclab.evasion.checks import require_no_contradiction
from seclab.evasion.smallest import smallest_changes
from tests.fakes import guessing
from tests.unit.evasion.small import EPSILONS, NORMS, SPECS, attacker_of, made, target_of

SOLVED = ("affine", "tree")
seeds = st.integers(0, 5)
kinds, norms = st.sampled_from(sorted(SPECS)), st.sampled_from(sorted(NORMS))


def _unbroken(attacker, epsilons=EPSILONS):
    """Attempts at each size that broke nothing."""
    nothing = np.zeros(len(attacker.images), dtype=bool)
    return [replace(attacker.unchanged(), epsilon=size, fooled=nothing) for size in epsilons]


def _certified(attacker, epsilons=EPSILONS):
    return Certifier(attacker).certificates(_unbroken(attacker, epsilons))


@settings(max_examples=12)
@given(kind=kinds, norm=norms, seed=seeds)
def test_no_attack_breaks_what_is_proven(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, seed=seed, rows=20)

    clean, attempts = attacker.unchanged(), attacker.attempts([*EPSILONS, 1.0])
    certifier, found = Certifier(attacker), smallest_changes(attacker, clean, attempts).lengths
    certified = certifier.certificates(strongest(attempts, clean)[:3])

    assert list(certified) == list(EPSILONS)
    for attempt in attempts:
        if attempt.epsilon in certified:
            proven = certified[attempt.epsilon]
            survived = ~attempt.fooled & ~clean.fooled
            assert (proven <= survived).all()
            assert (survived <= ~clean.fooled).all()
    require_no_contradiction(certified, strongest(attempts, clean))
    assert all((found[proven] > epsilon).all() for epsilon, proven in certified.items())
    radii = certifier.radii(certified, found)
    assert (radii[~clean.fooled] < found[~clean.fooled]).all()
    assert (radii[clean.fooled] == 0.0).all()
    assert all((radii[proven] >= epsilon).all() for epsilon, proven in certified.items())


@settings(max_examples=6)
@given(kind=kinds, norm=norms, seed=seeds)
def test_no_random_point_of_the_ball_is_read_wrong_where_that_is_proven(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, rows=20)
    images, rng = attacker.images, np.random.default_rng(seed)

    for epsilon, proven in _certified(attacker).items():
        for _ in range(20):
            ray = rng.choice([-1.0, 1.0], images.features.shape)
            ray *= epsilon * images.scale / NORMS[norm].lengths(ray)[:, None]
            points = np.clip(images.features + ray, *images.feature_range)
            wrong, _ = attacker.judge(points)
            assert not (wrong & proven).any()


@settings(max_examples=6)
@given(kind=kinds, norm=norms, seed=seeds)
def test_what_is_proven_in_a_ball_is_proven_in_every_smaller_one(kind, norm, seed):
    certified = _certified(attacker_of(target_of(kind, seed), norm, rows=20))

    small, middle, large = (certified[epsilon] for epsilon in EPSILONS)
    assert (large <= middle).all()
    assert (middle <= small).all()


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_something_is_proven(kind):
    for norm in NORMS:
        certified = _certified(attacker_of(target_of(kind), norm, rows=30), [0.01])
        assert certified[0.01].any()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", sorted(NORMS))
@pytest.mark.parametrize("kind", SOLVED)
def test_of_a_solved_model_what_is_not_broken_is_proven(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, rows=30)

    worst = strongest(attacker.attempts(EPSILONS), attacker.unchanged())
    certified = Certifier(attacker).certificates(worst)

    assert any(attempt.fooled.any() and not attempt.fooled.all() for attempt in worst)
    for attempt in worst:
        assert (certified[attempt.epsilon] == ~attempt.fooled).all()


@pytest.mark.parametrize("norm", sorted(NORMS))
@pytest.mark.parametrize("kind", SOLVED)
def test_of_a_solved_model_the_radius_is_the_smallest_change(kind, norm):
    attacker = attacker_of(target_of(kind), norm, rows=30)
    clean, certifier = attacker.unchanged(), Certifier(attacker)
    found = smallest_changes(attacker, clean, []).lengths

    radii = certifier.radii({}, found)

    assert radii == pytest.approx(found, abs=2e-8)
    for row, radius in enumerate(radii):
        proven = _certified(attacker, [radius])[radius]
        assert proven[row] or clean.fooled[row]


@pytest.mark.parametrize("norm", sorted(NORMS))
@pytest.mark.parametrize("kind", ["forest", "network"])
def test_the_radius_is_certified_and_halved_out_of_what_is_open(kind, norm):
    attacker = attacker_of(target_of(kind), norm, rows=10)
    clean, certifier = attacker.unchanged(), Certifier(attacker)
    found = smallest_changes(attacker, clean, attacker.attempts([0.1, 1.0])).lengths

    radii = certifier.radii({0.0: np.zeros(10, dtype=bool)}, found)

    assert (radii > 0.0).any()
    for row in np.flatnonzero(radii):
        radius, refused = radii[row], radii[row] + found[row] / 64
        assert _certified(attacker, [radius])[radius][row]
        broken = replace(clean, epsilon=refused, fooled=np.ones(10, dtype=bool))
        assert not certifier.certificates([broken])[refused][row]


def test_trees_are_joined_where_no_attack_broke_what_they_do_not_prove_alone():
    attacker = attacker_of(target_of("forest"), "l2", rows=30)
    unbroken, certifier = _unbroken(attacker, [0.15]), Certifier(attacker)
    broken = [replace(unbroken[0], fooled=np.ones(30, dtype=bool))]

    joined, alone = (certifier.certificates(each)[0.15] for each in (unbroken, broken))

    assert alone.any()
    assert joined.sum() > alone.sum()
    assert (alone <= joined).all()


def test_of_a_model_that_nothing_is_known_of_nothing_is_proven():
    attacker = attacker_of(guessing(made(0)))
    certifier = Certifier(attacker)

    assert certifier.certificates(_unbroken(attacker)) == {}
    assert certifier.radii({}, np.ones(12)) is None


def test_proofs_ask_the_model_nothing():
    for kind in SPECS:
        target = target_of(kind)
        attacker = attacker_of(target)
        attempts = _unbroken(attacker)
        asked = (target.queries, target.gradient_queries)
        certifier = Certifier(attacker)
        certifier.radii(certifier.certificates(attempts), np.ones(12))
        assert (target.queries, target.gradient_queries) == asked
