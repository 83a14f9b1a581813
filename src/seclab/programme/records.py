"""The figures of a security programme, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Literal, TypeAlias, get_args

State: TypeAlias = Literal["fresh", "stale", "incomplete", "never-tested", "out-of-scope"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some have what they should have.

    Attributes:
        having: Names of those that have it.
        lacking: Names of those that have not.
    """

    having: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def whole(self) -> int:
        """All of them."""
        return len(self.having) + len(self.lacking)

    @property
    def share(self) -> float | None:
        """Those that have it as a share of all; of none ``None``."""
        return len(self.having) / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations, summed up. There is at least one.

    Attributes:
        n: How many.
        mean: Their mean, in days.
        median: Their median, in days.
        shortest: The shortest, in days.
        longest: The longest, in days.
    """

    n: int
    mean: float
    median: float
    shortest: float
    longest: float


def spread(durations: Sequence[timedelta]) -> Spread | None:
    """Durations, summed up; ``None`` where there are none: nothing took no time."""
    days = [duration / timedelta(days=1) for duration in durations]
    if not days:
        return None
    return Spread(len(days), fmean(days), median(days), min(days), max(days))


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A failure that no later evidence has closed.

    Attributes:
        risk: The risk.
        subject: Name of the subject that failed.
        run: The run that found it first.
        since: When that was known.
        age_days: How long ago that is, in days.
    """

    risk: str
    subject: str
    run: str
    since: datetime
    age_days: float


@dataclass(frozen=True, slots=True)
class Waivers:
    """Blocks that somebody answers for.

    Attributes:
        active: Ids of those that still count.
        expired: Ids of those whose last day has passed.
        ages: How long the active ones have been on record; ``None`` where that is known of none.
    """

    active: tuple[str, ...]
    expired: tuple[str, ...]
    ages: Spread | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """When something that carries no date of its own was first on record.

    Attributes:
        since: The first recorded figures that name it.
        earlier: Whether these were the first figures of all, so that it may be of any age.
    """

    since: datetime
    earlier: bool


Sightings: TypeAlias = Mapping[str, Sighting]


@dataclass(frozen=True, slots=True)
class Figures:
    """How the programme stands.

    Attributes:
        at: As of when.
        models: Which registered models have a threat model.
        risks: Ids of the risks by what their evidence is worth now; all states are there.
        identified: From the making of a model version to what was found in it.
        remediated: From a failure to the evidence that it is gone.
        open: Failures that are not gone, the oldest first.
        waivers: Waivers and their age.
        threats: When each threat of a threat model was first on record, by ``system/T1``.
        waived: When each waiver was first on record, by its id.
    """

    at: datetime
    models: Share
    risks: Mapping[State, tuple[str, ...]]
    identified: Spread | None
    remediated: Spread | None
    open: tuple[OpenFailure, ...]
    waivers: Waivers
    threats: Sightings
    waived: Sightings

    @property
    def fresh(self) -> Share:
        """The risks with fresh evidence, out of all: tested or not, in scope or not."""
        lacking = [id_ for state in STATES if state != "fresh" for id_ in self.risks[state]]
        return Share(self.risks["fresh"], tuple(lacking))
