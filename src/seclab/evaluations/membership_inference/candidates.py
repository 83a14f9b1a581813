"""Whose membership is in question, and what the attacker holds beside them."""

from dataclasses import dataclass

import numpy as np

from seclab.datasets import Dataset, Splits


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The rows in question, in random order, and the rest of what the attacker holds.

    Attributes:
        pool: Members, as many non-members, the population, then all other rows of all splits.
        count: Number of members in question.
        asked: The first so many of the pool are asked about: candidates and population.
        train_rows: Index of each member in the train split.
    """

    pool: Dataset
    count: int
    asked: int
    train_rows: np.ndarray

    @classmethod
    def draw(cls, data: Splits, rng: np.random.Generator) -> "Candidates":
        """As many members as non-members, by chance."""
        count = min(len(data.train), len(data.test))
        members, others = rng.permutation(len(data.train)), rng.permutation(len(data.test))
        everything = slice(None)
        parts = (
            (data.train, members[:count]),
            (data.test, others[:count]),
            (data.population, everything),
            (data.train, members[count:]),
            (data.test, others[count:]),
            (data.validation, everything),
        )
        pool = data.train.with_rows(
            np.concatenate([part.features[rows] for part, rows in parts]),
            np.concatenate([part.labels[rows] for part, rows in parts]),
        )
        return cls(pool, count, 2 * count + len(data.population), members[:count])
