"""What the tags of a run say about its verdict, as it follows from the evidence."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from seclab.errors import SeclabError
from seclab.evidence import Bundle, decision_of, outcomes_of, reports_of
from seclab.gate import Decision, Verdict
from seclab.measurement import CheckReport
from seclab.outcome import Evaluated, Outcome
from seclab.shelf.records import MEASURED_TAG, RISK_TAG, RunSummary

_ROUNDING = timedelta(milliseconds=2)  # MLflow counts milliseconds


def risk_tags(
    decision: Decision, outcomes: Sequence[Outcome], reports: Sequence[CheckReport]
) -> dict[str, str]:
    """One tag per risk: the verdict, or ``measured`` where no criterion judges it."""
    tags = {RISK_TAG.format(risk): "measured" for report in reports for risk in report.risks}
    tags |= {
        RISK_TAG.format(risk): "measured" if isinstance(outcome, Evaluated) else "not-evaluated"
        for outcome in outcomes
        for risk in outcome.risks
    }
    words = {Verdict.PASS: "pass", Verdict.BLOCK: "block", Verdict.NOT_EVALUATED: "not-evaluated"}
    judged = {RISK_TAG.format(risk): words[verdict] for risk, verdict in decision.risks().items()}
    return tags | judged


def measured_tags(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Per risk, the oldest moment that a reused result of it was measured at."""
    oldest: dict[str, datetime] = {}
    for outcome in outcomes:
        if outcome.reused_from and outcome.measured_at:
            for risk in outcome.risks:
                oldest[risk] = min(oldest.get(risk, outcome.measured_at), outcome.measured_at)
    return {MEASURED_TAG.format(risk): moment.isoformat() for risk, moment in oldest.items()}


def tags_about_risks(
    predicate: Mapping[str, Any],
    decision: Decision,
    outcomes: Sequence[Outcome],
    reports: Sequence[CheckReport],
) -> dict[str, str]:
    """The tags by which a run stands as evidence about risks.

    One about rows that were poisoned on purpose has none: it says nothing about the data as it is.
    """
    if predicate["subject"]["kind"] == "dataset" and "poison" in predicate["description"]:
        return {}
    return risk_tags(decision, outcomes, reports) | measured_tags(outcomes)


def tag_differences(run: RunSummary, bundle: Bundle) -> list[str]:
    """Where the tags that lists and registers are read from do not say what the bundle says.

    Args:
        run: The run, as its tags have it.
        bundle: Its bundle. One that is not the recorded one, or is malformed, is compared with
            nothing: that is a difference of its own.
    """
    if str(bundle.digest) != run.bundle_digest:
        return []
    try:
        return list(_differences(run, bundle))
    except (SeclabError, AttributeError, LookupError, TypeError, ValueError):
        return []  # the schema names what is malformed


def _differences(run: RunSummary, bundle: Bundle) -> Iterator[str]:
    predicate, decision = bundle.predicate, decision_of(bundle)
    expected = {
        "seclab.verdict": str(decision.verdict),
        "seclab.kind": predicate["subject"]["kind"],
        "seclab.subject": predicate["subject"]["name"],
        "seclab.profile": predicate["profile"],
        **tags_about_risks(predicate, decision, outcomes_of(bundle), reports_of(bundle)),
    }
    found = {
        "seclab.verdict": run.verdict,
        "seclab.kind": run.kind,
        "seclab.subject": run.subject,
        "seclab.profile": run.profile,
        **{RISK_TAG.format(risk): word for risk, word in run.risks.items()},
        **{MEASURED_TAG.format(risk): at.isoformat() for risk, at in run.measured.items()},
    }
    for tag in sorted(expected.keys() | found.keys()):
        if expected.get(tag) != found.get(tag):
            yield (
                f"tag {tag}: expected {expected.get(tag, 'none')} by the bundle, found "
                f"{found.get(tag) or 'none'}"
            )
    started = datetime.fromisoformat(predicate["started"])
    if abs(run.started - started) > _ROUNDING:
        yield f"start of the run: expected {started.isoformat()}, found {run.started.isoformat()}"
    # Names are for people, who may change them; but not the verdict that they read first.
    name = f"{decision.verdict} {predicate['subject']['name']}"
    if not run.name.startswith(name):
        yield f"name of the run: expected it to begin with {name!r}, found {run.name!r}"
