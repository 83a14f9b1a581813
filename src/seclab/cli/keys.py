"""``seclab keys``: the keys that evidence is signed with, made, replaced, withdrawn and listed."""

from datetime import UTC, datetime
from shlex import quote

from seclab import settings
from seclab.cli.output import as_json, say, table
from seclab.evidence import plain
from seclab.evidence.key_files import private_ids
from seclab.evidence.keys import PublicKey, Role, create, load_keyring, revoke, rotate
from seclab.settings import Settings


def init_key(role: Role, *, owner: str, days: int) -> None:
    """Make a key."""
    project = settings.find()
    key = create(
        role,
        owner=owner,
        public_folder=project.public_keys,
        private_folder=project.keys,
        at=datetime.now(UTC),
        days=days,
    )
    _say_new(key, project)


def rotate_key(keyid: str, *, days: int) -> None:
    """Replace a key by a new one."""
    project = settings.find()
    folder = project.public_keys
    old = load_keyring(folder).find(keyid)
    key = rotate(
        old.keyid,
        public_folder=folder,
        private_folder=project.keys,
        at=datetime.now(UTC),
        days=days,
    )
    _say_new(key, project)
    say(f"ended    {folder / old.keyid}.json: what it signed before stays good; commit it as well")


def revoke_key(keyid: str, *, reason: str) -> None:
    """Withdraw all trust in a key."""
    project = settings.find()
    folder = project.public_keys
    key = revoke(keyid, public_folder=folder, at=datetime.now(UTC), reason=reason)
    say(f"revoked  {key.keyid}  ({key.role}, {key.owner}): nothing it ever signed counts any more")
    say(f"public   {folder / key.keyid}.json: commit it, only then others know")
    say(f"next     a new key: seclab keys init --role {key.role} --owner {quote(key.owner)}")


def show_keys(*, json: bool) -> None:
    """List the public keys, what each is worth now, and whose private half is here."""
    project = settings.find()
    keyring, here = load_keyring(project.public_keys), private_ids(project.keys)
    now = datetime.now(UTC)
    keys = sorted(keyring.keys.values(), key=lambda key: (key.role, key.valid_from, key.keyid))
    problems = {key.keyid: keyring.problem(key.keyid, role=None, at=now) for key in keys}
    orphans = sorted(here - keyring.keys.keys())
    if json:
        shown = [
            {**plain(key), "problem": problems[key.keyid], "private_half_here": key.keyid in here}
            for key in keys
        ]
        as_json({"keys": shown, "private_halves_without_public": orphans})
        return
    if not keys:
        say("no keys yet: `seclab keys init --role pipeline --owner TEAM` makes the first")
    else:
        table(
            ("key", "role", "owner", "from", "until", "private half", "state"),
            [_row(key, now=now, here=key.keyid in here) for key in keys],
        )
    for keyid in orphans:
        say(f"{project.keys / keyid}.pem belongs to no public key of this project")


def _row(key: PublicKey, *, now: datetime, here: bool) -> tuple[str, ...]:
    return (
        key.keyid[:12],
        key.role,
        key.owner,
        f"{key.valid_from:%Y-%m-%d}",
        f"{key.valid_until:%Y-%m-%d}",
        "here" if here else "",
        _state(key, now),
    )


def _state(key: PublicKey, now: datetime) -> str:
    if key.revoked:
        return f"revoked on {key.revoked.at:%Y-%m-%d}: {key.revoked.reason}"
    if now >= key.valid_until:
        return "expired"
    return "usable" if now >= key.valid_from else "not yet valid"


def _say_new(key: PublicKey, project: Settings) -> None:
    say(f"key      {key.keyid}")
    say(f"role     {key.role}, held by {key.owner}, until {key.valid_until:%Y-%m-%d %H:%M} UTC")
    say(f"public   {project.public_keys / key.keyid}.json: commit it after a review")
    say(f"private  {project.keys / key.keyid}.pem: never commit it, keep a copy where it is safe")
