"""How good the answers are, and what they were to be."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from poisoning.trials import Answer, Trained, Trial


@dataclass(frozen=True, slots=True)
class Scores:
    """Answers about several sets of one kind and rate.

    Attributes:
        sets: Share of sets that were stopped.
        rows: Share of poisoned rows that were named, mean over the sets.
        precision: Share of named rows that are poison, mean over sets in which any were; nan
            where there is none.
        clean: Share of clean rows that were named, mean over the sets.
        worst: The same in the worst set.
        missed: Seeds of the sets that were not stopped.
        by: How often each expectation failed.
    """

    sets: float
    rows: float
    precision: float
    clean: float
    worst: float
    missed: tuple[int, ...]
    by: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, trials: Sequence[Trial], answers: Sequence[Answer]) -> "Scores":
        """Compare answers with what was done."""
        pairs = [(one.poisoned.mask, answer) for one, answer in zip(trials, answers, strict=True)]
        named = [mask[answer.flagged].mean() for mask, answer in pairs if answer.flagged.any()]
        clean = [answer.flagged[~mask].mean() for mask, answer in pairs]
        failed = [name for answer in answers for name in answer.by]
        return cls(
            sets=float(np.mean([answer.alarm for answer in answers])),
            rows=float(np.mean([answer.flagged[mask].mean() for mask, answer in pairs])),
            precision=float(np.mean(named)) if named else float("nan"),
            clean=float(np.mean(clean)),
            worst=float(max(clean)),
            missed=tuple(
                one.seed for one, answer in zip(trials, answers, strict=True) if not answer.alarm
            ),
            by={name: failed.count(name) for name in dict.fromkeys(failed)},
        )


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure, and what it was to be.

    Attributes:
        what: What was measured.
        value: What came out.
        wanted: What it was to be.
        at_most: Whether lower is better.
        unit: Empty for a share.
    """

    what: str
    value: float
    wanted: float
    at_most: bool = False
    unit: str = ""

    def line(self) -> str:
        """In words: met or MISSED."""
        met = self.value <= self.wanted if self.at_most else self.value >= self.wanted
        bound = "at most" if self.at_most else "at least"
        shown = [
            f"{number:.2f} {self.unit}" if self.unit else f"{number:.1%}"
            for number in (self.value, self.wanted)
        ]
        return f"{'met' if met else 'MISSED':6} {self.what}: {shown[0]}, {bound} {shown[1]}"


def told(kind: str, rate: float, who: str, scores: Scores) -> str:
    """One line."""
    by = ", ".join(f"{name.removeprefix('expect_')} {n}" for name, n in scores.by.items())
    missed = f"; missed seeds {', '.join(map(str, scores.missed))}" if scores.missed else ""
    return (
        f"{kind:27}{rate:5.1%} {who:16} sets {scores.sets:4.0%}  rows {scores.rows:4.0%}  "
        f"precision {scores.precision:4.0%}  clean rows {scores.clean:.2%} (worst "
        f"{scores.worst:.2%}) {f'| {by}' if by else ''}{missed if who == 'seclab' else ''}"
    )


def aims(kind: str, rate: float, scores: Scores) -> list[Aim]:
    """What was asked of the detection of a kind at a rate."""
    what = f"{kind} at {rate:.0%}"
    asked = [Aim(f"{what}, clean rows named", scores.clean, 0.01, at_most=True)]
    if kind.endswith("flips"):
        asked.append(Aim(f"{what}, rows named", scores.rows, 0.90))
        asked.append(Aim(f"{what}, precision", scores.precision, 0.80))
    elif kind == "patch" and rate == 0.02:
        asked.append(Aim(f"{what}, rows named", scores.rows, 0.90))
    else:
        asked.append(Aim(f"{what}, sets stopped", scores.sets, 0.95 if kind == "patch" else 0.90))
    return asked


def successes(models: Sequence[Trained], never: Sequence[Trained] | None = None) -> list[float]:
    """Of all models for which there is one."""
    clean: Sequence[Trained | None] = never or [None] * len(models)
    won = [model.success(one) for model, one in zip(models, clean, strict=True)]
    return [success for success in won if success is not None]


def repair_aims(
    kind: str, rate: float, after: Sequence[Trained], never: Sequence[Trained]
) -> list[Aim]:
    """What was asked of a model trained on what is left."""
    what = f"{kind} at {rate:.0%} repaired"
    won = successes(after, never)
    lost = np.mean([model.accuracy for model in never]) - np.mean([m.accuracy for m in after])
    asked = [Aim(f"{what}, accuracy lost", float(lost), 0.01, at_most=True)]
    if won:
        asked.append(Aim(f"{what}, attack success", float(np.mean(won)), 0.05, at_most=True))
    return asked
