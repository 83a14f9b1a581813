"""Whether the registers and the evaluations that exist speak of the same things."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from seclab.measurement import Metric, SubjectKind
from seclab.registers.entries import is_number
from seclab.registers.loading import MATRIX, MODELS, PROFILES, RISKS, THRESHOLDS
from seclab.registers.records import DATA_CHECKS, Registers, Threshold


class Measures(Protocol):
    """What has to be known of an evaluation; :class:`seclab.registry.Evaluation` fits."""

    @property
    def risks(self) -> tuple[str, ...]:
        """Register IDs that its numbers are evidence for."""
        ...

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric it reports, by name."""
        ...

    @property
    def subject(self) -> SubjectKind:
        """The kind of thing it evaluates."""
        ...

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Its parameters with their default values."""
        ...


def cross_check(registers: Registers, evaluations: Mapping[str, Measures]) -> list[str]:
    """Compare the registers with the evaluations that exist.

    Args:
        registers: What is expected of them.
        evaluations: Every evaluation by name.

    Returns:
        One sentence for each place where a chain from risk to threshold is broken; empty when
        none is. A threshold that nothing measures would block for ever; one whose bound no value
        can miss, or that bounds the harmless side, would let everything pass.
    """
    return [
        *_matrix(registers, evaluations),
        *_thresholds(registers, evaluations),
        *_profiles(registers, evaluations),
        *_tiers(registers, evaluations),
        *_risks(registers, evaluations),
    ]


def _matrix(registers: Registers, evaluations: Mapping[str, Measures]) -> Iterator[str]:
    for row in registers.matrix:
        if row.evaluation in ("", DATA_CHECKS):
            continue
        place = f"{MATRIX} line {row.line}"
        for problem in _broken(row.evaluation, row.metric, row.risk_id, evaluations):
            yield f"{place}, {problem}"


def _thresholds(registers: Registers, evaluations: Mapping[str, Measures]) -> Iterator[str]:
    for threshold in registers.thresholds:
        place = f"{THRESHOLDS}, {threshold.id}"
        evaluation, metric = threshold.evaluation, threshold.metric
        for problem in _broken(evaluation, metric, threshold.risk, evaluations):
            yield f"{place}, {problem}"
        if evaluation not in evaluations:
            continue
        entry = evaluations[evaluation]
        if threshold.subject != entry.subject:
            yield (
                f"{place}, column subject: it judges subject {threshold.subject}, "
                f"but {evaluation} evaluates subject {entry.subject}"
            )
        if metric in entry.metrics:
            for problem in _toothless(threshold, entry.metrics[metric]):
                yield f"{place}, column {threshold.kind}: {problem}"
            for problem in _no_comparison(threshold, entry.metrics[metric]):
                yield f"{place}, column worse_than_champion_by: {problem}"
        for problem in _no_effort(threshold, entry.defaults):
            yield f"{place}, column effort: {problem}"


def _broken(
    evaluation: str, metric: str, risk: str, evaluations: Mapping[str, Measures]
) -> Iterator[str]:
    if evaluation not in evaluations:
        known = ", ".join(sorted(evaluations)) or "none"
        yield f"column evaluation: there is no evaluation {evaluation!r}; known: {known}"
        return
    entry = evaluations[evaluation]
    if metric not in entry.metrics:
        yield (
            f"column metric: {evaluation} does not measure {metric!r}; "
            f"it measures: {', '.join(entry.metrics)}"
        )
    if risk not in entry.risks:
        yield (
            f"column risk: {evaluation} is no evidence for {risk}; "
            f"it is evidence for: {', '.join(entry.risks)}"
        )


def _toothless(threshold: Threshold, metric: Metric) -> Iterator[str]:
    low, high = metric.range
    if threshold.bound is None:
        return
    bound, at_least = threshold.bound, threshold.kind == "at_least"
    if not low <= bound <= high:
        yield f"{metric.name} is {low} to {high}, a bound of {bound} judges nothing"
    elif bound == (low if at_least else high):
        yield f"{metric.name} is {low} to {high}, every value meets a bound of {bound}"
    if metric.better == ("lower" if at_least else "higher"):
        yield f"{metric.better} is better for {metric.name}: the bound is on the harmless side"


def _no_comparison(threshold: Threshold, metric: Metric) -> Iterator[str]:
    loss = threshold.worse_than_champion_by
    low, high = metric.range
    if loss is None:
        return
    if metric.better == "neither":
        yield f"neither side of {metric.name} is better, so none can be worse than the champion"
    if loss >= high - low:
        yield f"{metric.name} is {low} to {high}, every value meets a loss of {loss}"


def _no_effort(threshold: Threshold, defaults: Mapping[str, Any]) -> Iterator[str]:
    """Efforts that no run could ever be held against: there is no such number."""
    for key in threshold.effort:
        name, _, counted = key.partition(".")
        if name not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            yield f"{threshold.evaluation} has no parameter {name!r}; it has: {known}"
        elif counted and not isinstance(defaults[name], list | tuple):
            yield f"{name} of {threshold.evaluation} is no list that could be counted"
        elif not counted and not is_number(defaults[name]):
            yield f"{name} of {threshold.evaluation} is no number; of a list write {name}.count"


def _tiers(registers: Registers, evaluations: Mapping[str, Measures]) -> Iterator[str]:
    known = ", ".join(sorted(evaluations)) or "none"
    for tier in registers.models.tiers.values():
        for name in tier.evaluations:
            if name not in evaluations:
                yield f"{MODELS}, {tier.name}: unknown evaluation {name!r}; known: {known}"


def _profiles(registers: Registers, evaluations: Mapping[str, Measures]) -> Iterator[str]:
    for profile in registers.profiles.values():
        for name in profile.evaluations:
            if name not in evaluations:
                known = ", ".join(sorted(evaluations)) or "none"
                yield f"{PROFILES}, {profile.name}: unknown evaluation {name!r}; known: {known}"


def _risks(registers: Registers, evaluations: Mapping[str, Measures]) -> Iterator[str]:
    for name, entry in evaluations.items():
        for risk in entry.risks:
            if risk not in registers.risks:
                yield f"{RISKS}: evaluation {name} names the risk {risk}, which is not here"
