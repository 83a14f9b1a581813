"""The form of a threat model's file: its keys, in order, by record."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from seclab.threat_models.records import (
    AbuseCase,
    Actor,
    Asset,
    Assumption,
    Boundary,
    Control,
    Dismissal,
    Element,
    EntryPoint,
    Exclusion,
    Flow,
    Stage,
    Threat,
)

_RENAMED: Mapping[tuple[type, str], str] = MappingProxyType(
    {
        (Asset, "asset_class"): "class",
        (Flow, "source"): "from",
        (Flow, "target"): "to",
        (Stage, "number"): "stage",
    }
)

SECTIONS: Mapping[str, type] = MappingProxyType(
    {
        "assets": Asset,
        "actors": Actor,
        "boundaries": Boundary,
        "elements": Element,
        "flows": Flow,
        "entry_points": EntryPoint,
        "assumptions": Assumption,
        "threats": Threat,
        "dismissed": Dismissal,
        "abuse_cases": AbuseCase,
        "controls": Control,
        "pasta": Stage,
        "out_of_scope": Exclusion,
    }
)
"""What the entries of each list of a model are, by the list's key."""

IDS: Mapping[type, str] = MappingProxyType(
    {
        Asset: "A",
        Actor: "ACT",
        Boundary: "B",
        Element: "E",
        Flow: "F",
        EntryPoint: "EP",
        Assumption: "AS",
        Threat: "T",
        AbuseCase: "AB",
        Control: "C",
    }
)
"""What the ids of each kind of entry begin with; a number from 1 on follows."""


def keys(record: type[Any]) -> Mapping[str, str]:
    """Key in the file by attribute, in the order of the file."""
    return {field.name: _RENAMED.get((record, field.name), field.name) for field in fields(record)}
