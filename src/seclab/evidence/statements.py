"""What people and the gate say about evidence and rows of data, as in-toto statements."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from seclab.errors import EvidenceMismatch
from seclab.evidence.bundle import STATEMENT_TYPE, plain
from seclab.fingerprint import ROW_RECIPE, Digest, of_json
from seclab.gate import Decision

APPROVAL_TYPE = "urn:ai-security-lab:approval:v1"
PROMOTION_TYPE = "urn:ai-security-lab:promotion:v1"
ROW_DECISION_TYPE = "urn:ai-security-lab:row-decision:v1"
PROGRAMME_TYPE = "urn:ai-security-lab:programme-figures:v1"
Move: TypeAlias = Literal["promotion", "rollback", "promotion-refused"]


def approval(bundle: Digest, *, subject: str, run: str, role: str, at: datetime) -> dict[str, Any]:
    """That somebody of a role has looked at a bundle and agrees.

    Args:
        bundle: Digest of the very bundle.
        subject: Name of what the bundle is about.
        run: The run it belongs to.
        role: The role that agrees.
        at: When.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"bundle of {subject}", "digest": {"sha256": bundle.value}}],
        "predicateType": APPROVAL_TYPE,
        "predicate": {"bundle": str(bundle), "run": run, "role": role, "at": at.isoformat()},
    }


def promotion(
    move: Move,
    *,
    name: str,
    version: str,
    model_digest: str,
    run: str,
    bundle: str,
    at: datetime,
    ledger: str,
    decision: Decision | None = None,
    forced: str = "",
    reason: str = "",
) -> dict[str, Any]:
    """That a model version was made the champion, or was refused, and on what grounds.

    Args:
        move: What was done.
        name: Name of the registered model.
        version: Its version.
        model_digest: Digest of the model file.
        run: The run whose evidence asked for it.
        bundle: Digest of that evidence.
        at: When.
        ledger: Digest of the newest ledger entry at that moment: the record is good for one place
            in one ledger only.
        decision: What the gate said at that moment; ``None`` for a rollback.
        forced: Why it was done in spite of the gate, empty when it was not.
        reason: Why, where people have to say so.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": f"{name} v{version}",
                "digest": {"sha256": model_digest.rpartition(":")[2]},
            }
        ],
        "predicateType": PROMOTION_TYPE,
        "predicate": {
            "move": move,
            "name": name,
            "version": version,
            "model": model_digest,
            "run": run,
            "bundle": bundle,
            "at": at.isoformat(),
            "ledger": ledger,
            "decision": plain(decision) if decision else None,
            "forced": forced,
            "reason": reason,
        },
    }


def row_decision(
    choice: Literal["confirm", "release"],
    *,
    dataset: str,
    rows: Sequence[str],
    by: str,
    reason: str,
    run: str,
    at: datetime,
    ledger: str,
) -> dict[str, Any]:
    """That somebody has looked at suspected rows, and says what they are.

    Args:
        choice: Whether they are bad indeed, or a false alarm.
        dataset: Name of the dataset.
        rows: Digests of their content, hexadecimal.
        by: Who decided.
        reason: Why.
        run: The run that the decision is kept with, which found at least one of them.
        at: When.
        ledger: Digest of the newest ledger entry at that moment: the decision is good for one
            place in one ledger only.
    """
    listed = sorted(rows)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": f"rows of {dataset}", "digest": {"sha256": of_json(listed).value}}],
        "predicateType": ROW_DECISION_TYPE,
        "predicate": {
            "choice": choice,
            "dataset": dataset,
            "recipe": ROW_RECIPE,
            "rows": listed,
            "by": by,
            "reason": reason,
            "run": run,
            "at": at.isoformat(),
            "ledger": ledger,
        },
    }


def programme(
    figures: Mapping[str, Any], *, registers: Mapping[str, str], at: datetime, ledger: str
) -> dict[str, Any]:
    """How the programme stood at a moment.

    Args:
        figures: The figures, as plain JSON.
        registers: Digest of every register that they rest on, by name.
        at: As of when.
        ledger: Digest of the newest ledger entry at that moment; empty when there was none.
    """
    pinned = {**registers, **({"ledger": ledger} if ledger else {})}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": digest.rpartition(":")[2]}}
            for name, digest in sorted(pinned.items())
        ],
        "predicateType": PROGRAMME_TYPE,
        "predicate": {
            "at": at.isoformat(),
            "ledger": ledger,
            "registers": dict(registers),
            "figures": figures,
        },
    }


def payload(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """The statement inside a DSSE envelope. That it is signed has to be checked apart.

    Raises:
        EvidenceMismatch: There is no statement inside.
    """
    try:
        document = json.loads(base64.b64decode(envelope["payload"], validate=True))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise EvidenceMismatch(f"the envelope holds no statement: {error}") from error
    if not isinstance(document, dict) or document.get("_type") != STATEMENT_TYPE:
        raise EvidenceMismatch("the envelope holds no in-toto statement")
    return document
