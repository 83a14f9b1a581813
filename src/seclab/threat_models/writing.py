"""Writing a threat model as a file that people read and change."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from seclab.threat_models.form import SECTIONS, keys
from seclab.threat_models.records import ThreatModel
from seclab.yaml_files import text_of


def write_threat_model(model: ThreatModel) -> str:
    """A threat model as YAML, which :func:`read_threat_model` reads as the same model."""
    return text_of(
        {field.name: _value(getattr(model, field.name), field.name) for field in fields(model)}
    )


def _value(value: Any, key: str) -> Any:
    if key in SECTIONS:
        return [_entry(record) for record in value]
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _entry(record: Any) -> Mapping[str, Any]:
    return {key: _value(getattr(record, name), "") for name, key in keys(type(record)).items()}
