"""The shape of a bundle, checked by its JSON Schema and by nothing of our own."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_TYPE = "urn:ai-security-lab:security-evaluation:"
VERSIONS = ("v1", "v2")
_LONGEST = 200  # characters of one problem: a message may quote the whole of what is wrong


def schema_problems(document: Any) -> list[str]:
    """Where a bundle has not the shape that its type promises.

    Args:
        document: Any JSON value.

    Returns:
        The problems, each with its JSON path; empty when there are none.

    References:
        JSON Schema 2020-12.
    """
    found = document.get("predicateType") if isinstance(document, Mapping) else None
    version = found.removeprefix(_TYPE) if isinstance(found, str) else ""
    if found != f"{_TYPE}{version}" or version not in VERSIONS:
        return [f"schema: $.predicateType: there is no schema for {found!r:.100}"]
    return sorted(
        f"schema: {error.json_path}: {_shortened(error.message)}"
        for error in _validator(version).iter_errors(document)
    )


def schema(version: str) -> dict[str, Any]:
    """The JSON Schema of a version of the predicate, ``v1``.

    Raises:
        OSError: There is no such version.
    """
    name = f"security-evaluation.{version}.schema.json"
    text = files("seclab.evidence").joinpath("schemas", name).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator(version: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - a sixth of a second to import

    whole = schema(version)
    return Draft202012Validator(_inlined(whole, whole.pop("$defs")))


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with its definitions put in place: looking one up costs more than what it checks."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].removeprefix("#/$defs/")], definitions)
    return {key: _inlined(item, definitions) for key, item in node.items()}


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
