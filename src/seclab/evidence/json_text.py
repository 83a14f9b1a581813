"""JSON as every reader reads it: a document in which a key stands twice is none."""

import json
from typing import Any


def parse(text: str | bytes) -> Any:
    """Any JSON document. Of a repeated key, another reader might see the other value.

    Raises:
        ValueError: It is no JSON, or a key stands twice.
        RecursionError: It is nested absurdly deep.
    """
    return json.loads(text, object_pairs_hook=_each_key_once)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key of {sorted(found)} stands twice")
    return found
