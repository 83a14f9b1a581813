"""Findings as SARIF 2.1.0, for pull requests."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from seclab import threat_models
from seclab.findings import Finding
from seclab.register_checks.csv_cells import Region, cell_text, regions
from seclab.register_checks.rules import RULES
from seclab.registers.loading import MATRIX, RISKS
from seclab.reports.judged import clean
from seclab.reports.sarif import SCHEMA
from seclab.reports.sarif_rules import message

_RULES = {**threat_models.RULES, **RULES}
_KEYS = {RISKS: ("id",), MATRIX: ("risk_id", "attack", "metric")}


def render_findings(
    findings: Sequence[Finding],
    *,
    contents: Mapping[str, bytes],
    version: str,
    folder: str = "registers",
) -> dict[str, Any]:
    """A SARIF log of one run with a result for every finding.

    Fingerprints are made of the rule, the row's own id and the message, not of the line: a finding
    stays the same when rows are added above it.

    Args:
        findings: What the check found.
        contents: Bytes of the tables that were checked, by name.
        version: Version of this package.
        folder: Path of the registers, relative to the root of the repository.

    References:
        OASIS, Static Analysis Results Interchange Format (SARIF) 2.1.0, errata 01.
    """
    order = list(_RULES)
    places = {name: regions(data) for name, data in contents.items()}
    seen: Counter[str] = Counter()
    results = []
    for each in findings:
        cells = places.get(each.file, {})
        key = _key(each, cells)
        seen[key] += 1
        results.append(
            _result(each, cells.get((each.line, each.column)), uri=quote(f"{folder}/{each.file}"))
            | {"ruleIndex": order.index(each.rule)}
            | {"partialFingerprints": {"ruleAndRow/v1": _digest(f"{key}\0{seen[key]}")}}
        )
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "seclab",
                        "version": version,
                        "rules": [_rule(name) for name in order],
                    }
                },
                "automationDetails": {"id": "seclab-register/"},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    rule = _RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": message(name.replace("-", " "))},
        "fullDescription": {"text": message(rule.when)},
        "help": {"text": message(f"{rule.when}\n\nProposed: {rule.proposes}")},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"tags": ["security"]},
    }


def _result(finding: Finding, region: Region | None, *, uri: str) -> dict[str, Any]:
    place = _region(region) if region else {"startLine": finding.line}
    column = f"{finding.column}: " if finding.column else ""
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": finding.level,
        "message": {"text": message(f"{column}{finding.message}. {finding.suggestion}")},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": place}}],
    }
    if finding.edit and region:
        kind = "safe" if finding.edit.safe else "to be judged by a person"
        found["fixes"] = [
            {
                "description": {"text": message(f"{finding.suggestion} ({kind})")},
                "artifactChanges": [
                    {
                        "artifactLocation": {"uri": uri},
                        "replacements": [
                            {
                                "deletedRegion": _region(region),
                                "insertedContent": {
                                    "text": cell_text(finding.edit.value, quoted=region.quoted)
                                },
                            }
                        ],
                    }
                ],
            }
        ]
    return found


def _region(region: Region) -> dict[str, int]:
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def _key(finding: Finding, cells: Mapping[tuple[int, str], Region]) -> str:
    """What tells a finding from others wherever it stands."""
    row = [
        cells[finding.line, column].text
        for column in _KEYS.get(finding.file, ())
        if (finding.line, column) in cells
    ]
    parts = (finding.file, finding.rule, finding.column, *row, clean(finding.message))
    return "".join(f"{len(part)}:{part}" for part in parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
