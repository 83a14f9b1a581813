"""Keys: public halves in a reviewed folder, private halves outside the project.

Only the key protects itself: its id is derived from its public half. Role, owner, validity and
revocation are plain text beside it, protected by the review of commits and by nothing else.
Whoever may commit to the folder of public keys decides who can sign.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seclab.errors import Misconfigured
from seclab.evidence import key_files
from seclab.evidence.keyring import (
    ROLES,
    Keyring,
    PublicKey,
    Revocation,
    Role,
    from_document,
    keyid_of,
    line_problem,
    to_document,
)

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined] # no __all__

__all__ = [
    "ROLES",
    "Keyring",
    "PublicKey",
    "Revocation",
    "Role",
    "SigningKey",
    "create",
    "load_keyring",
    "load_signing_key",
    "revoke",
    "rotate",
]

_MOST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Both halves of a key, ready to sign.

    Attributes:
        keyid: Its id.
        role: What its signatures stand for.
        owner: The role or team that holds it.
        signer: The private half, as securesystemslib uses it.
    """

    keyid: str
    role: Role
    owner: str
    signer: "Signer" = field(repr=False)


def load_keyring(folder: Path) -> Keyring:
    """Every public key of a folder.

    Args:
        folder: Where the ``<keyid>.json`` stand, usually ``registers/keys``. One that is missing
            holds no keys.

    Raises:
        Misconfigured: All mistakes of all files: one that is no regular file, cannot be read, has
            an unknown or a missing field, or an id that does not follow from its key; or a
            private key among them.
    """
    documents, problems = key_files.read_public(folder)
    keys = {}
    for name, document in documents.items():
        try:
            keys[name] = from_document(document)
        except Misconfigured as error:
            problems += [f"{folder / name}.json: {problem}" for problem in error.problems]
        else:
            if keys[name].keyid != name:
                problems.append(f"{folder / name}.json must be named {keys[name].keyid}.json")
    if problems:
        raise Misconfigured(problems)
    return Keyring(keys)


def create(
    role: Role,
    *,
    owner: str,
    public_folder: Path,
    private_folder: Path,
    at: datetime,
    days: int = 365,
) -> PublicKey:
    """Make a key: the private half first, so that no public half is ever without one.

    Args:
        role: What its signatures will stand for.
        owner: The role or team that will hold the private half.
        public_folder: Gets ``<keyid>.json``, to be committed.
        private_folder: Gets ``<keyid>.pem`` (PKCS #8, unencrypted, mode 0600). Made with mode 0700
            when missing.
        at: Now; the key is valid from then on.
        days: For how long.

    Raises:
        Misconfigured: A wrong argument, a folder with mistakes in it or open to others, or a
            file that cannot be written. Nothing is overwritten, and nothing is left behind.
    """
    load_keyring(public_folder)
    with ExitStack() as undo:
        key = _create(role, owner, (public_folder, private_folder), at=at, days=days, undo=undo)
        undo.pop_all()
    return key


def rotate(
    keyid: str, *, public_folder: Path, private_folder: Path, at: datetime, days: int = 365
) -> PublicKey:
    """Replace a key: a new one of the same role and owner, the old one valid until ``at``.

    What the old key signed before stays good. A process that is killed in between leaves both
    valid, never none.

    Args:
        keyid: The old key, or the beginning of its id.
        public_folder: As in :func:`create`.
        private_folder: As in :func:`create`.
        at: Now.
        days: How long the new key is valid.

    Raises:
        Misconfigured: As in :func:`create`; or the old key is unknown, or not yet valid.
    """
    old = load_keyring(public_folder).find(keyid)
    if at <= old.valid_from:
        raise Misconfigured(
            f"the key {old.keyid} is not valid before {old.valid_from.isoformat()}: it cannot end "
            "earlier than that; revoke it, or rotate it later"
        )
    folders = (public_folder, private_folder)
    with ExitStack() as undo:
        key = _create(old.role, old.owner, folders, at=at, days=days, undo=undo)
        ended = replace(old, valid_until=min(old.valid_until, at))
        key_files.replace_public(public_folder, old.keyid, to_document(ended))
        undo.pop_all()
    return key


