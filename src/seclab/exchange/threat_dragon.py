"""Threat models as files of OWASP Threat Dragon v2, and back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from seclab.diagrams.geometry import Box
from seclab.diagrams.layout import Arrow, Layout, lay_out
from seclab.errors import Misconfigured
from seclab.exchange.identity import uuid_of
from seclab.exchange.merging import merge
from seclab.exchange.native import TYPES, read_native
from seclab.exchange.placeholders import empty_model, in_form
from seclab.registers import Risk
from seclab.threat_models import read_threat_model, write_threat_model
from seclab.threat_models.records import Boundary, Element, Flow, Threat, ThreatModel
from seclab.yaml_files import decode
from seclab.yaml_files import parse as parse_yaml

NEWEST = "2.6.2"
"""The version of Threat Dragon whose files were looked at."""
_BLOCK = "seclab"
_FILE = "Threat Dragon file"
_LONGEST_VERSION = 10
_PLAIN = "#333333"
_OPEN = "red"


def to_threat_dragon(
    model: ThreatModel, *, version: str, risks: Mapping[str, Risk] | None = None
) -> dict[str, Any]:
    """A threat model as a document of Threat Dragon v2.

    Elements, flows, boundaries and threats are written as Threat Dragon knows them, where the
    diagram has them. All of the model stands in a part of our own besides, ``detail.seclab``.

    Args:
        model: The threat model.
        version: Version of Threat Dragon that the file is for, ``2.6.2``.
        risks: The register, for the framework ids at the end of each threat's description.

    Returns:
        JSON values.

    Raises:
        Misconfigured: No such version has this format, or the model cannot be drawn.

    References:
        OWASP Threat Dragon, td.vue/src/assets/schema/threat-dragon-v2.schema.json.
    """
    if len(version) > _LONGEST_VERSION or not version.startswith("2."):
        raise Misconfigured(f"{version!r} is no version of Threat Dragon 2; give one like {NEWEST}")
    diagram = {
        "id": 0,
        "title": model.name,
        "diagramType": "STRIDE",
        "thumbnail": "./public/content/images/thumbnail.stride.jpg",
        "version": version,
        "cells": list(_cells(model, lay_out(model), risks or {})),
    }
    return {
        "version": version,
        "summary": {
            "title": model.name,
            "owner": model.owner,
            "description": model.description,
        },
        "detail": {
            "contributors": [],
            "diagrams": [diagram],
            "diagramTop": 1,
            "reviewer": "",
            "threatTop": len(model.threats),
            _BLOCK: _plain(parse_yaml(write_threat_model(model).encode(), file=model.id)),
        },
    }


def from_threat_dragon(document: Any) -> ThreatModel:
    """The threat model in a document of Threat Dragon v2.

    What Threat Dragon knows is taken from its own fields: whatever was changed, added or deleted
    there counts. The rest comes from our own part; where a file has none, from placeholders that
    the check of the model reports.

    Args:
        document: JSON values.

    Raises:
        Misconfigured: It is no such document, with all reasons.
    """
    native = read_native(document, block=_BLOCK)
    if native.block is None:
        foreign = merge(empty_model(native.title, native.description), native)
        risks = dict.fromkeys(threat.risk for threat in foreign.threats)
        return in_form(replace(foreign, risks=tuple(risks)), file=_FILE)
    block = json.dumps(native.block, ensure_ascii=False).encode(errors="replace")
    # JSON is YAML, so that our own part is read as strictly as a file of the register.
    base = read_threat_model(block, file=f"{_FILE}, detail.{_BLOCK}")
    return in_form(merge(base, native), file=_FILE)


def parse(data: bytes, *, file: str) -> Any:
    """The JSON values of a file.

    Raises:
        Misconfigured: It is no JSON in UTF-8.
    """
    try:
        return json.loads(decode(data, file=file))
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{file}: not valid JSON: {error}") from error


def _cells(
    model: ThreatModel, layout: Layout, risks: Mapping[str, Risk]
) -> Iterator[dict[str, Any]]:
    """Boundaries first: what comes later is drawn on top."""
    for boundary in model.boundaries:
        yield _boundary(model, boundary, layout.boundaries[boundary.id])
    threats = {
        target: [
            (number, threat)
            for number, threat in enumerate(model.threats, start=1)
            if threat.target == target
        ]
        for target in model.kinds()
    }
    written = {
        target: [_threat(model, number, threat, risks=risks) for number, threat in each]
        for target, each in threats.items()
    }
    for element in model.elements:
        yield _element(model, element, box=layout.nodes[element.id], threats=written[element.id])
    for flow in model.flows:
        yield _flow(model, flow, arrow=layout.arrows[flow.id], threats=written[flow.id])


def _boundary(model: ThreatModel, boundary: Boundary, box: Box) -> dict[str, Any]:
    return {
        "id": uuid_of(model.id, boundary.id),
        "shape": "trust-boundary-box",
        "zIndex": -1,
        **_where(box),
        "attrs": {
            "label": {"text": boundary.name},
            "body": _stroke(_PLAIN, width=1.5, dashes="10 5"),
        },
        "data": {
            "type": "tm.BoundaryBox",
            "name": boundary.name,
            "description": boundary.description,
            "isTrustBoundary": True,
            "hasOpenThreats": False,
        },
    }


def _element(
    model: ThreatModel, element: Element, *, box: Box, threats: list[dict[str, Any]]
) -> dict[str, Any]:
    opened = _has_open(threats)
    stroke = _stroke(_OPEN if opened else _PLAIN, width=3 if opened else 1, dashes=None)
    lines = {"topLine": stroke, "bottomLine": stroke} if element.kind == "store" else {}
    return {
        "id": uuid_of(model.id, element.id),
        "shape": element.kind,
        "zIndex": 1,
        **_where(box),
        "attrs": {"text": {"text": element.name}, "body": stroke, **lines},
        "data": {
            "type": f"tm.{element.kind.capitalize()}",
            **_told(element.name, element.description, threats),
        },
    }


def _flow(
    model: ThreatModel, flow: Flow, *, arrow: Arrow, threats: list[dict[str, Any]]
) -> dict[str, Any]:
    opened = _has_open(threats)
    stroke = _stroke(_OPEN if opened else _PLAIN, width=3 if opened else 1, dashes=None)
    return {
        "id": uuid_of(model.id, flow.id),
        "shape": "flow",
        "zIndex": 10,
        "connector": "smooth",
        "source": {"cell": uuid_of(model.id, flow.source)},
        "target": {"cell": uuid_of(model.id, flow.target)},
        "vertices": [{"x": x, "y": y} for x, y in arrow.points[1:-1]],
        "labels": [{"position": 0.5, "attrs": {"label": {"text": flow.name}}}],
        "attrs": {
            "line": {**stroke, "targetMarker": {"name": "block"}, "sourceMarker": {"name": ""}}
        },
        "data": {
            "type": "tm.Flow",
            **_told(flow.name, flow.description, threats),
            "protocol": flow.protocol,
            "isEncrypted": flow.encrypted,
            "isBidirectional": False,
        },
    }


def _told(name: str, description: str, threats: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "isTrustBoundary": False,
        "outOfScope": False,
        "reasonOutOfScope": "",
        "hasOpenThreats": _has_open(threats),
        "threats": threats,
    }


def _threat(
    model: ThreatModel, number: int, threat: Threat, *, risks: Mapping[str, Risk]
) -> dict[str, Any]:
    description = f"{threat.description}\n\nRisk: {threat.risk}"
    if threat.risk in risks:
        risk = risks[threat.risk]
        ids = [*([risk.nist_id] if risk.nist_id else []), *risk.atlas_ids, *risk.owasp_ids]
        description += f"\nFrameworks: {'; '.join(ids)}"
    return {
        "id": uuid_of(model.id, threat.id),
        "number": number,
        "title": threat.title,
        "type": TYPES[threat.stride],
        "modelType": "STRIDE",
        "status": threat.status.capitalize(),
        "severity": threat.severity.capitalize(),
        "description": description,
        "mitigation": threat.mitigation,
        "score": "",
    }


def _has_open(threats: list[dict[str, Any]]) -> bool:
    return any(threat["status"] == "Open" for threat in threats)


def _where(box: Box) -> dict[str, Any]:
    return {
        "position": {"x": box.x, "y": box.y},
        "size": {"width": box.width, "height": box.height},
    }


def _stroke(colour: str, *, width: float, dashes: str | None) -> dict[str, Any]:
    return {"stroke": colour, "strokeWidth": width, "strokeDasharray": dashes}


def _plain(value: Any) -> Any:
    """The same values without the lines that our YAML reader adds."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
