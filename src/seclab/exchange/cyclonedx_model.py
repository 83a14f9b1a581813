"""The model card of CycloneDX: how the model was made, every number of it, and its limits."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from seclab.evidence import Bundle, outcomes_of, subject_of
from seclab.exchange.cyclonedx_risks import RiskCase
from seclab.exchange.values import JsonObject, properties, text
from seclab.measurement import Measurement
from seclab.outcome import Evaluated, Outcome


def model_card(
    bundle: Bundle, data: Mapping[str, JsonObject], *, cases: Collection[RiskCase]
) -> JsonObject:
    """The ``modelCard`` of the model that a bundle is about.

    Args:
        bundle: The evidence.
        data: The component of each data set, by the digest of its rows in their order.
        cases: The risks, with what the evidence says.
    """
    description = bundle.predicate["description"]
    return {
        "modelParameters": _parameters(description, data),
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(bundle, data))},
        "considerations": {
            "technicalLimitations": list(_limitations(outcomes_of(bundle), cases)),
            "ethicalConsiderations": [
                {
                    "name": text(f"{case.id} {case.risk.title}"),
                    "mitigationStrategy": text(case.risk.control),
                }
                for case in cases
                if case.risk
            ],
        },
        "properties": properties(_made(description) | _intervals(bundle)),
    }


def _parameters(description: Mapping[str, Any], data: Mapping[str, JsonObject]) -> JsonObject:
    """How the model was made, as far as the bundle says so."""
    family = (description.get("spec") or {}).get("family")
    trained_on = data.get(str(description.get("trained_on")))
    # Whatever has a family is one of ours, and these are classifiers.
    kind = {"approach": {"type": "supervised"}, "task": "classification"} if family else {}
    return {
        **kind,
        **({"architectureFamily": text(family)} if family else {}),
        **({"datasets": [{"ref": trained_on["bom-ref"]}]} if trained_on else {}),
    }


def _made(description: Mapping[str, Any]) -> dict[str, object]:
    """What decides, with the data, what the model became."""
    spec = description.get("spec") or {}
    return (
        {"training-seed": description.get("seed")}
        | {f"parameter:{name}": value for name, value in (spec.get("parameters") or {}).items()}
        | {
            f"adversarial-training:{name}": value
            for name, value in (spec.get("adversarial_training") or {}).items()
        }
    )


def _intervals(bundle: Bundle) -> dict[str, object]:
    """What the intervals are: the format has two ends for each and nothing else."""
    intervals = [
        found.interval
        for outcome in outcomes_of(bundle)
        for found in (outcome.measurements if isinstance(outcome, Evaluated) else ())
        if found.interval
    ]
    return {
        "interval-levels": " ".join(sorted({f"{each.level:g}" for each in intervals})),
        "interval-methods": " ".join(sorted({each.method for each in intervals})),
    }


def _metrics(bundle: Bundle, data: Mapping[str, JsonObject]) -> Iterator[JsonObject]:
    """Every number about the model itself. The format has texts for them and nothing else."""
    subject = subject_of(bundle)
    for outcome in outcomes_of(bundle):
        for found in outcome.measurements if isinstance(outcome, Evaluated) else ():
            if found.subject_digest == subject.digest:
                rows = data.get(found.dataset_digest, {}).get("name", found.dataset_digest)
                yield _metric(found, rows)


def _metric(found: Measurement, rows: str) -> JsonObject:
    settings = [f"{name}={found.parameters[name]}" for name in sorted(found.parameters)]
    interval = found.interval
    ends = interval and {"lowerBound": repr(interval.low), "upperBound": repr(interval.high)}
    return {
        "type": text(f"{found.evaluation}.{found.metric}"),
        "value": repr(found.value),
        "slice": text(", ".join([*settings, f"n={found.n}", f"data={rows}"])),
        **({"confidenceInterval": ends} if ends else {}),
    }


def _limitations(outcomes: Collection[Outcome], cases: Collection[RiskCase]) -> Iterator[str]:
    """What a reader has to know before relying on the numbers."""
    for outcome in outcomes:
        if isinstance(outcome, Evaluated):
            for note in outcome.notes:
                yield text(f"{outcome.evaluation}: {note}")
        else:
            yield text(f"{outcome.evaluation} was {outcome.missing}: {outcome.reason}")
    for case in cases:
        if case.risk:
            yield text(f"{case.id}, {case.evidence}: {case.risk.residual_risk}")
