"""The gate's decisions as SARIF 2.1.0, for whatever shows the findings of analysis tools."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from seclab.gate import CriterionResult, Verdict
from seclab.registers import Registers, Risk, Threshold
from seclab.reports.frameworks import Taxonomies
from seclab.reports.judged import EXIT_CODES, Judged, clean, justification
from seclab.reports.sarif_rules import message, rule
from seclab.yaml_files import YamlMapping, parse

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_KINDS = {Verdict.PASS: "pass", Verdict.BLOCK: "fail", Verdict.NOT_EVALUATED: "open"}


def criterion_lines(data: bytes) -> dict[str, int]:
    """The line in which each criterion begins.

    Args:
        data: The bytes of ``thresholds.yaml``.

    Raises:
        Misconfigured: It is no YAML.
    """
    entries = parse(data, file="thresholds.yaml")
    return {
        str(entry.get("id")): entry.line
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, YamlMapping)
    }


def render_sarif(
    judged: Sequence[Judged],
    *,
    registers: Registers,
    lines: Mapping[str, int],
    version: str,
    thresholds_file: str = "registers/thresholds.yaml",
) -> dict[str, Any]:
    """A SARIF log with one run for every subject.

    Every criterion is a rule, related to the framework ids of its risks, and every criterion of
    a decision is a result: ``fail`` when it blocks, ``open`` when nothing was measured, ``pass``.
    A waived one is a suppressed ``fail``. Fingerprints are made of subject and criterion alone,
    so that a finding stays the same finding from run to run.

    Args:
        judged: What was decided, at least one.
        registers: Thresholds, risks and waivers.
        lines: Line of each criterion in the thresholds, of :func:`criterion_lines`.
        version: Version of this package.
        thresholds_file: Path of the thresholds, relative to the root of the repository.

    References:
        OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0, errata 01.
    """
    places = {name: _place(thresholds_file, line) for name, line in lines.items()}
    elsewhere = _place(thresholds_file, None)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            _run(one, registers=registers, places=places, elsewhere=elsewhere, version=version)
            for one in judged
        ],
    }


def _run(
    judged: Judged,
    *,
    registers: Registers,
    places: Mapping[str, dict[str, Any]],
    elsewhere: dict[str, Any],
    version: str,
) -> dict[str, Any]:
    subject = judged.decision.subject
    thresholds = {threshold.id: threshold for threshold in registers.thresholds}
    criteria = [
        replace(each, criterion=clean(each.criterion), risks=tuple(map(clean, each.risks)))
        for each in judged.decision.criteria
    ]
    guarded = _risks_by_criterion(criteria, registers)
    taxonomies = Taxonomies(risk for risks in guarded.values() for risk in risks)
    order = list(guarded)
    rules = [
        rule(name, thresholds.get(name), guarded[name], taxonomies=taxonomies) for name in order
    ]
    results = [
        {
            "ruleId": each.criterion,
            "ruleIndex": order.index(each.criterion),
            **_result(each, judged, registers=registers),
            "locations": [
                {**places.get(each.criterion, elsewhere), "logicalLocations": [_logical(judged)]}
            ],
            "properties": _numbers(each, judged, threshold=thresholds.get(each.criterion)),
        }
        for each in criteria
    ]
    # Up to the last stroke this is the category by which code scanning tells subjects apart.
    path = "/".join(
        quote(clean(name), safe="") for name in (subject.kind, subject.name, judged.run)
    )
    return {
        "tool": {
            "driver": {
                "name": "seclab",
                "version": version,
                "rules": rules,
                "supportedTaxonomies": taxonomies.references(),
            }
        },
        "taxonomies": taxonomies.components(),
        "automationDetails": {"id": f"seclab-gate/{path}"},
        "invocations": [_invocation(judged, order=order)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": _evidence(judged),
    }


def _evidence(judged: Judged) -> dict[str, Any]:
    """Where the numbers come from, and who vouches for them."""
    return {
        "verdict": judged.decision.headline,
        "bundle": clean(judged.bundle),
        "run": clean(judged.run),
        "subject": clean(judged.decision.subject.digest),
        "signature": clean(judged.signature),
        "warnings": [clean(warning) for warning in judged.decision.warnings],
    }


def _risks_by_criterion(
    results: Sequence[CriterionResult], registers: Registers
) -> dict[str, tuple[Risk, ...]]:
    """The criteria of a decision, those of the register first and in its order."""
    named: dict[str, dict[str, None]] = {}
    for result in results:
        named.setdefault(result.criterion, {}).update(dict.fromkeys(result.risks))
    known = [threshold.id for threshold in registers.thresholds if threshold.id in named]
    return {
        name: tuple(registers.risks[risk] for risk in named[name] if risk in registers.risks)
        for name in (*known, *sorted(named.keys() - set(known)))
    }


def _result(result: CriterionResult, judged: Judged, *, registers: Registers) -> dict[str, Any]:
    subject = judged.decision.subject
    fields: dict[str, Any] = {
        "kind": _KINDS[result.verdict],
        # SARIF 3.27.10: whatever is no failure has the level none.
        "level": "error" if result.verdict is Verdict.BLOCK else "none",
        "message": {"text": message(f"{subject.kind} {subject.name}: {result.reason}")},
        "partialFingerprints": {"subjectAndCriterion/v1": _fingerprint(result, judged)},
    }
    if result.waiver:
        fields["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": message(justification(result, registers)),
            }
        ]
    return fields


def _fingerprint(result: CriterionResult, judged: Judged) -> str:
    subject = judged.decision.subject
    parts = (subject.kind, subject.name, result.criterion)
    identity = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


def _numbers(
    result: CriterionResult, judged: Judged, *, threshold: Threshold | None
) -> dict[str, Any]:
    """The numbers of a result. JSON has none that are not finite: those stand in the message."""
    found: dict[str, Any] = {
        "verdict": str(result.verdict),
        "risks": list(result.risks),
        "measured": clean(result.measured),
        "value": _finite(result.value),
        "judged": _finite(result.judged),
        "bound": _finite(result.bound),
        "waiver": result.waiver or None,
    }
    if threshold:
        found["evaluation"] = threshold.evaluation
    measurement = judged.measurement(result, threshold)
    if measurement:
        found["n"] = measurement.n
        found["unit"] = measurement.unit
        if measurement.interval:
            interval = measurement.interval
            found["interval"] = {
                "low": _finite(interval.low),
                "high": _finite(interval.high),
                "level": _finite(interval.level),
                "method": interval.method,
            }
    return {key: value for key, value in found.items() if value is not None}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _place(file: str, line: int | None) -> dict[str, Any]:
    """Where a criterion is decided. GitHub refuses a log with a result that has no file."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
    if line:
        physical["region"] = {"startLine": line}
    return {"physicalLocation": physical}


def _logical(judged: Judged) -> dict[str, str]:
    subject = judged.decision.subject
    return {
        "name": clean(subject.name),
        "fullyQualifiedName": f"{subject.kind}/{clean(subject.name)}@{clean(subject.digest)}",
        "kind": subject.kind,
    }


def _invocation(judged: Judged, *, order: Sequence[str]) -> dict[str, Any]:
    """The gate ran, whatever it said; what it could not judge is a notification as well."""
    verdict = judged.decision.verdict
    return {
        "executionSuccessful": True,
        "exitCode": EXIT_CODES[verdict],
        "exitCodeDescription": judged.decision.headline,
        "toolExecutionNotifications": [
            {
                "level": "warning",
                "message": {"text": message(f"not evaluated: {result.reason}")},
                "associatedRule": {
                    "id": clean(result.criterion),
                    "index": order.index(clean(result.criterion)),
                },
            }
            for result in judged.decision.of(Verdict.NOT_EVALUATED)
        ],
    }
