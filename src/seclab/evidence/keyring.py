"""Public keys as values: what each may be used for, and how its file says so."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

from seclab.errors import Misconfigured
from seclab.fingerprint import of_json

Role: TypeAlias = Literal["pipeline", "security", "ml-engineering", "legal"]
ROLES: tuple[Role, ...] = get_args(Role)

_SHORTEST_REFERENCE = 8
_LONGEST_LINE = 200
KEYID = re.compile(r"[0-9a-f]{64}")

# Points of small order, as bytes of y without the sign of x: with one as public key, anybody
# can make signatures that hold, without any private key. No library at hand refuses them.
# Chalkias, Garillot, Nikolaenko 2020, "Taming the many EdDSAs"; the list is libsodium's.
_SMALL_ORDER = frozenset(
    {
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        *(first + "ff" * 30 + "7f" for first in ("ec", "ed", "ee")),
    }
)


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of all trust in a key.

    Attributes:
        at: When it was revoked.
        reason: Why.
    """

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key, and what it may be used for.

    Attributes:
        keyid: Derived from the public half, 64 hexadecimal digits.
        role: What its signatures stand for.
        owner: The role or team that holds the private half; never a person.
        public: Ed25519 public key (RFC 8032), 64 hexadecimal digits.
        valid_from: First moment at which it may sign.
        valid_until: First moment at which it may not sign any more.
        revoked: Set when nothing it ever signed counts any more.
    """

    keyid: str
    role: Role
    owner: str
    public: str
    valid_from: datetime
    valid_until: datetime
    revoked: Revocation | None = None


@dataclass(frozen=True, slots=True)
class Keyring:
    """The public keys that count, by id."""

    keys: Mapping[str, PublicKey]

    def problem(self, keyid: str, *, role: Role | None, at: datetime) -> str:
        """Why a key may not have signed something.

        Args:
            keyid: The key that the signature names.
            role: The role it must have, ``None`` for any.
            at: When it was signed, as far as the signed document says: a stolen key can say
                anything about the time, which is why revocation does not look at it.

        Returns:
            Everything that is wrong, in words; empty for a key that may.
        """
        key = self.keys.get(keyid)
        if key is None:
            return f"the key {keyid!r:.70} is not among the public keys"
        problems = []
        if key.revoked:
            day = key.revoked.at.date()
            problems.append(f"the key {key.keyid} was revoked on {day}: {key.revoked.reason}")
        if role is not None and key.role != role:
            problems.append(f"the key {key.keyid} has the role {key.role}, needed is {role}")
        if at.tzinfo is None:
            problems.append(f"the time of signing, {at.isoformat()}, has no time zone")
        elif at < key.valid_from:
            start = key.valid_from.isoformat()
            problems.append(
                f"the key {key.keyid} is not valid before {start}, signed {at.isoformat()}"
            )
        elif at >= key.valid_until:
            end = key.valid_until.isoformat()
            problems.append(f"the key {key.keyid} expired at {end}, signed {at.isoformat()}")
        return "; ".join(problems)

    def find(self, reference: str) -> PublicKey:
        """The key of an id, or of the beginning of one.

        Raises:
            Misconfigured: No key, more than one, or too few digits to mean one.
        """
        if len(reference) < _SHORTEST_REFERENCE:
            raise Misconfigured(
                f"{reference!r} is too short for a key; give at least {_SHORTEST_REFERENCE} digits"
            )
        found = [key for keyid, key in self.keys.items() if keyid.startswith(reference)]
        if len(found) == 1:
            return found[0]
        how_many = "more than one key begins" if found else "no public key begins"
        raise Misconfigured(f"{how_many} with {reference!r}; `seclab keys show` lists them")


def keyid_of(public: str) -> str:
    """Id of an Ed25519 public key, the same that securesystemslib and TUF derive.

    Args:
        public: 64 hexadecimal digits.

    References:
        The Update Framework specification, 4.2: SHA-256 of the canonical form of the key.
    """
    scheme = "ed25519"
    return of_json({"keytype": scheme, "scheme": scheme, "keyval": {"public": public}}).value


def to_document(key: PublicKey) -> dict[str, Any]:
    """A public key as its file has it."""
    revoked = key.revoked
    return {
        **{item.name: getattr(key, item.name) for item in fields(key)},
        "valid_from": key.valid_from.isoformat(),
        "valid_until": key.valid_until.isoformat(),
        "revoked": revoked and {"at": revoked.at.isoformat(), "reason": revoked.reason},
    }


def from_document(document: Any) -> PublicKey:
    """A public key from the content of its file.

    Raises:
        Misconfigured: Everything about it that cannot be.
    """
    problems = list(_problems(document))
    if problems:
        raise Misconfigured(problems)
    revoked = document["revoked"]
    return PublicKey(
        **{
            **document,
            "valid_from": _moment(document["valid_from"]),
            "valid_until": _moment(document["valid_until"]),
            "revoked": revoked and Revocation(_moment(revoked["at"]), revoked["reason"]),
        }
    )


def line_problem(name: str, value: Any) -> str:
    """What is wrong with a text that is printed in messages; empty when nothing is."""
    if not isinstance(value, str) or not value.strip():
        return f"{name} must be a text, got {value!r:.70}"
    if not value.isprintable() or value != value.strip() or len(value) > _LONGEST_LINE:
        return (
            f"{name} must be one line of at most {_LONGEST_LINE} printable characters without "
            f"blanks around it, got {value!r:.70}"
        )
    return ""


def _problems(document: Any) -> Iterator[str]:
    names = [item.name for item in fields(PublicKey)]
    if not isinstance(document, dict) or sorted(document) != sorted(names):
        yield f"must have exactly the fields {', '.join(names)}"
        return
    public, keyid = document["public"], document["keyid"]
    if not isinstance(public, str) or not KEYID.fullmatch(public):
        yield "public must be 64 hexadecimal digits in lower case"
    elif public[:62] + f"{int(public[62:], 16) & 0x7F:02x}" in _SMALL_ORDER:
        yield "public is a key that anybody can sign for; make another with `seclab keys init`"
    elif keyid != keyid_of(public):
        yield f"keyid must be {keyid_of(public)}, which follows from public, got {keyid!r:.70}"
    if document["role"] not in ROLES:
        yield f"role must be one of {', '.join(ROLES)}, got {document['role']!r:.70}"
    yield from filter(None, [line_problem("owner", document["owner"])])
    try:
        in_order = _moment(document["valid_from"]) < _moment(document["valid_until"])
    except ValueError:
        in_order = False
    if not in_order:
        yield "valid_from and valid_until must be times with time zone, the first before the other"
    yield from _revocation_problems(document["revoked"])


def _revocation_problems(revoked: Any) -> Iterator[str]:
    if revoked is None:
        return
    if not isinstance(revoked, dict) or sorted(revoked) != ["at", "reason"]:
        yield "revoked must be null or have exactly the fields at, reason"
        return
    try:
        _moment(revoked["at"])
    except ValueError:
        yield "revoked.at must be a time with a time zone"
    yield from filter(None, [line_problem("revoked.reason", revoked["reason"])])


def _moment(text: Any) -> datetime:
    """The time a text says.

    Raises:
        ValueError: It says none, or not in which time zone.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"no time: {text!r:.70}") from error
