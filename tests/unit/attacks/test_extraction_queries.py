import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclab.attacks.extraction import (
    draw_queries,
    mixed_queries,
    query_actively,
    uniform_queries,
)

BOUNDS = (-4.0, 12.0)


def _pool(m=30):
    return np.random.default_rng(5).uniform(*BOUNDS, (m, 3))


def _draw(pool, budget, *, jitter=0.1, seed=0):
    return draw_queries(
        pool, budget=budget, jitter=jitter, bounds=BOUNDS, rng=np.random.default_rng(seed)
    )


def _mix(pool, budget, *, jitter=0.1):
    return mixed_queries(
        pool, budget=budget, jitter=jitter, bounds=BOUNDS, rng=np.random.default_rng(0)
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


def test_uniform_budgets_are_nested_and_fill_the_box():
    small, large = (
        uniform_queries(3, budget=budget, bounds=BOUNDS, rng=np.random.default_rng(0))
        for budget in (20, 2000)
    )

    assert np.array_equal(small, large[:20])
    np.testing.assert_allclose([large.min(), large.max()], BOUNDS, atol=0.1)


def test_the_pool_is_not_modified():
    pool = _pool()
    before = pool.copy()

    _draw(pool, 90, jitter=0.5)
    _mix(pool, 90, jitter=0.5)

    assert np.array_equal(pool, before)


def test_mixtures_lie_in_the_box_and_between_two_rows_but_for_the_noise():
    pool = _pool(2)
    clean, noisy = _mix(pool, 200, jitter=0.0), _mix(pool, 200, jitter=1.0)

    along = (clean - pool[0]) @ (pool[1] - pool[0]) / np.sum((pool[1] - pool[0]) ** 2)
    np.testing.assert_allclose(clean, pool[0] + along[:, None] * (pool[1] - pool[0]), atol=1e-9)
    assert along.min() >= -1e-9
    assert along.max() <= 1.0 + 1e-9
    assert not ((along > 0.31) & (along < 0.69)).any()
    assert noisy.min() >= BOUNDS[0]
    assert noisy.max() <= BOUNDS[1]


class Line:
    """A threshold on one column: the copy knows it from the first answer, and counts questions."""

    def __init__(self):
        self.asked = []

    def ask(self, x):
        self.asked.append(x)
        return np.eye(2)[(x[:, 0] > 0.5).astype(int)]

    def learn(self, x, targets):  # noqa: ARG002 - it knows already
        return lambda rows: np.column_stack([0.5 - rows[:, 0], rows[:, 0] - 0.5])


def _line(m, seed=0):
    return np.random.default_rng(seed).uniform(size=(m, 1))


def test_after_the_first_round_the_rows_nearest_to_the_boundary_are_asked():
    line, pool = Line(), _line(400)

    queries, _ = query_actively(line.ask, line.learn, (pool,), budget=50)

    rest = pool[30:]
    nearest = rest[np.argsort(np.abs(rest[:, 0] - 0.5))[:20]]
    assert np.array_equal(queries[:30], pool[:30])
    assert np.array_equal(np.sort(queries[30:], axis=0), np.sort(nearest, axis=0))


@pytest.mark.parametrize("budget", [1, 29, 30, 31, 77, 200])
def test_exactly_the_budget_is_asked_and_no_row_twice(budget):
    line = Line()

    queries, targets = query_actively(
        line.ask, line.learn, (_line(120), _line(80, 1)), budget=budget
    )

    assert sum(map(len, line.asked)) == budget
    assert np.array_equal(np.vstack(line.asked), queries)
    assert len(np.unique(queries)) == budget
    assert np.array_equal(targets.argmax(axis=1), queries[:, 0] > 0.5)


@pytest.mark.parametrize("m", [1, 10, 120])
def test_a_pool_is_used_up_before_the_next_is_touched(m):
    line, first, second = Line(), _line(m), _line(80, 1) + 10.0

    queries, _ = query_actively(line.ask, line.learn, (first, second), budget=m + 80)

    assert queries[:m].max() < 10.0 <= queries[m:].min()
    assert len(line.asked[0]) == min(m, 30)


@given(small=st.integers(1, 150), large=st.integers(1, 150))
def test_active_budgets_are_nested(small, large):
    small, large = sorted((small, large))
    found = [
        query_actively(Line().ask, Line().learn, (_line(100), _line(60, 1)), budget=budget)[0]
        for budget in (small, large)
    ]

    assert np.array_equal(found[0], found[1][:small])


def test_more_questions_than_rows_are_refused():
    with pytest.raises(ValueError, match="21 different rows cannot be chosen from 20"):
        query_actively(Line().ask, Line().learn, (_line(20),), budget=21)
