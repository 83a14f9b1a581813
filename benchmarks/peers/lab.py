"""What every section shares: models and rows, time measured in turns, tables, aims."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seclab import datasets, models
from seclab.datasets import Dataset, Splits

SEED = 0


@dataclass
class Lab:
    """The digits, split by seed 0, and the models trained on them by seed 0.

    Attributes:
        quick: Less of everything, for a look: nothing of it says how strong an attack is.
    """

    quick: bool
    data: Splits = field(default_factory=lambda: datasets.split(datasets.load("digits"), seed=SEED))
    _targets: dict[str, models.Target] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """How often a call is timed where a call is cheap."""
        return 1 if self.quick else 5

    @property
    def epsilons(self) -> tuple[float, ...]:
        """L-infinity radii, fractions of the feature range."""
        return (0.1,) if self.quick else (0.05, 0.1, 0.15, 0.2, 0.3)

    def target(self, name: str) -> models.Target:
        """A model by the name of its spec."""
        if name not in self._targets:
            trained = models.train(models.spec(name), self.data.train, seed=SEED)
            self._targets[name] = models.Target(trained, self.data)
        return self._targets[name]


@dataclass(frozen=True)
class Aim:
    """What was aimed at, what came out, and whether that is enough."""

    what: str
    found: str
    met: bool


@dataclass(frozen=True)
class Taken:
    """Median processor seconds of a call, and what its last repeat gave."""

    seconds: float
    result: Any


def in_turns(calls: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Taken]:
    """Time calls by turns, so that whatever else the machine does falls on all of them alike.

    Processor seconds, not those of the clock: what others compute meanwhile is not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    results: dict[str, Any] = {}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            results[name] = call()
            seconds[name].append(time.process_time() - start)
    return {name: Taken(statistics.median(seconds[name]), results[name]) for name in calls}


def robust_accuracy(
    target: models.Target, images: Dataset, found: np.ndarray, epsilon: float
) -> float:
    """Share of the images read right both unchanged and as they were found, inside ball and box.

    Judged alike for all tools: what is outside is moved in first, for ART answers in float32.
    """
    radius = epsilon * images.scale
    low = np.maximum(images.features - radius, images.feature_range[0])
    high = np.minimum(images.features + radius, images.feature_range[1])
    inside = np.clip(np.asarray(found, dtype=float), low, high)
    right = target.predict(images.features) == images.labels
    return float((right & (target.predict(inside) == images.labels)).mean())


def title(text: str) -> None:
    """Start a section."""
    print(f"\n{text}\n{'-' * len(text)}")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns: names to the left, numbers to the right."""
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    for row in cells:
        first, *rest = (
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10.0 else f"{value:.1f}"
    return "" if value is None else str(value)
