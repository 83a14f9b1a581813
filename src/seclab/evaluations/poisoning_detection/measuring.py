"""Poisoned sets before the checks: what is found, what repair achieves, how long it takes."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from seclab.attacks.poisoning import KINDS
from seclab.detection import DatasetTarget, PoisonedSet, Screening
from seclab.measurement import Estimate, Interval
from seclab.models import ModelSpec, fit
from seclab.statistics import (
    mean_of,
    mean_of_fractions,
    mean_of_groups,
    proportion,
    proportion_of,
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried; see :func:`seclab.evaluations.poisoning_detection.poisoning_detection`."""

    rates: tuple[float, ...]
    sets: int
    clean_sets: int
    retrain_sets: int
    batched_sets: int
    batches: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A model on rows that nobody touched.

    Attributes:
        right: Rows that it reads right.
        rows: Of so many.
        won: Inputs that it reads as the attacker wants.
        tried: Of so many; 0 where the attack is after none, or all are read wrong without it.
    """

    right: int
    rows: int
    won: int
    tried: int


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One poisoned set.

    Attributes:
        made: The set.
        screening: What the checks say of it.
        before: The model trained on all of it; ``None`` where none was trained.
        after: The model trained without the named rows; ``None`` also where fewer than two
            classes are left.
        arriving: How many batches arrive; ``None`` where it was not asked batch by batch.
        found_after: After how many of them the checks find it; ``None`` for never.
    """

    made: PoisonedSet
    screening: Screening
    before: Judged | None = None
    after: Judged | None = None
    arriving: int | None = None
    found_after: int | None = None

    @property
    def found(self) -> bool:
        """Whether the checks have found it."""
        return _found(self.screening, self.made.mask)

    @property
    def poison(self) -> int:
        """How many rows are poison."""
        return int(self.made.mask.sum())

    @property
    def named_poison(self) -> int:
        """How many of these are named."""
        return int((self.screening.flagged & self.made.mask).sum())

    @property
    def clean(self) -> int:
        """How many rows are not poison."""
        return int((~self.made.mask).sum())

    @property
    def named_clean(self) -> int:
        """How many of these are named."""
        return int((self.screening.flagged & ~self.made.mask).sum())


@dataclass(frozen=True, slots=True)
class CleanSet:
    """One clean part of the dataset: its rows, how many are named, and by what."""

    alarm: bool
    rows: int
    named: int
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """All sets of one kind and rate, at least one."""

    kind: str
    rate: float
    trials: tuple[Trial, ...]

    def estimates(self) -> dict[str, Estimate]:
        """Every number that could be measured, by metric."""
        trials = self.trials
        found = {
            "set_detection_rate": proportion_of([trial.found for trial in trials]),
            "row_recall": self._recall(),
            "clean_row_false_alarm_rate": mean_of_groups(
                [trial.named_clean for trial in trials], [trial.clean for trial in trials]
            ),
        }
        for when in ("before", "after"):
            judged: list[Judged] = [
                one for trial in trials if (one := getattr(trial, when)) is not None
            ]
            tried = [one for one in judged if one.tried]
            if tried:
                found[f"attack_success_rate_{when}"] = _over_sets(
                    [one.won for one in tried], [one.tried for one in tried]
                )
            if judged:
                found[f"clean_accuracy_{when}"] = mean_of_groups(
                    [one.right for one in judged], [one.rows for one in judged]
                )
        waited = [_waited(trial) for trial in trials if trial.arriving is not None]
        if waited:
            found["batches_until_detected"] = _mean_count(waited)
        return found

    def _recall(self) -> Estimate:
        return _over_sets(
            [trial.named_poison for trial in self.trials], [trial.poison for trial in self.trials]
        )


def _over_sets(hits: Sequence[int], sizes: Sequence[int]) -> Estimate:
    """A rate in which the rows of a set stand or fall together, so that only sets count.

    Of a single set its rows are counted: the interval is about that set alone.
    """
    if len(sizes) == 1:
        return proportion(hits[0], sizes[0])
    return mean_of_fractions(np.asarray(hits) / np.asarray(sizes))


def _waited(trial: Trial) -> int:
    return trial.found_after or (trial.arriving or 0) + 1


def _mean_count(counts: Sequence[int]) -> Estimate:
    if len(counts) == 1:
        return Estimate(float(counts[0]), None, 1)
    found = mean_of(counts)
    interval = Interval(max(found.low, 0.0), found.high, 0.95, "student")
    return Estimate(found.value, interval, found.n)


