"""One threshold against everything that was measured: bound, champion, samples and effort."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from seclab.gate.decision import WORST_FIRST, Comparison, CriterionResult, Verdict, missing
from seclab.measurement import Estimate, Measurement, Parameters, Subject, label
from seclab.outcome import Evaluated, Outcome, Unevaluated
from seclab.registers import Threshold
from seclab.statistics import LEVEL, difference, paired_difference

# 0.9 - 0.88 is a hair more than 0.02: a loss of exactly the bound has to pass.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion's result, and whether a waiver may take the decision from it.

    Attributes:
        result: What it says.
        waivable: Whether it blocks on evidence that is whole: what is missing, too weak or no
            number cannot be waived, for nobody knows what would be borne.
    """

    result: CriterionResult
    waivable: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """One measurement held against one limit; ``margin`` is negative outside of it."""

    result: CriterionResult
    margin: float

    @property
    def rank(self) -> tuple[int, float]:
        """The worst part is the least."""
        return WORST_FIRST.index(self.result.verdict), self.margin


def judge(
    threshold: Threshold,
    subject: Subject,
    outcomes: Sequence[Outcome],
    *,
    champion: Comparison | None,
) -> Judged:
    """Hold every measurement that fits a threshold against it.

    Args:
        threshold: The criterion.
        subject: Whose measurements count.
        outcomes: What the evaluations returned.
        champion: What the change is measured from; ``None`` where there is none yet.

    Returns:
        The worst of them: parameters that fit several measurements leave none of them out.
    """
    found = [
        (measurement, outcome.parameters)
        for outcome in outcomes
        if isinstance(outcome, Evaluated)
        for measurement in outcome.measurements
        if measurement.subject_digest == subject.digest
        and measurement.matches(threshold.evaluation, threshold.metric, threshold.parameters)
    ]
    if not found:
        wanted = label(threshold.metric, threshold.parameters)
        reason = _why_missing(threshold.evaluation, wanted, outcomes)
        return Judged(missing(threshold.id, (threshold.risk,), wanted, reason), waivable=False)
    judged = [
        list(_parts(threshold, measurement, effort=effort, champion=champion))
        for measurement, effort in found
    ]
    worst = min(judged, key=lambda parts: min(part.rank for part in parts))
    first, *others = sorted(worst, key=lambda part: part.rank)
    reason = "; ".join([first.result.reason, *(part.result.reason for part in others)])
    whole = all(_is_whole(part) for parts in judged for part in parts)
    blocks = first.result.verdict is Verdict.BLOCK
    return Judged(replace(first.result, reason=reason), waivable=blocks and whole)


def _is_whole(part: _Part) -> bool:
    return part.result.verdict is not Verdict.NOT_EVALUATED and part.margin > -math.inf


def _parts(
    threshold: Threshold,
    measurement: Measurement,
    *,
    effort: Parameters,
    champion: Comparison | None,
) -> Iterator[_Part]:
    lacking = list(_lacking(threshold, measurement, effort))
    if lacking:
        measured = f"measured {_number(measurement.value)}, n={measurement.n}"
        reason = f"{measurement.label()} proves too little ({measured}): {', '.join(lacking)}"
        yield _unknown(threshold, measurement, reason)
        return
    if threshold.bound is not None:
        yield _against_bound(threshold, measurement, threshold.bound)
    if threshold.worse_than_champion_by is not None:
        yield from _against_champion(
            threshold, measurement, champion, threshold.worse_than_champion_by
        )


def _lacking(threshold: Threshold, measurement: Measurement, effort: Parameters) -> Iterator[str]:
    """What the measurement lacks to prove anything. It does not depend on the value."""
    if measurement.n < threshold.least_n:
        yield f"n={measurement.n}, at least {threshold.least_n} are required"
    for key, least in threshold.effort.items():
        name, _, counted = key.partition(".")
        made = effort.get(name)
        if counted:
            made = len(made.split()) if isinstance(made, str) else None
        if isinstance(made, bool) or not isinstance(made, int | float):
            yield f"{key} was not recorded, at least {_number(least)} is required"
        elif not made >= least:
            yield f"{key}={_number(made)}, at least {_number(least)} is required"


def _against_bound(threshold: Threshold, measurement: Measurement, bound: float) -> _Part:
    judged = {
        "pessimistic": measurement.pessimistic,
        "value": measurement.value,
        "optimistic": measurement.optimistic,
    }[threshold.judged]
    margin = judged - bound if threshold.kind == "at_least" else bound - judged
    if not (math.isfinite(judged) and math.isfinite(measurement.value)):
        margin = -math.inf
    relation = {"at_least": "at least", "at_most": "at most"}[threshold.kind or "at_least"]
    end = "" if threshold.judged == "value" else f" at the {threshold.judged} end"
    reason = (
        f"{measurement.label()} is {_number(judged)}{end} (measured "
        f"{_number(measurement.value)}, n={measurement.n}); {relation} "
        f"{_number(bound)} is required"
    )
    return _held(threshold, measurement, reason, judged=judged, bound=bound, margin=margin)


