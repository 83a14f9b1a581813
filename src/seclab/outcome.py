"""What comes of an evaluation: numbers with what is behind them, or the reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from seclab.artifacts import Figure, Table
from seclab.measurement import Measurement, Parameters, Reading


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
