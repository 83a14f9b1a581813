"""Where two JSON documents differ, place by place."""

import json
from collections.abc import Iterator
from typing import Any

_LONGEST = 200  # characters of a value in a message


def json_differences(expected: Any, found: Any, *, path: str = "$") -> Iterator[str]:
    """Every place at which one JSON document differs from another.

    Args:
        expected: The document as it should be.
        found: The document as it is.
        path: Where the two stand, for messages.

    Yields:
        JSON path, what was expected there, and what was found.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            here = f"{path}.{key}"
            if key not in found:
                yield f"{here}: expected {_shown(expected[key])}, found nothing"
            elif key not in expected:
                yield f"{here}: expected nothing, found {_shown(found[key])}"
            else:
                yield from json_differences(expected[key], found[key], path=here)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{path}: expected {len(expected)} entries, found {len(found)}"
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from json_differences(one, other, path=f"{path}[{index}]")
    # Python calls 1 and true equal; a document does not.
    elif expected != found or isinstance(expected, bool) is not isinstance(found, bool):
        yield f"{path}: expected {_shown(expected)}, found {_shown(found)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
