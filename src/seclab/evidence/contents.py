"""What stands in a bundle, as values again, and the decision they give."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from seclab.evidence.bundle import Bundle
from seclab.gate import Comparison, Decision, decide
from seclab.measurement import CheckReport, Measurement, Subject
from seclab.outcome import Evaluated, Missing, Origin, Outcome, Unevaluated
from seclab.registers import Threshold, Waiver


def decision_of(bundle: Bundle) -> Decision:
    """The decision inside a bundle.

    Raises:
        ValidationError: It is missing or malformed.
    """
    decision: Decision = _adapter(Decision).validate_python(bundle.predicate["decision"])
    return decision


def outcomes_of(bundle: Bundle) -> tuple[Outcome, ...]:
    """The outcomes inside a bundle, without their tables and figures."""
    return tuple(_outcome(document) for document in bundle.predicate["evaluations"])


def reports_of(bundle: Bundle) -> tuple[CheckReport, ...]:
    """The check reports inside a bundle."""
    adapter: TypeAdapter[tuple[CheckReport, ...]] = _adapter(tuple[CheckReport, ...])
    return adapter.validate_python(bundle.predicate["checks"])


def subject_of(bundle: Bundle) -> Subject:
    """What a bundle is about.

    Raises:
        ValidationError: It is malformed.
    """
    subject: Subject = _adapter(Subject).validate_python(bundle.predicate["subject"])
    return subject


def champion_of(bundle: Bundle) -> Comparison | None:
    """The champion that the subject of a bundle was compared with, if there was one.

    Raises:
        ValidationError: It is malformed.
    """
    # The first version of the predicate knew no champions.
    champion: Comparison | None = _adapter(Comparison | None).validate_python(
        bundle.predicate.get("champion")
    )
    return champion


def decide_again(bundle: Bundle, thresholds: tuple[Threshold, ...] | None = None) -> Decision:
    """Judge the measurements inside a bundle anew, as of the time it was sealed.

    Args:
        bundle: The evidence.
        thresholds: Other criteria than those it was sealed with.
    """
    predicate = bundle.predicate
    if thresholds is None:
        thresholds = _adapter(tuple[Threshold, ...]).validate_python(predicate["thresholds"])
    # The first version of the predicate knew no tiers and waivers.
    return decide(
        subject_of(bundle),
        outcomes_of(bundle),
        reports_of(bundle),
        thresholds,
        required=predicate.get("required", ()),
        waivers=_adapter(tuple[Waiver, ...]).validate_python(predicate.get("waivers", ())),
        champion=champion_of(bundle),
        at=datetime.fromisoformat(predicate["finished"]),
    )


def _outcome(document: Mapping[str, Any]) -> Outcome:
    # The first version of the predicate knew neither keys nor reused results.
    key, measured_at = document.get("key", ""), _moment(document.get("measured_at"))
    if document["status"] != "measured":
        return Unevaluated(
            evaluation=document["evaluation"],
            risks=tuple(document["risks"]),
            seed=document["seed"],
            parameters=document["parameters"],
            missing=Missing(document["missing"]),
            reason=document["reason"],
            key=key,
            measured_at=measured_at,
        )
    return Evaluated(
        evaluation=document["evaluation"],
        risks=tuple(document["risks"]),
        seed=document["seed"],
        parameters=document["parameters"],
        queries=document["queries"],
        measurements=_adapter(tuple[Measurement, ...]).validate_python(document["measurements"]),
        tables=(),
        figures=(),
        notes=tuple(document["notes"]),
        key=key,
        measured_at=measured_at,
        reused_from=_adapter(Origin | None).validate_python(document.get("reused_from")),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    """Made once a type: making one costs more than what it reads."""
    return TypeAdapter(type_)
