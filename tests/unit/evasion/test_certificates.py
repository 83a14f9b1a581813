import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclab.evasion.attempts import strongest
from seclab.evasion.certificates import certificates
from seclab.evasion.checks import require_no_contradiction
from seclab.evasion.smallest import smallest_changes
from tests.fakes import guessing
from tests.unit.evasion.small import EPSILONS, NORMS, SPECS, attacker_of, made, target_of

seeds = st.integers(0, 5)
kinds, norms = st.sampled_from(sorted(SPECS)), st.sampled_from(sorted(NORMS))


@settings(max_examples=10)
@given(kind=kinds, norm=norms, seed=seeds)
def test_no_attack_breaks_what_is_proven(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, seed=seed, rows=20)

    certified = certificates(attacker, EPSILONS)

    clean, attempts = attacker.unchanged(), attacker.attempts([*EPSILONS, 1.0])
    assert list(certified) == list(EPSILONS)
    for attempt in attempts:
        if attempt.epsilon in certified:
            proven = certified[attempt.epsilon]
            survived = ~attempt.fooled & ~clean.fooled
            assert (proven <= survived).all()
            assert (survived <= ~clean.fooled).all()
    require_no_contradiction(certified, strongest(attempts, clean))
    found = smallest_changes(attacker, clean, attempts)
    assert all((found[proven] > epsilon).all() for epsilon, proven in certified.items())


@settings(max_examples=6)
@given(kind=kinds, norm=norms, seed=seeds)
def test_no_random_point_of_the_ball_is_read_wrong_where_that_is_proven(kind, norm, seed):
    attacker = attacker_of(target_of(kind, seed), norm, rows=20)
    images, rng = attacker.images, np.random.default_rng(seed)

    for epsilon, proven in certificates(attacker, EPSILONS).items():
        for _ in range(20):
            ray = rng.choice([-1.0, 1.0], images.features.shape)
            ray *= epsilon * images.scale / NORMS[norm].lengths(ray)[:, None]
            points = np.clip(images.features + ray, *images.feature_range)
            wrong, _ = attacker.judge(points)
            assert not (wrong & proven).any()


@settings(max_examples=6)
@given(kind=kinds, norm=norms, seed=seeds)
def test_what_is_proven_in_a_ball_is_proven_in_every_smaller_one(kind, norm, seed):
    certified = certificates(attacker_of(target_of(kind, seed), norm, rows=20), EPSILONS)

    small, middle, large = (certified[epsilon] for epsilon in EPSILONS)
    assert (large <= middle).all()
    assert (middle <= small).all()


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_something_is_proven(kind):
    for norm in NORMS:
        certified = certificates(attacker_of(target_of(kind), norm, rows=30), [0.01])
        assert certified[0.01].any()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", sorted(NORMS))
def test_of_an_affine_model_what_is_not_broken_is_proven(norm, seed):
    attacker = attacker_of(target_of("affine", seed), norm, rows=30)

    certified = certificates(attacker, EPSILONS)

    worst = strongest(attacker.attempts(EPSILONS), attacker.unchanged())
    assert any(attempt.fooled.any() and not attempt.fooled.all() for attempt in worst)
    for attempt in worst:
        assert (certified[attempt.epsilon] == ~attempt.fooled).all()


def test_of_a_model_that_nothing_is_known_of_nothing_is_proven():
    assert certificates(attacker_of(guessing(made(0))), EPSILONS) == {}


def test_proofs_ask_the_model_nothing():
    for kind in SPECS:
        target = target_of(kind)
        certificates(attacker_of(target), EPSILONS)
        assert (target.queries, target.gradient_queries) == (0, 0)