def _against_champion(
    threshold: Threshold, measurement: Measurement, champion: Comparison | None, allowed: float
) -> Iterator[_Part]:
    """The loss against the champion, over every measurement of it that is the same number."""
    if champion is None:
        yield _nothing_lost(threshold, measurement, "there is no champion to compare with")
        return
    if any(m.subject_digest == measurement.subject_digest for m in champion.measurements):
        yield _nothing_lost(threshold, measurement, "it is the champion itself")
        return
    found = [
        theirs
        for theirs in champion.measurements
        if theirs.matches(measurement.evaluation, measurement.metric, measurement.parameters)
        and len(theirs.parameters) == len(measurement.parameters)
    ]
    if not found:
        reason = f"the champion (version {champion.version}) has no {measurement.label()}"
        yield _unknown(threshold, measurement, f"{reason} to compare with")
    for theirs in found:
        yield _loss(threshold, measurement, theirs, version=champion.version, allowed=allowed)


def _loss(
    threshold: Threshold,
    ours: Measurement,
    theirs: Measurement,
    *,
    version: str,
    allowed: float,
) -> _Part:
    problem = _incomparable(ours, theirs)
    if problem:
        reason = f"{ours.label()} cannot be compared with the champion's (version {version})"
        return _unknown(threshold, ours, f"{reason}: {problem}")
    first, second = (theirs, ours) if ours.better == "higher" else (ours, theirs)
    paired = _paired(first, second)
    loss = paired or difference(_estimate(first), _estimate(second))
    judged, end = loss.high, " at the pessimistic end"
    if threshold.judged == "value":
        judged, end = loss.value, ""
    reason = (
        f"{ours.label()} is {_number(judged)} worse than the champion's{end} (measured "
        f"{_number(ours.value)}, version {version} {_number(theirs.value)}"
        f"{', sample by sample' if paired else ''}); at most {_number(allowed)} is allowed"
    )
    margin = allowed - judged
    if 0.0 > margin >= -_ROUNDING:
        margin = 0.0
    return _held(threshold, ours, reason, judged=judged, bound=allowed, margin=margin)


def _paired(first: Measurement, second: Measurement) -> Estimate | None:
    """The difference over the same samples; ``None`` where the two were not kept or are others."""
    one, other = first.per_sample, second.per_sample
    if one is None or other is None or one.samples != other.samples:
        return None
    if not (one.gives(first.value, first.n) and other.gives(second.value, second.n)):
        return None
    if len(one.hits) != len(other.hits):
        return None
    level = first.interval.level if first.interval else LEVEL
    hits = ([hit == "1" for hit in per_sample.hits] for per_sample in (one, other))
    return paired_difference(*hits, level=level)


def _incomparable(ours: Measurement, theirs: Measurement) -> str:
    """Why two measurements say nothing about which model is worse; empty when they do."""
    if ours.dataset_digest != theirs.dataset_digest:
        return "it was measured on other data"
    if ours.better == "neither" or ours.better != theirs.better:
        return "neither direction is the better one"
    if not all(math.isfinite(number) for m in (ours, theirs) for number in _numbers(m)):
        return "one of them is not a number"
    if ours.interval and theirs.interval and ours.interval.level != theirs.interval.level:
        return "their intervals are of different confidence levels"
    return ""


def _numbers(measurement: Measurement) -> tuple[float, ...]:
    return measurement.value, measurement.pessimistic, measurement.optimistic


def _estimate(measurement: Measurement) -> Estimate:
    return Estimate(measurement.value, measurement.interval, measurement.n)


def _held(
    threshold: Threshold,
    measurement: Measurement,
    reason: str,
    *,
    judged: float,
    bound: float,
    margin: float,
) -> _Part:
    result = CriterionResult(
        criterion=threshold.id,
        risks=(threshold.risk,),
        verdict=Verdict.PASS if margin >= 0.0 else Verdict.BLOCK,
        reason=reason,
        measured=measurement.label(),
        value=measurement.value,
        judged=judged,
        bound=bound,
    )
    return _Part(result, margin)


def _nothing_lost(threshold: Threshold, measurement: Measurement, reason: str) -> _Part:
    result = CriterionResult(
        criterion=threshold.id,
        risks=(threshold.risk,),
        verdict=Verdict.PASS,
        reason=f"{measurement.label()}: {reason}",
        measured=measurement.label(),
        value=measurement.value,
        bound=threshold.worse_than_champion_by,
    )
    return _Part(result, math.inf)


def _unknown(threshold: Threshold, measurement: Measurement, reason: str) -> _Part:
    result = missing(threshold.id, (threshold.risk,), measurement.label(), reason)
    return _Part(replace(result, value=measurement.value), -math.inf)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _why_missing(evaluation: str, wanted: str, outcomes: Sequence[Outcome]) -> str:
    for outcome in outcomes:
        if outcome.evaluation == evaluation:
            if isinstance(outcome, Unevaluated):
                return f"{evaluation} was {outcome.missing}: {outcome.reason}"
            return f"{evaluation} ran, but did not measure {wanted}"
    return f"{evaluation} was not run"