def revoke(keyid: str, *, public_folder: Path, at: datetime, reason: str) -> PublicKey:
    """Withdraw all trust in a key: nothing it ever signed counts any more, whenever that was.

    Args:
        keyid: The key, or the beginning of its id.
        public_folder: Where its public half stands.
        at: Now.
        reason: Why, in one line.

    Raises:
        Misconfigured: The key is unknown or revoked already, or there is no reason.
    """
    old = load_keyring(public_folder).find(keyid)
    if old.revoked:
        raise Misconfigured(
            f"the key {old.keyid} is revoked since {old.revoked.at.isoformat()}: "
            f"{old.revoked.reason}"
        )
    if problem := line_problem("reason", reason):
        raise Misconfigured(problem)
    revoked = replace(old, revoked=Revocation(at.astimezone(UTC), reason))
    key_files.replace_public(public_folder, old.keyid, to_document(revoked))
    return revoked


def load_signing_key(
    role: Role, *, keyring: Keyring, private_folder: Path, at: datetime
) -> SigningKey | None:
    """The newest usable key of a role whose private half is here.

    Args:
        role: What the signature shall stand for.
        keyring: The public keys that count.
        private_folder: Where private halves stand.
        at: When will be signed.

    Returns:
        The key; ``None`` when there is none, so that what is made stays unsigned.

    Raises:
        Misconfigured: The private half cannot be read, can be read by others, is no Ed25519 key,
            or belongs to another public half. An older key does not stand in for it.
    """
    newest_first = sorted(
        keyring.keys.values(), key=lambda key: (key.valid_from, key.keyid), reverse=True
    )
    for key in newest_first:
        if keyring.problem(key.keyid, role=role, at=at):
            continue
        pem = key_files.read_private(private_folder, key.keyid)
        if pem is not None:
            return SigningKey(key.keyid, key.role, key.owner, _signer(pem, key, private_folder))
    return None


def _create(
    role: Role,
    owner: str,
    folders: tuple[Path, Path],
    *,
    at: datetime,
    days: int,
    undo: ExitStack,
) -> PublicKey:
    # cryptography takes a tenth of a second to import, which checking and reading do without.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    _check_wishes(role, owner, days=days)
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes_raw().hex()
    start = at.astimezone(UTC)
    end = start + timedelta(days=days)
    key = PublicKey(keyid_of(public), role, owner, public, start, end)
    public_folder, private_folder = folders
    key_files.write_private(private_folder, key.keyid, pem, undo=undo)
    key_files.write_public(public_folder, key.keyid, to_document(key), undo=undo)
    return key


def _check_wishes(role: str, owner: str, *, days: int) -> None:
    problems = [line_problem("owner", owner)]
    if role not in ROLES:
        problems.append(f"role must be one of {', '.join(ROLES)}, got {role!r}")
    if not 1 <= days <= _MOST_DAYS:
        problems.append(f"a key is valid for 1 to {_MOST_DAYS} days, not {days}")
    if any(problems):
        raise Misconfigured([problem for problem in problems if problem])


def _signer(pem: bytes, key: PublicKey, folder: Path) -> "Signer":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see _create
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )
    from securesystemslib.signer import (  # type: ignore[attr-defined] # noqa: PLC0415
        CryptoSigner,
    )

    where = f"the private half of the key {key.keyid} in {folder}"
    try:
        private = load_pem_private_key(pem, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"{where} cannot be used: {error}") from error
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise Misconfigured(f"{where} is no Ed25519 key")
    if private.public_key().public_bytes_raw().hex() != key.public:
        raise Misconfigured(f"{where} belongs to another public key")
    return CryptoSigner(private)
