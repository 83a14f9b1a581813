"""Every field and file of the evidence, changed, deleted, reordered or re-signed, one at a time.

Three guards stand one behind the other, and each is tried without those before it:

1. Signature, or a recorded digest: finds every change, and with the signed form names its place.
2. Ledger: knows the digest of every bundle, and of every entry before an entry.
3. Self-consistency: all that is left of an unsigned trial on a laptop whose owner seals anew what
   he changed. It finds what has no right shape, what does not fit the statement, and a decision
   that does not follow. What it cannot find is listed in test_bundle_tampering.py, to the last
   field.
"""

import re

from seclab.evidence import Bundle
from seclab.fingerprint import of_json


def places(node, path="$"):
    """Every container of a JSON document, with its path."""
    if isinstance(node, dict | list):
        yield path, node
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            step = f".{key}" if isinstance(node, dict) else f"[{key}]"
            yield from places(value, path + step)


def another(value):
    """A value of the same kind, which is the hardest to find."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if value is None:
        return "sha256:rfc8785:" + "0" * 64
    if re.fullmatch(r"(sha256:.*:)?[0-9a-f]{64}", value):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if re.match(r"\d{4}-\d\d-\d\d", value):
        return value.replace("2026", "2027", 1)
    return SYNONYMS.get(value, f"{value}x")


SYNONYMS = {
    "PASS": "BLOCK",
    "BLOCK": "PASS",
    "NOT_EVALUATED": "PASS",
    "at_least": "at_most",
    "pessimistic": "optimistic",
    "higher": "lower",
    "fraction": "auc",
    "errored": "skipped",
    "passed": "failed",
    "failed": "passed",
    "critical": "warning",
    "warning": "info",
    "model": "agent",
    "agent": "model",
    "moderate": "low",
}


def tampered(document):
    """Every single change of a document: how, the path that is named for it, and the result."""
    for path, container in list(places(document)):
        keys = list(container) if isinstance(container, dict) else range(len(container))
        if isinstance(container, dict):
            container["added"] = "x"
            yield "added", f"{path}.added", document
            del container["added"]
        else:
            was = list(container)
            if was:
                container.append(was[-1])
                yield "longer", path, document
                container[:] = was[:-1]
                yield "shorter", path, document
            container[:] = was[::-1]
            if container != was:
                yield "reordered", path, document
            container[:] = was
        for key in keys:
            value = container[key]
            here = f"{path}.{key}" if isinstance(container, dict) else f"{path}[{key}]"
            if not isinstance(value, dict | list):
                container[key] = another(value)
                yield "changed", here, document
                container[key] = value
            if isinstance(container, dict):
                order = list(container.items())
                del container[key]
                yield "deleted", here, document
                container.clear()
                container.update(order)


def resealed(document):
    return Bundle(document, of_json(document))
