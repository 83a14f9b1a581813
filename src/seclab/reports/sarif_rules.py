"""The criteria of the gate as SARIF rules: why, which bound, how measured, against which risks."""

from collections.abc import Sequence
from typing import Any

from seclab.registers import Risk, Threshold
from seclab.reports.frameworks import Taxonomies, ids_of
from seclab.reports.judged import clean

_WORST_SCORE = 25


def rule(
    name: str, threshold: Threshold | None, risks: Sequence[Risk], *, taxonomies: Taxonomies
) -> dict[str, Any]:
    """The ``reportingDescriptor`` of a criterion.

    Args:
        name: Its ID.
        threshold: Its entry in the register; ``None`` where it has none, as data checks.
        risks: What it guards against.
        taxonomies: The frameworks of the run.
    """
    title, why, measured = _described(name, threshold)
    guards = "; ".join(f"{risk.id} {risk.title}" for risk in risks)
    bound = f"Bound: {_bound(threshold)}" if threshold else "Bound: it must hold"
    parts = [why, bound, f"How measured: {measured}", f"Guards against: {guards}" if guards else ""]
    tags = ["security", *(risk.id for risk in risks)]
    tags += [entry for risk in risks for _, entry in ids_of(risk)]
    properties: dict[str, Any] = {"tags": list(dict.fromkeys(tags))}
    if risks:
        score = max(risk.likelihood * risk.impact for risk in risks) / _WORST_SCORE * 10
        # GitHub's own key; a text that reads as a number from 0 to 10.
        properties["security-severity"] = f"{score:.1f}"
    found: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": message(title)},
        "fullDescription": {"text": message(why)},
        "help": {"text": "\n\n".join(message(part) for part in parts if part)},
        "defaultConfiguration": {"level": "error"},
        "properties": properties,
    }
    if relationships := taxonomies.relationships(risks):
        found["relationships"] = relationships
    return found


def _bound(threshold: Threshold) -> str:
    """Everything that is asked of a measurement, beside being there."""
    asked = [threshold.label]
    if threshold.least_n:
        asked.append(f"n of at least {threshold.least_n}")
    asked += [f"{name} of at least {least:g}" for name, least in sorted(threshold.effort.items())]
    if threshold.oldest_days is not None:
        asked.append(f"measured not more than {threshold.oldest_days} days ago")
    return "; ".join(asked)


def _described(name: str, threshold: Threshold | None) -> tuple[str, str, str]:
    """Title, reason and way of measuring of a criterion."""
    if threshold:
        measured = f"{threshold.metric} of the evaluation {threshold.evaluation}"
        return threshold.label, threshold.why, measured
    kind, _, check = name.partition(":")
    if kind == "check" and check:
        why = "Numbers measured on data that fail a critical check prove nothing."
        return f"Data check {check}", why, f"the expectation {check} on the data of the run"
    if kind == "required" and check:
        why = "The tier of the subject requires this evaluation: what was not tried is unknown."
        return f"The evaluation {check} is required", why, f"whether {check} was measured"
    if name.startswith("E-"):
        why = "A decision is worth what the evidence under it is worth."
        return f"Condition {name} on the evidence", why, "on the evidence bundle of the run"
    why = "Nothing passes without data checks and at least one criterion."
    return f"Condition of the gate: {name}", why, "by the gate itself"


def message(text: str) -> str:
    """Text as a SARIF message, in which braces are placeholders and ``[a](b)`` is a link."""
    return clean(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")
