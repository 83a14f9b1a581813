"""Since when something is on record that carries no date of its own."""

from collections.abc import Iterable
from datetime import date, datetime

from seclab.programme.records import Sighting, Sightings, Waivers, spread
from seclab.registers import Waiver


def sightings(names: Iterable[str], before: Sightings | None, *, at: datetime) -> Sightings:
    """When each was first on record: in earlier figures, or now.

    What was taken out stays: who puts it back does not make it young.

    Args:
        names: What is there now.
        before: What the last recorded figures say; ``None`` where these are the first.
        at: Now.
    """
    new = Sighting(at, earlier=before is None)
    known = before or {}
    return {name: known.get(name, new) for name in sorted({*names, *known})}


def waivers_of(given: Iterable[Waiver], seen: Sightings, *, at: datetime) -> Waivers:
    """Which waivers count, and for how long the active ones have been on record.

    Args:
        given: The waivers of the register.
        seen: When each was first on record.
        at: Now, in UTC. A waiver counts up to and including its last day.
    """
    today: date = at.date()
    known = sorted(given, key=lambda waiver: waiver.id)
    active = tuple(waiver.id for waiver in known if waiver.until >= today)
    expired = tuple(waiver.id for waiver in known if waiver.until < today)
    # One that is on record from this moment on has no age that anybody knows.
    ages = [at - seen[id_].since for id_ in active if id_ in seen and seen[id_].since < at]
    return Waivers(active, expired, spread(ages))
