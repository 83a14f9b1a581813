"""Every number of the programme: what it is called, how it is counted, and its trend."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from seclab.measurement import Better
from seclab.programme.records import Figures


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of the programme.

    Attributes:
        name: Snake case; in MLflow after ``programme/``.
        unit: What it counts.
        better: Which direction is better.
        counted: How it is counted, in a sentence.
        of: The number itself; ``None`` where there is nothing to count.
    """

    name: str
    unit: Literal["share", "count", "days"]
    better: Better
    counted: str
    of: Callable[[Figures], float | None]


MEASURES: tuple[Measure, ...] = (
    Measure(
        "models_with_threat_model",
        "share",
        "higher",
        "Names of models.yaml and of registered models that some threat model lists as a subject, "
        "out of all of them.",
        lambda f: f.models.share,
    ),
    Measure(
        "risks_with_fresh_evidence",
        "share",
        "higher",
        "Risks of which every subject passed or failed no longer ago than is allowed, and no "
        "system lacks evidence of its own, out of all risks: untested ones count as lacking it.",
        lambda f: f.fresh.share,
    ),
    Measure(
        "risks_never_tested",
        "count",
        "lower",
        "Risks without any evidence that are in scope.",
        lambda f: len(f.risks["never-tested"]),
    ),
    Measure(
        "days_to_identify",
        "days",
        "lower",
        "Mean over pairs of model version and risk: from the registering of the version to the "
        "first bundle in which the risk failed for it, or to a threat recorded later than it.",
        lambda f: f.identified.mean if f.identified else None,
    ),
    Measure(
        "threats_identified",
        "count",
        "neither",
        "How many such pairs there are.",
        lambda f: f.identified.n if f.identified else 0,
    ),
    Measure(
        "days_to_remediate",
        "days",
        "lower",
        "Mean over failures that ended: from the first bundle in which a risk failed for a subject "
        "to the first in which it passed by something measured after the last failure.",
        lambda f: f.remediated.mean if f.remediated else None,
    ),
    Measure(
        "failures_remediated",
        "count",
        "neither",
        "How many failures ended.",
        lambda f: f.remediated.n if f.remediated else 0,
    ),
    Measure(
        "failures_open",
        "count",
        "lower",
        "Pairs of risk and subject whose failure has not ended; no mean counts them.",
        lambda f: len(f.open),
    ),
    Measure(
        "oldest_open_failure_days",
        "days",
        "lower",
        "Age of the oldest of them.",
        lambda f: f.open[0].age_days if f.open else None,
    ),
    Measure(
        "waivers_active",
        "count",
        "lower",
        "Waivers whose last day has not passed.",
        lambda f: len(f.waivers.active),
    ),
    Measure(
        "waivers_expired",
        "count",
        "neither",
        "Waivers whose last day has passed.",
        lambda f: len(f.waivers.expired),
    ),
    Measure(
        "waiver_age_days",
        "days",
        "lower",
        "Mean over active waivers since the first recorded figures that name them; their age is at "
        "least that.",
        lambda f: f.waivers.ages.mean if f.waivers.ages else None,
    ),
    Measure(
        "oldest_waiver_days",
        "days",
        "lower",
        "Age of the oldest of them, counted alike.",
        lambda f: f.waivers.ages.longest if f.waivers.ages else None,
    ),
)


def numbers(figures: Figures) -> dict[str, float]:
    """Every number that there is, by its name. What has nothing to count is left out."""
    found = {measure.name: measure.of(figures) for measure in MEASURES}
    return {name: float(value) for name, value in found.items() if value is not None}


def written(measure: Measure, value: float | None) -> str:
    """A number for people: ``25%``, ``3``, ``1.5 d``; ``none`` where there is nothing to count."""
    if value is None:
        return "none"
    if measure.unit == "share":
        return f"{value:.0%}"
    return f"{value:.0f}" if measure.unit == "count" else f"{value:.1f} d"


@dataclass(frozen=True, slots=True)
class Change:
    """A number beside the one that was recorded last.

    Attributes:
        measure: Which.
        now: What it is; ``None`` where there is nothing to count.
        before: What it was; ``None`` where nothing was counted or recorded then.
    """

    measure: Measure
    now: float | None
    before: float | None

    @property
    def trend(self) -> Literal["better", "worse", "same", "changed", "unknown"]:
        """Which way it went; ``unknown`` where one of the two is missing."""
        if self.now is None or self.before is None:
            return "unknown"
        if self.now == self.before:
            return "same"
        if self.measure.better == "neither":
            return "changed"
        rose = self.now > self.before
        return "better" if rose == (self.measure.better == "higher") else "worse"


def changes(now: Figures, before: Figures | None) -> tuple[Change, ...]:
    """Every number beside the one of earlier figures, in the order of :data:`MEASURES`."""
    return tuple(
        Change(measure, measure.of(now), measure.of(before) if before else None)
        for measure in MEASURES
    )
