"""Sets of rows as they may arrive: clean or with known poison, and rows that nobody touched."""

from dataclasses import dataclass, replace

import numpy as np

from seclab import datasets
from seclab.attacks.poisoning import KINDS, Poisoned
from seclab.datasets import Dataset
from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True, eq=False)
class PoisonedSet:
    """Four fifths of a dataset, poisoned or not, and the last fifth as it was.

    Attributes:
        rows: What arrives, added rows included; where poison came in batches, in the order of
            arrival.
        held_out: Clean rows that are in none of these: what a model is judged on.
        kind: Name of the kind of poison; ``none`` for a clean set.
        rate: Poisoned rows that were asked for, as a fraction of those that arrived, 0 to 1.
        poison: What was done, its mask in the order of ``rows``.
    """

    rows: Dataset
    held_out: Dataset
    kind: str
    rate: float
    poison: Poisoned

    @property
    def mask(self) -> np.ndarray:
        """Which of the rows are poison, booleans of shape (n,)."""
        return self.poison.mask


def clean_set(dataset: Dataset, rng: np.random.Generator) -> PoisonedSet:
    """A random four fifths of a dataset, by class, as they are.

    Args:
        dataset: At least ten different rows of each class.
        rng: Chooses the rows.

    Raises:
        InvalidData: The dataset is unusable, or a class too small.
    """
    parts = datasets.split(dataset, seed=int(rng.integers(2**31)))
    arrived = (parts.train, parts.validation, parts.population)
    features = np.concatenate([part.features for part in arrived])
    labels = np.concatenate([part.labels for part in arrived])
    untouched = Poisoned(features, labels, np.zeros(len(labels), dtype=bool))
    return PoisonedSet(
        rows=dataset.with_rows(features, labels),
        held_out=parts.test,
        kind="none",
        rate=0.0,
        poison=untouched,
    )


def poisoned_set(
    dataset: Dataset, *, kind: str, rate: float, rng: np.random.Generator
) -> PoisonedSet:
    """A random four fifths of a dataset, with poison of one kind in them.

    Args:
        dataset: Clean rows, at least ten different ones of each class.
        kind: One of :data:`seclab.attacks.poisoning.KINDS`.
        rate: Poisoned rows as a fraction of those that arrive, 0 to 1.
        rng: Of rows, classes, trigger and all else; equal generators give the same at every
            rate, the poison of a lower rate within that of a higher one.

    Raises:
        InvalidData: The dataset is unusable, or a class too small.
        Misconfigured: An unknown kind, a rate outside 0 to 1, or a kind for images and rows that
            are none.
    """
    if kind not in KINDS:
        raise Misconfigured(f"unknown kind of poison {kind!r}; known: {', '.join(KINDS)}")
    clean = clean_set(dataset, rng)
    poison = KINDS[kind].draw(
        rng,
        clean.rows.features,
        clean.rows.labels,
        dataset.image_shape,
        dataset.feature_range,
        rate,
    )
    if poison.batches is not None:
        poison = _as_it_arrived(poison, poison.batches)
    rows = dataset.with_rows(poison.features, poison.labels)
    return replace(clean, rows=rows, kind=kind, rate=rate, poison=poison)


def _as_it_arrived(poison: Poisoned, batches: np.ndarray) -> Poisoned:
    """The rows batch by batch: where they stood before would say nothing of the attack."""
    order = np.argsort(batches, kind="stable")
    return replace(
        poison,
        features=poison.features[order],
        labels=poison.labels[order],
        mask=poison.mask[order],
        batches=batches[order],
    )
