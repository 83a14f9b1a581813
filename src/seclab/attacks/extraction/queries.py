"""Which rows to ask about: those the attacker owns, noise, or those a copy is least sure of."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

Ask: TypeAlias = Callable[[np.ndarray], np.ndarray]
Learn: TypeAlias = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]

_FIRST, _ROUND, _GROWTH = 30, 20, 4


def draw_queries(
    pool: np.ndarray,
    *,
    budget: int,
    jitter: float,
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Choose the rows to ask about: all of the pool in random order, then noisy copies of it.

    Args:
        pool: Rows the attacker owns, shape (m, d), m at least 1.
        budget: How many rows, at least 1.
        jitter: Largest change of a feature in a copy, as a fraction of the feature range.
        bounds: Smallest and largest value a feature may have.
        rng: Decides order and noise.

    Returns:
        Array of shape (budget, d). The first rows of a large budget are what an equal generator
        chooses for a small one, so that budgets are nested.
    """
    low, high = bounds
    order = rng.permutation(len(pool))
    queries = pool[order[np.arange(budget) % len(pool)]]
    copies = queries[len(pool) :]
    noise = rng.uniform(-1.0, 1.0, copies.shape) * jitter * (high - low)
    copies[:] = np.clip(copies + noise, low, high)
    return queries


def uniform_queries(
    columns: int, *, budget: int, bounds: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Rows of shape (budget, columns) from anywhere in the box: all that no data at all buys.

    Budgets are nested, as those of :func:`draw_queries`.
    """
    return rng.uniform(*bounds, (budget, columns))


def mixed_queries(
    pool: np.ndarray,
    *,
    budget: int,
    jitter: float,
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Rows of the pool with some of another row in them, and noise.

    Args:
        pool: Rows the attacker owns, shape (m, d), m at least 1.
        budget: How many rows, at least 0.
        jitter: Largest change of a feature beyond the mixture, as a fraction of the feature range.
        bounds: Smallest and largest value a feature may have.
        rng: Decides pairs, shares and noise.

    Returns:
        Array of shape (budget, d). Towards an image of another class lies the boundary that a
        copy has to find; at most 30% of it keeps the row one that a copy is asked about.
    """
    low, high = bounds
    first, second = rng.integers(len(pool), size=(2, budget))
    share = rng.uniform(0.0, 0.3, (budget, 1))
    noise = rng.uniform(-1.0, 1.0, (budget, pool.shape[1])) * jitter * (high - low)
    mixed = (1.0 - share) * pool[first] + share * pool[second] + noise
    clipped: np.ndarray = np.clip(mixed, low, high)
    return clipped


def query_actively(
    ask: Ask, learn: Learn, pools: Sequence[np.ndarray], *, budget: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ask in rounds, each time where the copy of the moment hesitates most.

    The first round takes the first rows; later ones, growing with what is known, those whose two
    highest scores lie closest together. A pool is used up before the next one is touched: what
    is like the inputs of the model is worth more than what is near a boundary.

    Args:
        ask: Rows (n, d) to targets (n, k); every row is one query.
        learn: Rows and targets to a copy, which gives scores (n, k).
        pools: Rows to choose from, each of shape (m, d), together at least ``budget`` of them.
        budget: How many rows are asked, at least 1; none is asked twice.

    Returns:
        The rows in the order they were asked, (budget, d), and their targets, (budget, k). Budgets
        are nested: for a smaller one the same pools give the first of these rows.

    Raises:
        ValueError: The pools are smaller than the budget.

    References:
        Pal et al. (2019), A framework for the extraction of deep neural networks by leveraging
        public data, arXiv:1905.09165.
    """
    rows = np.vstack(pools)
    if len(rows) < budget:
        raise ValueError(f"{budget} different rows cannot be chosen from {len(rows)}")
    ends = np.cumsum([len(pool) for pool in pools])
    chosen = np.arange(min(_FIRST, ends[0], budget))
    targets = ask(rows[chosen])
    while len(chosen) < budget:
        end = ends[np.searchsorted(ends, len(chosen), side="right")]
        left = np.setdiff1d(np.arange(end), chosen)
        size = min(max(_ROUND, len(chosen) // _GROWTH), budget - len(chosen))
        margins = _margins(learn(rows[chosen], targets)(rows[left]))
        new = left[np.argsort(margins, kind="stable")[:size]]
        targets = np.vstack([targets, ask(rows[new])])
        chosen = np.concatenate([chosen, new])
    return rows[chosen], targets


def _margins(scores: np.ndarray) -> np.ndarray:
    """How far the highest of each row of scores lies above the second, shape (n,)."""
    two = np.sort(scores, axis=1)[:, -2:]
    margins: np.ndarray = two[:, -1] - two[:, 0]
    return margins
