"""Judging what was measured: checks, required evaluations, thresholds and their waivers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from seclab.gate.decision import (
    Comparison,
    CriterionResult,
    Decision,
    Verdict,
    conclude,
    missing,
)
from seclab.gate.thresholds import Judged, judge
from seclab.measurement import CheckReport, CheckResult, CheckStatus, Subject
from seclab.outcome import Evaluated, Outcome, Unevaluated
from seclab.registers import Threshold, Waiver


def decide(
    subject: Subject,
    outcomes: Iterable[Outcome],
    reports: Iterable[CheckReport],
    thresholds: Iterable[Threshold],
    *,
    required: Iterable[str] = (),
    waivers: Iterable[Waiver] = (),
    champion: Comparison | None = None,
    at: datetime | None = None,
) -> Decision:
    """Judge a subject.

    Args:
        subject: What is judged. Measurements of anything else do not count.
        outcomes: What the evaluations returned.
        reports: What the data checks returned. A model without any is not evaluated: numbers
            on unchecked data prove nothing.
        thresholds: All criteria; those meant for another kind of subject are left out.
        required: Evaluations that must have run, as :meth:`Registers.required_of` gives them.
        waivers: All waivers; those for another subject, criterion or time change nothing.
        champion: What thresholds on the change compare with; ``None`` for the first ever.
        at: When it is judged, with time zone; waivers need it.

    Returns:
        The decision. Missing, errored and skipped never read as a pass, and neither does having
        no criterion at all.

    Raises:
        ValueError: There are waivers, but no time to hold their last day against.
    """
    outcomes, reports, waivers = tuple(outcomes), tuple(reports), tuple(waivers)
    if waivers and at is None:
        raise ValueError("waivers end on a day: decide needs the time at which it judges")
    results = [
        _with_waiver(judge(threshold, subject, outcomes, champion=champion), subject, waivers, at)
        for threshold in thresholds
        if threshold.subject == subject.kind
    ]
    results += [_check(result) for report in reports for result in report.results if result.decides]
    if not reports and subject.kind != "agent":
        results.append(missing("checks", (), "data checks", "the data was not checked"))
    if not results:
        results.append(missing("criteria", (), "criteria", "no criterion applies to it"))
    results += [_required(name, subject, outcomes) for name in dict.fromkeys(required)]
    return conclude(subject, results, warnings=_warnings(reports))


def _with_waiver(
    judged: Judged, subject: Subject, waivers: Sequence[Waiver], at: datetime | None
) -> CriterionResult:
    """The result, or the same block waived."""
    result = judged.result
    own = [
        waiver
        for waiver in sorted(waivers, key=lambda waiver: waiver.id)
        if (waiver.criterion, waiver.model) == (result.criterion, subject.name)
        and waiver.risk in result.risks
    ]
    if at is None or not own or result.verdict is Verdict.PASS:
        return result
    today = at.astimezone(UTC).date()
    words = [f"{w.id} expired on {w.until}" for w in own if w.until < today]
    valid = next((waiver for waiver in own if waiver.until >= today), None)
    if valid and judged.waivable:
        words.append(
            f"{valid.id} waives it until {valid.until}: {valid.reason} "
            f"({valid.owner} answers for it, {valid.approver} approved)"
        )
        result = replace(result, waiver=valid.id)
    elif valid:
        words.append(f"{valid.id} cannot waive what was not evaluated")
    return replace(result, reason="; ".join([result.reason, *words]))


def _required(name: str, subject: Subject, outcomes: Sequence[Outcome]) -> CriterionResult:
    criterion = f"required:{name}"
    found = [outcome for outcome in outcomes if outcome.evaluation == name]
    measured = {
        measurement.subject_digest
        for outcome in found
        if isinstance(outcome, Evaluated)
        for measurement in outcome.measurements
    }
    if subject.digest in measured:
        reason = f"{name} was run, as its tier requires"
        return CriterionResult(criterion, (), Verdict.PASS, reason, name)
    state = "measured nothing of it" if found else "was not run"
    for outcome in found:
        if isinstance(outcome, Unevaluated):
            state = f"was {outcome.missing}: {outcome.reason}"
    return missing(criterion, (), name, f"its tier requires {name}, which {state}")


def _check(result: CheckResult) -> CriterionResult:
    verdict = {
        CheckStatus.PASSED: Verdict.PASS,
        CheckStatus.FAILED: Verdict.BLOCK,
        CheckStatus.ERRORED: Verdict.NOT_EVALUATED,
    }[result.status]
    return CriterionResult(
        criterion=f"check:{result.expectation}",
        risks=result.risks,
        verdict=verdict,
        reason=result.explanation,
        measured=result.observed,
    )


def _warnings(reports: Sequence[CheckReport]) -> Iterable[str]:
    for report in reports:
        for result in report.results:
            if result.status is CheckStatus.FAILED and not result.decides:
                where = f"{report.suite}/{result.expectation}"
                word = "released" if result.released else result.severity
                yield f"{word}: {where}: {result.explanation}"


def clean_accuracy(outcomes: Iterable[Outcome]) -> float:
    """The accuracy by which passing models are ranked; below any accuracy when not measured."""
    return max(
        (
            measurement.value
            for outcome in outcomes
            if isinstance(outcome, Evaluated)
            for measurement in outcome.measurements
            if measurement.metric == "clean_accuracy" and not measurement.parameters
        ),
        default=-1.0,
    )