def measure(
    target: DatasetTarget,
    kinds: Sequence[str],
    effort: Effort,
    *,
    spec: ModelSpec,
    rng: np.random.Generator,
) -> tuple[list[Cell], list[CleanSet]]:
    """All that is asked for: a cell for every kind and rate that poisons anything, clean sets."""
    base = int(rng.integers(2**31))
    cells = []
    for kind in kinds:
        for rate in effort.rates:
            trials = tuple(_trials(target, kind, rate, effort, spec=spec, base=base))
            if trials:
                cells.append(Cell(kind, rate, trials))
    return cells, [_clean(target, [base, index]) for index in range(effort.clean_sets)]


def _trials(
    target: DatasetTarget, kind: str, rate: float, effort: Effort, *, spec: ModelSpec, base: int
) -> Iterator[Trial]:
    for index in range(effort.sets):
        # One stream a set: adding a kind or a set changes none of the others.
        seeds = [base, zlib.crc32(kind.encode()), index]
        made = target.poisoned_set(kind, rate, np.random.default_rng(seeds))
        if not made.mask.any():
            continue
        screening = target.screen(made.rows)
        before = after = arriving = found_after = None
        rng = np.random.default_rng([*seeds, 1])
        if index < effort.retrain_sets:
            before, after = _repaired(made, screening, spec, seed=int(rng.integers(2**31)))
        if index < effort.batched_sets:
            arriving, found_after = _by_batches(target, made, effort.batches, rng)
        yield Trial(made, screening, before, after, arriving, found_after)


def _clean(target: DatasetTarget, seeds: list[int]) -> CleanSet:
    rows = target.clean_set(np.random.default_rng(seeds)).rows
    screening = target.screen(rows)
    return CleanSet(screening.alarm, len(rows), int(screening.flagged.sum()), tuple(screening.by))


def _repaired(
    made: PoisonedSet, screening: Screening, spec: ModelSpec, *, seed: int
) -> tuple[Judged, Judged | None]:
    """The model of all rows, and that of the rows that are left."""
    before = _judge(fit(spec, made.rows, seed=seed), made)
    if not screening.flagged.any():
        return before, before
    kept = ~screening.flagged
    if np.unique(made.rows.labels[kept]).size < 2:
        return before, None
    return before, _judge(fit(spec, made.rows.take(kept), seed=seed), made)


def _judge(model: Pipeline, made: PoisonedSet) -> Judged:
    right = model.predict(made.held_out.features) == made.held_out.labels
    won = _won(model, made, right)
    return Judged(int(right.sum()), len(right), int(won.sum()), won.size)


def _won(model: Pipeline, made: PoisonedSet, right: np.ndarray) -> np.ndarray:
    """For each input the attack is after, whether it is read as the attacker wants."""
    poison, held_out = made.poison, made.held_out
    own = held_out.labels == poison.source
    asked = np.empty((0, held_out.features.shape[1]))
    if poison.trigger is not None:
        # What is read wrong without the trigger is no success of the trigger.
        own = own if poison.source is not None else held_out.labels != poison.target
        if (own & right).any():
            asked = poison.trigger(held_out.features[own & right])
    elif poison.victims is not None:
        asked = poison.victims
    elif KINDS[made.kind].aim in ("labels", "rows") and poison.source != poison.target:
        asked = held_out.features[own]
    won: np.ndarray = model.predict(asked) == poison.target if len(asked) else np.zeros(0, bool)
    return won


def _by_batches(
    target: DatasetTarget, made: PoisonedSet, batches: int, rng: np.random.Generator
) -> tuple[int, int | None]:
    """How many batches arrive, and after how many of them the poison is found."""
    arrived = made.poison.batches
    if arrived is None:
        arrived = rng.integers(batches + 1, size=len(made.rows))
        poison = np.flatnonzero(made.mask)
        arrived[poison] = np.arange(poison.size) % batches + 1
    last = int(arrived.max())
    order = np.argsort(arrived, kind="stable")
    for batch in range(1, last + 1):
        here = order[arrived[order] <= batch]
        if _found(target.screen(made.rows.take(here)), made.mask[here]):
            return last, batch
    return last, None


def _found(screening: Screening, mask: np.ndarray) -> bool:
    """Whether an alarm is about the poison, as far as it names rows."""
    flagged = screening.flagged
    return screening.alarm and bool((flagged & mask).any() or not flagged.any())
