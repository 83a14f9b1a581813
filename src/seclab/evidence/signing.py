"""Signatures: a document in a DSSE envelope, signed with Ed25519, and the check of one."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from seclab.evidence.keyring import KEYID, Keyring, PublicKey, Role
from seclab.evidence.keys import SigningKey
from seclab.fingerprint import of_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"

_FIELDS = ("payload", "payloadType", "signatures")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature is worth.

    Attributes:
        keyid: The key it names, empty when it names none.
        role: Role of that key, empty for an unknown one.
        owner: Owner of that key, empty for an unknown one.
        problem: Everything wrong with it, in words; empty for a good one.
    """

    keyid: str
    role: str
    owner: str
    problem: str


def sign(document: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """Sign a document.

    Args:
        document: A JSON object.
        key: Who signs.

    Returns:
        The envelope: the canonical bytes of the document, their type, and one signature. Equal
        documents and keys give equal envelopes.

    References:
        DSSE v1.0, Dead Simple Signing Envelope. RFC 8785. RFC 8032, Ed25519.
    """
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - a quarter of a second to import

    envelope = Envelope(rfc8785.dumps(dict(document)), PAYLOAD_TYPE, {})
    envelope.sign(key.signer)
    signed: dict[str, Any] = envelope.to_dict()
    return signed


def check(
    envelope: Mapping[str, Any],
    document: Mapping[str, Any],
    *,
    keyring: Keyring,
    role: Role | None,
    at: datetime,
) -> Signed:
    """Check the signature of a document. Whatever is wrong becomes the problem, never an error.

    Stricter than DSSE asks for: one signature, no further field, one way to write each byte. So
    nothing in an envelope is there that was not looked at.

    Args:
        envelope: What :func:`sign` gave, as read from its file.
        document: The readable document that it must be about.
        keyring: The public keys that count.
        role: The role the key must have, ``None`` for any.
        at: When it was signed, as the document says, with time zone.
    """
    problem = _shape_problem(envelope)
    if problem:
        return Signed("", "", "", problem)
    (signature,) = envelope["signatures"]
    keyid = signature["keyid"]
    key = keyring.keys.get(keyid)
    problems = [
        *_payload_problems(envelope, document),
        keyring.problem(keyid, role=role, at=at),
        _signature_problem(envelope, key) if key else "",
    ]
    problem = "; ".join(filter(None, problems))
    return Signed(keyid, key.role if key else "", key.owner if key else "", problem)


def _shape_problem(envelope: Any) -> str:
    if not isinstance(envelope, Mapping) or set(envelope) != set(_FIELDS):
        return f"the envelope must have exactly the fields {', '.join(_FIELDS)}"
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        return "the envelope must have exactly one signature"
    (signature,) = signatures
    if not isinstance(signature, Mapping) or set(signature) != {"keyid", "sig"}:
        return "the signature must have exactly the fields keyid, sig"
    if not isinstance(signature["keyid"], str) or not KEYID.fullmatch(signature["keyid"]):
        return "keyid of the signature must be 64 hexadecimal digits in lower case"
    for name, text in (("payload", envelope["payload"]), ("sig", signature["sig"])):
        if _decoded(text) is None:
            return f"{name} of the envelope is not base64 in its standard form"
    return ""


def _decoded(text: Any) -> bytes | None:
    """The bytes of a base64 text; ``None`` when it is none, or not the one way to write them."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _payload_problems(envelope: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    if envelope["payloadType"] != PAYLOAD_TYPE:
        found = envelope["payloadType"]
        yield f"the payload is of type {found!r:.100}, expected {PAYLOAD_TYPE!r}"
    payload = _decoded(envelope["payload"]) or b""
    try:
        expected = rfc8785.dumps(dict(document))
    except (TypeError, ValueError, RecursionError) as error:
        yield f"the document has no canonical form: {error}"
        return
    if payload != expected:
        yield (
            "the signed payload is not the canonical form of this document: "
            f"expected {of_bytes(expected)}, found {of_bytes(payload)}"
        )


def _signature_problem(envelope: Mapping[str, Any], key: PublicKey) -> str:
    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - a quarter of a second to import
    from securesystemslib.exceptions import UnverifiedSignatureError  # noqa: PLC0415
    from securesystemslib.signer import (  # type: ignore[attr-defined] # noqa: PLC0415
        Signature,
        SSlibKey,
    )

    (signature,) = envelope["signatures"]
    payload, signed = _decoded(envelope["payload"]) or b"", _decoded(signature["sig"]) or b""
    public = SSlibKey(key.keyid, "ed25519", "ed25519", {"public": key.public})
    signatures = {key.keyid: Signature(key.keyid, signed.hex())}
    try:
        Envelope(payload, PAYLOAD_TYPE, signatures).verify([public], 1)
    except UnverifiedSignatureError:
        return f"the signature is not one of the key {key.keyid} over this payload"
    return ""


def signer_of(envelope: Mapping[str, Any] | None) -> str:
    """ID of the key that an envelope names, empty without one. It is not checked here."""
    try:
        return str(envelope["signatures"][0]["keyid"]) if envelope else ""
    except (LookupError, TypeError):
        return ""
