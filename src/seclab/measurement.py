"""The values that travel from an evaluation to the gate: every number says what it is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from seclab.errors import Misconfigured

Scalar: TypeAlias = str | int | float | bool | None
Parameters: TypeAlias = Mapping[str, Scalar]
Unit: TypeAlias = Literal["fraction", "count", "difference", "auc", "distance", "nats"]
Better: TypeAlias = Literal["higher", "lower", "neither"]
SubjectKind: TypeAlias = Literal["model", "agent", "dataset"]

# The parameter of a number that was measured behind a control on the answers.
CONTROL = "control"

_UNIT_RANGE: dict[Unit, tuple[float, float]] = {
    "fraction": (0.0, 1.0),
    "auc": (0.0, 1.0),
    "difference": (-1.0, 1.0),
    "count": (0.0, math.inf),
    "distance": (0.0, math.inf),
    "nats": (0.0, math.inf),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number means, declared once by the evaluation that measures it.

    Attributes:
        name: Snake case, unique within its evaluation.
        unit: Fixes the range: fraction and auc 0 to 1, difference -1 to 1, the others from 0.
            Distances are in feature ranges.
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
class PerSample:
    """The single answers behind a rate, so that two models can be compared sample by sample.

    Attributes:
        samples: Digest of the samples in their order; only equal ones can be paired.
        hits: For each sample ``1`` where it counts towards the rate and ``0`` where it does not.
    """

    samples: str
    hits: str

    def gives(self, value: float, n: int) -> bool:
        """Whether a rate is the share of hits among exactly these samples."""
        return len(self.hits) == n > 0 and self.hits.count("1") / n == value


@dataclass(frozen=True, slots=True)
class Reading:
    """One number as an evaluation returns it, before the registry stamps where it came from.

    Attributes:
        metric: Name of a metric that the evaluation declares.
        estimate: The number with its uncertainty.
        parameters: What sets it apart from other numbers of the metric.
        per_sample: The answers behind a rate over the samples; ``None`` where they are not kept.
    """

    metric: str
    estimate: Estimate
    parameters: Parameters = field(default_factory=dict)
    per_sample: PerSample | None = None


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
    per_sample: PerSample | None = None

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
        """Whether this is the named metric at (at least) the given parameters.

        What was measured behind a control on the answers is a number of another system: only who
        names the control means it.
        """
        return (
            (self.evaluation, self.metric) == (evaluation, metric)
            and (CONTROL in self.parameters) == (CONTROL in parameters)
            and all(
                key in self.parameters and self.parameters[key] == value
                for key, value in parameters.items()
            )
        )

    def label(self) -> str:
        """Metric and parameters for people: ``robust_accuracy (epsilon=0.1)``."""
        return label(self.metric, self.parameters)


def label(metric: str, parameters: Parameters) -> str:
    """Metric and parameters for people: ``robust_accuracy (epsilon=0.1)``."""
    if not parameters:
        return metric
    return f"{metric} ({', '.join(f'{key}={parameters[key]}' for key in sorted(parameters))})"


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
class SuspectedPattern:
    """What rows of one label have in common and should not: perhaps a trigger.

    Attributes:
        label: The label.
        columns: Indexes of the features it is made of.
        values: What they are set to, in native units.
        rows: How many rows carry it.
    """

    label: int
    columns: tuple[int, ...]
    values: tuple[float, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation against one dataset.

    Attributes:
        rows: Indexes of offending rows in the dataset, at most the first thousand.
        patterns: What such rows have in common, the strongest first.
        released: Digests of the decisions by which people released every offending row: then it
            stops nothing, and the explanation says who answers for that. Empty otherwise.
    """

    expectation: str
    severity: Severity
    status: CheckStatus
    risks: tuple[str, ...]
    observed: str
    explanation: str
    rows: tuple[int, ...] = ()
    patterns: tuple[SuspectedPattern, ...] = ()
    released: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether a run stops when it does not pass: critical and not released, or errored."""
        critical = self.severity is Severity.CRITICAL and not self.released
        return critical or self.status is CheckStatus.ERRORED


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
            if result.status is not CheckStatus.PASSED and result.decides
        )
