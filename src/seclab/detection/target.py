"""The face a dataset shows to an evaluation: its checks are asked, and the asking is counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from seclab.datasets import Dataset
from seclab.detection.poisoned_sets import PoisonedSet, clean_set, poisoned_set
from seclab.errors import NotEvaluated
from seclab.measurement import Subject, SuspectedPattern


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """What checks say of a set of rows.

    Attributes:
        alarm: Whether they would stop a run.
        flagged: Rows that the checks which would stop it name, booleans of shape (n,).
        by: These checks by name, each with the rows it names, booleans of shape (n,).
        patterns: What such rows have in common, the strongest first.
    """

    alarm: bool
    flagged: np.ndarray
    by: Mapping[str, np.ndarray] = field(default_factory=dict)
    patterns: tuple[SuspectedPattern, ...] = ()


class Screen(Protocol):
    """Checks that can be asked about any rows of a kind of data."""

    @property
    def about(self) -> str:
        """What is checked and what is left out, a sentence."""
        ...

    def __call__(self, rows: Dataset) -> Screening:
        """What the checks say of rows.

        Raises:
            NotEvaluated: A check came to no finding: then nothing is known.
        """
        ...


class DatasetTarget:
    """What an evaluation may ask of a dataset and the checks it has to pass.

    Args:
        data: The dataset, clean.
        screen: The checks.
        planted: One set that was poisoned on purpose: then it is the subject, the only poison that
            can be asked for, and ``data`` is what it was made of.
    """

    def __init__(self, data: Dataset, screen: Screen, planted: PoisonedSet | None = None) -> None:
        self.data = data
        self.queries = 0
        self._screen = screen
        self._planted = planted

    @property
    def subject(self) -> Subject:
        """The dataset, pinned by the digest of its rows in their order."""
        rows = self._planted.rows if self._planted else self.data
        return Subject("dataset", self.data.name, str(rows.fingerprint().ordered))

    @property
    def about(self) -> str:
        """What the checks are, a sentence."""
        return self._screen.about

    def screen(self, rows: Dataset) -> Screening:
        """What the checks say of rows, one query a row."""
        self.queries += len(rows)
        return self._screen(rows)

    def clean_set(self, rng: np.random.Generator) -> PoisonedSet:
        """A random part of the clean dataset; see :func:`seclab.detection.clean_set`."""
        return clean_set(self.data, rng)

    def poisoned_set(self, kind: str, rate: float, rng: np.random.Generator) -> PoisonedSet:
        """A random part with poison in it; see :func:`seclab.detection.poisoned_set`.

        Raises:
            NotEvaluated: One set was poisoned already, and this is another kind or rate.
        """
        planted = self._planted
        if planted is None:
            return poisoned_set(self.data, kind=kind, rate=rate, rng=rng)
        if (planted.kind, planted.rate) != (kind, rate):
            raise NotEvaluated(
                f"{self.data.name} was poisoned with {planted.kind} at rate {planted.rate:g}: "
                f"nothing can be said of {kind} at rate {rate:g}"
            )
        return planted
