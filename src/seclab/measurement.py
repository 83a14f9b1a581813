"""The values that travel from an evaluation to the gate: every number says what it is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np

from seclab.errors import Misconfigured

Scalar: TypeAlias = str | int | float | bool | None
Parameters: TypeAlias = Mapping[str, Scalar]
Unit: TypeAlias = Literal["fraction", "count", "difference", "auc"]
Better: TypeAlias = Literal["higher", "lower", "neither"]
SubjectKind: TypeAlias = Literal["model", "agent", "dataset"]

_UNIT_RANGE: dict[Unit, tuple[float, float]] = {
    "fraction": (0.0, 1.0),
    "auc": (0.0, 1.0),
    "difference": (-1.0, 1.0),
    "count": (0.0, math.inf),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number means, declared once by the evaluation that measures it.

    Attributes:
        name: Snake case, unique within its evaluation.
        unit: Fixes the range: fraction and auc 0 to 1, difference -1 to 1, count from 0.
        better: Which direction is safer for the defender.
        description: One sentence for reports.
    """

    name: str
    unit: Unit
    better: Better
    description: str

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value the unit allows."""
        return _UNIT_RANGE[self.unit]


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower end, in the unit of the value.
        high: Upper end, never below ``low``.
        level: Confidence level, 0 to 1.
        method: How it was computed, for example ``wilson``.
    """

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its uncertainty.

    Attributes:
        value: The point estimate. Never NaN: what was not measured is not an estimate.
        interval: Its confidence interval; ``None`` only for exact counts.
        n: How many independent samples it rests on, at least 1.
    """

    value: float
    interval: Interval | None
    n: int

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"an estimate must be finite, got {self.value}")
        if self.n < 1:
            raise ValueError(f"an estimate needs at least one sample, got n={self.n}")
        if self.interval and not self.interval.low <= self.value <= self.interval.high:
            raise ValueError(f"{self.value} lies outside its interval {self.interval}")

    @property
    def low(self) -> float:
        """Lower end of the interval; the value itself where it is exact."""
        return self.interval.low if self.interval else self.value

    @property
    def high(self) -> float:
        """Upper end of the interval; the value itself where it is exact."""
        return self.interval.high if self.interval else self.value


@dataclass(frozen=True, slots=True)
class Reading:
    """One number as an evaluation returns it, before the registry stamps where it came from."""

    metric: str
    estimate: Estimate
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """What was evaluated: a model, an agent or a dataset, pinned by digest."""

    kind: SubjectKind
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number and everything needed to know what it means and to measure it again."""

    evaluation: str
    metric: str
    value: float
    interval: Interval | None
    n: int
    unit: Unit
    better: Better
    parameters: Parameters
    risks: tuple[str, ...]
    seed: int
    subject_digest: str
    dataset_digest: str

    @property
    def pessimistic(self) -> float:
        """The end of the interval that is worse for the defender."""
        if self.interval is None or self.better == "neither":
            return self.value
        return self.interval.low if self.better == "higher" else self.interval.high

    @property
    def optimistic(self) -> float:
        """The end of the interval that is better for the defender."""
        if self.interval is None or self.better == "neither":
            return self.value
        return self.interval.high if self.better == "higher" else self.interval.low

    def matches(self, evaluation: str, metric: str, parameters: Parameters) -> bool:
        """Whether this is the named metric at (at least) the given parameters."""
        return (self.evaluation, self.metric) == (evaluation, metric) and all(
            key in self.parameters and self.parameters[key] == value
            for key, value in parameters.items()
        )

    def label(self) -> str:
        """Metric and parameters for people: ``robust_accuracy (epsilon=0.1)``."""
        return label(self.metric, self.parameters)


def label(metric: str, parameters: Parameters) -> str:
    """Metric and parameters for people: ``robust_accuracy (epsilon=0.1)``."""
    if not parameters:
        return metric
    return f"{metric} ({', '.join(f'{key}={parameters[key]}' for key in sorted(parameters))})"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows behind the measurements, kept with the evidence."""

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.name}: every row needs {len(self.columns)} cells")

    def records(self) -> list[dict[str, Scalar]]:
        """The rows as one mapping from column to cell each."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart; ``low`` and ``high`` are its confidence band, empty where none."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def of(cls, label: str, points: Iterable[tuple[float, Estimate]]) -> "Series":
        """A line through estimates, with their intervals as its band."""
        points = tuple(points)
        return cls(
            label=label,
            x=tuple(x for x, _ in points),
            y=tuple(estimate.value for _, estimate in points),
            low=tuple(estimate.low for _, estimate in points),
            high=tuple(estimate.high for _, estimate in points),
        )


