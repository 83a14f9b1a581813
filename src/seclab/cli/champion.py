"""``seclab approve``, ``rollback`` and ``serve-check``: people's say, and the champion."""

from datetime import UTC, datetime

from seclab import project, promotion, settings, tracking
from seclab.cli.output import as_json, say
from seclab.evidence import plain
from seclab.evidence.keyring import Role
from seclab.models import SPECS


def approve(run: str, *, role: Role) -> None:
    """Sign an approval of a run's evidence."""
    now = datetime.now(UTC)
    parts = project.load(settings.find())
    store = tracking.open_store(parts.settings)
    found = tracking.find_run(store, run)
    keyid = promotion.approve(parts, store, found, role=role, at=now)
    say(f"{role} approves {found.name}")
    say(f"bundle {found.bundle_digest}, signed with key {keyid}")


def rollback(*, reason: str) -> None:
    """Make the previous champion the champion again."""
    now = datetime.now(UTC)
    parts = project.load(settings.find())
    store = tracking.open_store(parts.settings)
    key = project.signing_key(parts, "pipeline", at=now)
    champion = promotion.roll_back(parts, store, reason=reason, at=now, key=key)
    say(f"{champion.name} v{champion.number} is the champion again: {reason}")


def serve_check(*, json: bool) -> None:
    """Check every link from the champion alias to the model's bytes, as a serving process does."""
    parts = project.load(settings.find())
    # What is registered under one name may be in several tiers; the record cannot say in which,
    # for it is what is in doubt. So one that asks for signatures asks for all.
    names = (parts.settings.registered_model, *SPECS)
    signature = any(parts.registers.tier_of(name).signature for name in names)
    served = tracking.load_champion(
        parts.settings, keyring=parts.keyring, require_signature=signature
    )
    if json:
        champion = plain(served.champion)
        as_json({"champion": champion, "record": served.record, "key": served.signed_by})
        return
    record = served.record
    say(f"{served.champion.name} v{served.champion.number} may be served")
    say(f"model     {record['model']}")
    say(f"evidence  {record['bundle']} of run {record['run']}")
    say(f"{record['move']:<9} {record['at']}")
    say(
        f"signed    {f'with key {served.signed_by}' if served.signed_by else 'by nobody: UNSIGNED'}"
    )
    if record["forced"]:
        say(f"FORCED    in spite of the gate: {record['forced']}")
