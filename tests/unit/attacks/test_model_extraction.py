import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.model_extraction import SURROGATES, draw_queries, train_surrogate
from seclab.errors import Misconfigured

BOUNDS = (-4.0, 12.0)


def _pool(m=30):
    return np.random.default_rng(5).uniform(*BOUNDS, (m, 3))


def _draw(pool, budget, *, jitter=0.1, seed=0):
    return draw_queries(
        pool, budget=budget, jitter=jitter, bounds=BOUNDS, rng=np.random.default_rng(seed)
    )


def test_up_to_the_size_of_the_pool_queries_are_different_rows_of_it():
    pool = _pool()

    queries = _draw(pool, 30)

    assert {tuple(row) for row in queries} == {tuple(row) for row in pool}


@given(
    budget=st.integers(1, 100),
    m=st.integers(1, 30),
    jitter=st.floats(0.0, 1.0),
    seed=st.integers(0, 1000),
)
def test_queries_are_as_many_as_the_budget_and_copies_stay_near_the_pool(budget, m, jitter, seed):
    pool = _pool(m)

    queries = _draw(pool, budget, jitter=jitter, seed=seed)

    assert queries.shape == (budget, 3)
    assert queries.min() >= BOUNDS[0]
    assert queries.max() <= BOUNDS[1]
    nearest = np.abs(queries[:, None] - pool[None]).max(axis=2).min(axis=1)
    assert nearest[:m].max() == 0.0
    assert nearest.max() <= jitter * 16.0 + 1e-9


def test_copies_beyond_the_pool_are_new_questions():
    queries = _draw(_pool(), 90)

    assert len(np.unique(queries, axis=0)) == 90


@pytest.mark.parametrize(("small", "large"), [(5, 20), (20, 80), (40, 80)])
def test_budgets_are_nested(small, large):
    assert np.array_equal(_draw(_pool(), small), _draw(_pool(), large)[:small])


def test_the_pool_is_not_modified():
    pool = _pool()
    before = pool.copy()

    _draw(pool, 90, jitter=0.5)

    assert np.array_equal(pool, before)


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_a_surrogate_learns_a_rule_from_labels_alone(family):
    rng = np.random.default_rng(0)
    x = rng.uniform(*BOUNDS, (400, 2))
    rule = np.where(x[:, 0] > x[:, 1], 4, 9)

    surrogate = train_surrogate(family, x[:300], rule[:300], bounds=BOUNDS, seed=0)

    assert np.mean(surrogate(x[300:]) == rule[300:]) > 0.95


@pytest.mark.parametrize("family", sorted(SURROGATES))
def test_answers_of_one_class_give_a_surrogate_of_that_class(family):
    surrogate = train_surrogate(family, _pool(), np.full(30, 3), bounds=BOUNDS, seed=0)

    assert surrogate(_pool(7)).tolist() == [3] * 7


def test_a_single_answer_is_enough_to_train_on():
    surrogate = train_surrogate("mlp", _pool(1), np.array([2]), bounds=BOUNDS, seed=0)

    assert surrogate(_pool(2)).tolist() == [2, 2]


def test_the_unit_of_the_features_does_not_matter():
    x = np.random.default_rng(0).uniform(0.0, 1.0, (60, 4))
    labels = (x[:, 0] > 0.5).astype(int)
    narrow = train_surrogate("softmax-regression", x, labels, bounds=(0.0, 1.0), seed=0)
    wide = train_surrogate("softmax-regression", x * 1024, labels, bounds=(0.0, 1024.0), seed=0)

    assert np.array_equal(narrow(x), wide(x * 1024))


def test_equal_seeds_give_equal_surrogates():
    x = np.random.default_rng(0).uniform(*BOUNDS, (60, 3))
    labels = np.random.default_rng(1).integers(0, 4, 60)
    first, again, other = (
        train_surrogate("mlp", x, labels, bounds=BOUNDS, seed=seed)(_pool(500))
        for seed in (0, 0, 1)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_unknown_family_is_refused_with_those_known():
    with pytest.raises(Misconfigured, match="unknown surrogate 'tree'; known: softmax-regression"):
        train_surrogate("tree", _pool(), np.zeros(30, dtype=int), bounds=BOUNDS, seed=0)