@dataclass(frozen=True, slots=True)
class Chart:
    """A line or bar chart as data: ``seclab.reports`` draws it, the library does not."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    kind: Literal["line", "bar"] = "line"
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ImageGrid:
    """Images side by side, for example originals above their adversarial versions.

    Attributes:
        images: Array of shape (rows, columns, height, width) in 0 to 1.
        captions: One short text per image, ``rows * columns`` of them, row by row.
    """

    name: str
    title: str
    images: np.ndarray
    captions: tuple[str, ...]


Figure: TypeAlias = Chart | ImageGrid


@dataclass(frozen=True, slots=True)
class Result:
    """What an evaluation function returns."""

    readings: tuple[Reading, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


class Missing(StrEnum):
    """Why there is no number."""

    ERRORED = "errored"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a result was taken from that was not measured again.

    Attributes:
        run: The run that measured it.
        bundle: Digest of the bundle of that run; where it was interrupted before it had one, that
            of the part that was kept.
    """

    run: str
    bundle: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation that ran to its end.

    Attributes:
        evaluation: Its name.
        risks: Register IDs that its numbers are evidence for.
        seed: What decided everything random.
        parameters: All of them, defaults included.
        queries: How often the subject was asked.
        measurements: The numbers.
        tables: Rows behind them.
        figures: Pictures of them, as data.
        notes: What a reader has to know.
        key: Digest of everything that decides the numbers (:mod:`seclab.reuse`); empty where
            that is not known, so that nothing may be reused.
        measured_at: When it was measured, with time zone; ``None`` where nobody noted it.
        reused_from: Where it was measured; ``None`` for this very run.
        files: Tables and figures of a reused result as they were written then, by relative path.
    """

    evaluation: str
    risks: tuple[str, ...]
    seed: int
    parameters: Parameters
    queries: int
    measurements: tuple[Measurement, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    key: str = ""
    measured_at: datetime | None = None
    reused_from: Origin | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """An evaluation without numbers. It has a reason, and it blocks.

    Attributes:
        evaluation: Its name.
        risks: Register IDs that its numbers would be evidence for.
        seed: What would have decided everything random.
        parameters: All of them, defaults included.
        missing: What kind of failure it was.
        reason: Why, in words.
        key: As that of :class:`Evaluated`. It says what was tried; it is never reused.
        measured_at: When it was tried, with time zone; ``None`` where nobody noted it.
        reused_from: Always ``None``: what failed is tried again.
    """

    evaluation: str
    risks: tuple[str, ...]
    seed: int
    parameters: Parameters
    missing: Missing
    reason: str
    key: str = ""
    measured_at: datetime | None = None
    reused_from: None = None


Outcome: TypeAlias = Evaluated | Unevaluated


class Severity(StrEnum):
    """How much a failed data check weighs: only critical ones stop a run."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class CheckStatus(StrEnum):
    """Failed is about the data; errored is about the check, and is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation against one dataset.

    Attributes:
        rows: Indexes of offending rows in the dataset, at most the first thousand.
    """

    expectation: str
    severity: Severity
    status: CheckStatus
    risks: tuple[str, ...]
    observed: str
    explanation: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All expectations of one suite against one dataset."""

    suite: str
    suite_digest: str
    dataset: str
    dataset_digest: str
    results: tuple[CheckResult, ...]

    def __post_init__(self) -> None:
        if not self.results:
            raise Misconfigured(
                f"suite {self.suite}: nothing was checked; an empty suite proves nothing"
            )

    @property
    def risks(self) -> tuple[str, ...]:
        """Every risk that one of the expectations is evidence for."""
        return tuple(sorted({risk for result in self.results for risk in result.risks}))

    def stopping(self) -> tuple[CheckResult, ...]:
        """The results that stop a run: critical failures, and every error."""
        return tuple(
            result
            for result in self.results
            if result.status is CheckStatus.ERRORED
            or (result.status is CheckStatus.FAILED and result.severity is Severity.CRITICAL)
        )
