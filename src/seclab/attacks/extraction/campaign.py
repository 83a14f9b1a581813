"""A whole attack: choose questions, ask them, and learn a copy of every family at every budget."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from seclab.attacks.extraction.equations import solve_softmax
from seclab.attacks.extraction.paths import find_paths
from seclab.attacks.extraction.queries import (
    draw_queries,
    mixed_queries,
    query_actively,
    uniform_queries,
)
from seclab.attacks.extraction.regions import Exploration
from seclab.attacks.extraction.surrogates import SURROGATES, Copy, train_surrogate
from seclab.models.answers import as_targets

Service: TypeAlias = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]

EQUATION_SOLVING = "equation_solving"
PATH_FINDING = "path_finding"
STRATEGIES = ("population", "active", "uniform", PATH_FINDING)  # the order decides the streams
FAMILIES = (*SURROGATES, EQUATION_SOLVING, PATH_FINDING)

_CHOICE = 3  # mixtures that active querying may choose from, for each query beyond the population
_PRECISION, _CHECKS = 1.0 / 256.0, 4  # of path finding: data is often whole numbers up to 255


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """What an attacker owns, and tries.

    Attributes:
        population: Rows without labels, shape (m, d), m at least 1.
        classes: Number of classes of the model.
        bounds: Smallest and largest feature value.
        budgets: Numbers of queries, each at least 1.
        families: Of :data:`FAMILIES`.
        jitter: Largest change of a feature, as a fraction of the feature range, in rows made of
            those of the population.
        seed: Decides everything random.
    """

    population: np.ndarray
    classes: int
    bounds: tuple[float, float]
    budgets: tuple[int, ...]
    families: tuple[str, ...]
    jitter: float
    seed: int

    def copies(
        self, service: Service, *, strategy: str, resolution: float
    ) -> Iterator[tuple[int, str, Copy]]:
        """Ask the largest budget once and learn from its first rows at every other.

        Args:
            service: Rows (n, d) to labels (n,) and confidences (n, k), NaN where withheld, or
                ``None`` where labels are all that is served; every row is one query.
            strategy: One of :data:`STRATEGIES`: rows of the population and then noisy copies of
                them, among such rows those that a copy is least sure of, uniform noise, or what
                :func:`find_paths` asks around the rows of the population. The last alone may ask
                less than the budget: it ends when every leaf of a tree is known.
            resolution: About how far a served confidence is from the true one; 0 when exact.

        Yields:
            Budget, family and copy. Equations and paths need confidences: there are none to solve
            and no leaves to tell apart where labels are all that is served. Paths need questions
            of their own too, every other family learns from those of any strategy.
        """
        told = _Told(service, self.classes)
        asked, targets, explored = self._asked(told, strategy)
        for budget in self.budgets:
            for family in self.families:
                x, shares = asked[:budget], targets[:budget]
                if family in SURROGATES:
                    yield budget, family, self._learn(family, x, shares)
                elif family == EQUATION_SOLVING and told.confidences:
                    copy = solve_softmax(x, shares, bounds=self.bounds, resolution=resolution)
                    yield budget, family, copy
                elif family == PATH_FINDING and told.confidences and explored:
                    yield budget, family, explored.copy(budget)

    def unasked(self, labels: np.ndarray) -> Iterator[tuple[int, str, Copy]]:
        """Copies by who labels the population by hand and asks nothing: what answers must beat.

        Args:
            labels: The true labels of the population, shape (m,).

        Yields:
            Budget, family and copy, learned from as many rows as the budget allows queries, or
            from all there are.
        """
        order = np.random.default_rng(self.seed).permutation(len(labels))
        rows, shares = self.population[order], as_targets(labels[order], None, classes=self.classes)
        for budget in self.budgets:
            for family in self.families:
                if family in SURROGATES:
                    yield budget, family, self._learn(family, rows[:budget], shares[:budget])

    def _asked(
        self, ask: "_Told", strategy: str
    ) -> tuple[np.ndarray, np.ndarray, Exploration | None]:
        """The rows asked and what was told, for the largest budget, and the paths it led along."""
        # A stream for each strategy: what is asked of one service is asked of every other.
        rng = np.random.default_rng([self.seed, STRATEGIES.index(strategy)])
        if strategy == PATH_FINDING:
            explored = self._explored(ask, rng)
            return explored.asked, explored.answers, explored
        if strategy == "active":
            return *self._asked_actively(ask, rng), None
        rows, budget = self.population, max(self.budgets)
        if strategy == "uniform":
            x = uniform_queries(rows.shape[1], budget=budget, bounds=self.bounds, rng=rng)
        else:
            x = draw_queries(rows, budget=budget, jitter=self.jitter, bounds=self.bounds, rng=rng)
        return x, ask(x), None

    def _asked_actively(
        self, ask: "_Told", rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        rows, budget = self.population, max(self.budgets)
        own = rng.permutation(rows)
        more = _CHOICE * max(budget - len(rows), 0)
        mixed = mixed_queries(rows, budget=more, jitter=self.jitter, bounds=self.bounds, rng=rng)
        # The kernel guides: it is the quickest to fit, and among the best from labels.
        return query_actively(ask, partial(self._learn, "kernel"), (own, mixed), budget=budget)

    def _explored(self, ask: "_Told", rng: np.random.Generator) -> Exploration:
        return find_paths(
            ask,
            rng.permutation(self.population),
            bounds=self.bounds,
            budget=max(self.budgets),
            precision=_PRECISION,
            checks=_CHECKS,
            rng=rng,
        )

    def _learn(self, family: str, x: np.ndarray, shares: np.ndarray) -> Copy:
        return train_surrogate(family, x, shares, bounds=self.bounds, seed=self.seed)


class _Told:
    """A service whose answers come as targets; it notes whether it serves confidences."""

    def __init__(self, service: Service, classes: int) -> None:
        self._service, self._classes = service, classes
        self.confidences = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        labels, confidences = self._service(x)
        self.confidences = confidences is not None
        return as_targets(labels, confidences, classes=self._classes)
