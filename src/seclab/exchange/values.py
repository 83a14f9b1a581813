"""Texts and properties as other tools take them."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from seclab.reports.judged import clean

JsonObject: TypeAlias = dict[str, Any]

PREFIX = "seclab:"


def text(value: object) -> str:
    """Any value as text without anything invisible in it."""
    if isinstance(value, bool):
        return str(value).lower()
    return clean(str(value))


def properties(values: Mapping[str, object]) -> list[dict[str, str]]:
    """Names with values, under the name of this package; what is missing or empty is left out."""
    return [
        {"name": f"{PREFIX}{text(name)}", "value": text(value)}
        for name, value in values.items()
        if value is not None and value not in ("", ())
    ]
