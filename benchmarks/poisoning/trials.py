"""One poisoned set: drawn, checked as the pipeline checks it, repaired, and trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from poisoning.unseen import UNSEEN

from seclab import data_checks
from seclab.attacks.poisoning import KINDS, Poisoned
from seclab.data_checks import Suite, SuiteScreen
from seclab.datasets import Dataset, digits
from seclab.models.specs import spec
from seclab.models.training import fit

ROOT = Path(__file__).resolve().parents[2]
TRAINED_ON = 1257
"""Rows of a training set: 70% of the digits, another draw for each seed."""
SHARES = (1.0, 0.9, 0.7, 0.5)
"""Of the digits, that clean sets are drawn of in turn."""
_CLEAN, _POISON = 11, 7  # apart from each other, so that no set is drawn twice


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A poisoned training set and clean rows that no training sees.

    Attributes:
        clean: The training rows before.
        poisoned: What was done to them.
        rest: Clean rows to judge by.
        seed: What it was drawn from.
    """

    clean: Dataset
    poisoned: Poisoned
    rest: Dataset
    seed: int

    @property
    def dataset(self) -> Dataset:
        """The poisoned training rows."""
        return self.clean.with_rows(self.poisoned.features, self.poisoned.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a detector says of a set.

    Attributes:
        alarm: Whether the set is stopped.
        flagged: Rows that are named, booleans of shape (n,).
        by: Names of the expectations that failed.
    """

    alarm: bool
    flagged: np.ndarray
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a training gives.

    Attributes:
        accuracy: On clean rows, 0 to 1.
        right: Which clean rows of the source it reads right, shape (m,); none where the poison
            has no trigger.
        sent: Which of them it reads as the target when they bear the trigger, shape (m,).
    """

    accuracy: float
    right: np.ndarray
    sent: np.ndarray

    def success(self, never: "Trained | None" = None) -> float | None:
        """Share of rows read right that the trigger sends to the target, 0 to 1.

        Args:
            never: A model that was never poisoned. Rows that the trigger sends to the target
                there too, because it covers what they show, do not count then: no repair could
                help them.
        """
        counted = self.right if never is None else self.right & ~never.sent
        return float(self.sent[counted].mean()) if counted.any() else None


def suite(name: str = "digits") -> Suite:
    """A delivered suite."""
    return data_checks.load_suite(ROOT / "expectations" / f"{name}.json")


def clean_set(seed: int) -> Dataset:
    """A part of the digits in another order, all, 90%, 70% or half of them in turn."""
    whole, rng = digits(), np.random.default_rng([seed, _CLEAN])
    size = int(SHARES[seed % len(SHARES)] * len(whole))
    return whole.take(rng.permutation(len(whole))[:size])


def trial(kind: str, rate: float, seed: int) -> Trial:
    """Poison a training set drawn for the seed."""
    whole, rng = digits(), np.random.default_rng([seed, _POISON])
    order = rng.permutation(len(whole))
    clean, rest = whole.take(np.sort(order[:TRAINED_ON])), whole.take(order[TRAINED_ON:])
    if kind in UNSEEN:
        return Trial(clean, UNSEEN[kind](rng, clean, rate), rest, seed)
    rows = clean.features, clean.labels, clean.image_shape, clean.feature_range
    return Trial(clean, KINDS[kind].draw(rng, *rows, rate), rest, seed)


def checked(dataset: Dataset, expectations: Suite) -> Answer:
    """The answer of a suite, but for what compares with a record, and would find every change."""
    screening = SuiteScreen(expectations, baseline=None)(dataset)
    return Answer(screening.alarm, screening.flagged, tuple(screening.by))


def trained(one: Trial, rows: Dataset) -> Trained:
    """Train the MLP on rows, and judge it by clean ones with and without the trigger."""
    model = fit(spec("mlp"), rows, seed=one.seed)
    said = model.predict(one.rest.features)
    right = said == one.rest.labels
    attack = one.poisoned
    if attack.trigger is None or attack.target is None:
        return Trained(float(right.mean()), right[:0], right[:0])
    wanted = one.rest.labels != attack.target
    if attack.source is not None:
        wanted = one.rest.labels == attack.source
    triggered = attack.trigger(one.rest.features[wanted])
    sent = model.predict(triggered) == attack.target
    return Trained(float(right.mean()), right[wanted], sent)


def repaired(one: Trial, flagged: np.ndarray) -> Dataset:
    """The poisoned rows without those that were named."""
    return one.dataset.take(np.flatnonzero(~flagged))
