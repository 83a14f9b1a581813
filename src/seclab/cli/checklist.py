"""What ``seclab checklist`` does: what is held about each model, agent and dataset."""

from datetime import UTC, datetime

from seclab import registers, settings, threat_models
from seclab.checklist import FAMILIES, STATUSES, Held, Known, Listing, listings, load_checklist
from seclab.cli.output import as_json, say, table
from seclab.cli.shelves import open_shelf
from seclab.errors import Misconfigured
from seclab.evidence import plain
from seclab.evidence.keys import load_keyring

_TELLS_NOT = (
    "Present means held, not good: how it came out is what `seclab gate` and `seclab risks` say. "
    "Missing items that nothing in this project produces have to be held elsewhere."
)


def checklist(subject: str | None, *, json: bool) -> None:
    """Print the checklist of one subject, or the counts of all.

    Raises:
        Misconfigured: The subject is not listed, or a register is missing or wrong.
        EvidenceMismatch: The ledger is damaged.
    """
    project = settings.find()
    register = registers.load_registers(project.registers)
    listed = register.models.models
    if subject is not None and subject not in listed:
        raise Misconfigured(
            f"models.yaml has no entry for {subject!r}; known: {', '.join(listed) or 'none'}"
        )
    known = Known(
        register,
        threat_models.load_threat_models(project.registers / threat_models.FOLDER),
        load_keyring(project.public_keys),
        project.dataset,
    )
    found = listings(
        load_checklist(project.registers),
        known,
        open_shelf(project),
        subjects=[subject] if subject else list(listed),
        at=datetime.now(UTC),
    )
    if json:
        as_json([_plain(each) for each in found])
    elif subject:
        _say(found[0])
    else:
        _say_all(found)


def _say(listing: Listing) -> None:
    kind = listing.kind or "of a kind that no evidence tells, so that everything is asked of it"
    say(f"{listing.subject}: {kind}, tier {listing.tier}")
    for family in FAMILIES:
        say()
        say(f"{family}: {_counts(listing, family)}")
        rows = [
            (f"  {held.item.id}", held.status, held.item.holds, held.reason)
            for held in listing.held
            if held.item.family == family
        ]
        table(("  item", "status", "what", "why"), rows)
    links = [held for held in listing.held if held.link]
    if links:
        say()
        say("Where it is:")
    for link in dict.fromkeys(held.link for held in links):
        ids = ", ".join(held.item.id for held in links if held.link == link)
        say(f"  {link}  {ids}")
    say()
    say(_TELLS_NOT)


def _counts(listing: Listing, family: object) -> str:
    own = [held for held in listing.held if held.item.family == family]
    return ", ".join(f"{sum(h.status == status for h in own)} {status}" for status in STATUSES)


def _say_all(found: tuple[Listing, ...]) -> None:
    rows = [
        (
            each.subject,
            each.kind or "unknown",
            each.tier,
            *(f"{each.count('present', f)}/{_asked(each, f)}" for f in FAMILIES),
            *(str(each.count(status)) for status in STATUSES),
        )
        for each in found
    ]
    table(("subject", "kind", "tier", *FAMILIES, *STATUSES), rows)
    say()
    say("A family reads present/asked. `seclab checklist SUBJECT` lists every item with its link.")
    say(_TELLS_NOT)


def _asked(listing: Listing, family: object) -> int:
    own = [held for held in listing.held if held.item.family == family]
    return sum(held.status != "not-applicable" for held in own)


def _plain(listing: Listing) -> dict[str, object]:
    return {
        "subject": listing.subject,
        "kind": listing.kind,
        "tier": listing.tier,
        "counts": {status: listing.count(status) for status in STATUSES},
        "items": [_item(held) for held in listing.held],
    }


def _item(held: Held) -> dict[str, object]:
    found: dict[str, object] = plain(held.item)
    return found | {"status": held.status, "reason": held.reason, "link": held.link}
