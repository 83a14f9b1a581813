"""The champion's moves, as the ledger has them: intents, and what closed them."""

from collections.abc import Iterator, Sequence

from seclab.evidence.ledger import Entry, Kind

MOVED: tuple[Kind, ...] = ("promotion", "rollback")
CLOSING: tuple[Kind, ...] = (*MOVED, "promotion-abandoned")


def newest_move(entries: Sequence[Entry], name: str) -> Entry | None:
    """The entry that made the champion of a registered model what it is, if any did."""
    for entry in reversed(entries):
        if entry.kind in MOVED and entry.subject == name:
            return entry
    return None


def open_intent(entries: Sequence[Entry], name: str) -> Entry | None:
    """The intent to change a champion that no later entry closes, if there is one."""
    closed = {entry.about.get("intent") for entry in entries if entry.kind in CLOSING}
    for entry in reversed(entries):
        if (entry.kind, entry.subject) == ("promotion-intent", name):
            return None if entry.sequence in closed else entry
    return None


def grounds(entries: Sequence[Entry], name: str, number: str) -> Entry | None:
    """Why a version may be the champion: an intent under way, or the newest move.

    Args:
        entries: The ledger.
        name: Name of the registered model.
        number: The version that the alias points at.
    """
    for entry in (open_intent(entries, name), newest_move(entries, name)):
        if entry is not None and entry.about.get("version") == number:
            return entry
    return None


def decided_upon(entries: Sequence[Entry], newest: str) -> int | None:
    """How many entries there were when something was decided.

    Args:
        entries: The ledger.
        newest: Digest of the newest entry at that time, empty when there was none.

    Returns:
        The number; ``None`` when no entry has this digest.
    """
    if not newest:
        return 0
    # From the end, where it nearly always is: every digest is computed anew.
    numbers = (n for n in range(len(entries), 0, -1) if entries[n - 1].digest_of_entry == newest)
    return next(numbers, None)


def place_problem(entries: Sequence[Entry], entry: Entry, newest: str) -> str:
    """Why the record of a decision was not made for the place that it has in the ledger.

    A record names the newest entry at the time it was decided. So a signed one cannot be entered
    a second time, and what the ledger held before it cannot be exchanged.

    Args:
        entries: The ledger.
        entry: The intent of the move, the entry that closed it, or that of a refusal.
        newest: What the record names.

    Returns:
        The problem; empty when there is none.
    """
    number = entry.about.get("intent") if entry.kind in CLOSING else entry.sequence
    before = [e for e in entries if isinstance(number, int) and e.sequence < number]
    known = decided_upon(before, newest)
    if known is None:
        return f"it was decided upon ledger entry {newest}, which is not there"
    later = newest_move(before[known:], entry.subject)
    # A promotion may be refused because of what came in between.
    if later is not None and entry.kind != "promotion-refused":
        return f"it was decided before ledger entry {later.sequence}, and entered again after it"
    return ""


def said(entries: Sequence[Entry], name: str) -> str:
    """What the ledger says the champion is, in words."""
    newest = newest_move(entries, name)
    return f"v{newest.about.get('version')}" if newest else "that nothing was promoted"


def move_differences(entries: Sequence[Entry]) -> list[str]:
    """Where the moves of champions do not follow from their intents.

    Every move closes the one intent that is open for its model, and says the same as it: so an
    entry that was put in, or the last one changed, shows even where no other names it.

    Args:
        entries: The ledger.
    """
    found: list[str] = []
    under_way: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind == "promotion-intent":
            earlier = under_way.get(entry.subject)
            if earlier is not None:
                found.append(
                    f"ledger entry {entry.sequence}: expected entry {earlier.sequence} to be "
                    "closed before, found it open"
                )
            under_way[entry.subject] = entry
        elif entry.kind in CLOSING:
            found += _unlike_its_intent(entry, under_way.pop(entry.subject, None))
    return found


def _unlike_its_intent(entry: Entry, intent: Entry | None) -> Iterator[str]:
    place = f"ledger entry {entry.sequence}"
    if intent is None:
        yield f"{place}: expected an intent before the {entry.kind}, found none"
        return
    kinds = {intent.about.get("move"), "promotion-abandoned"}
    if entry.kind not in kinds:
        yield f"{place}: expected {intent.about.get('move')}, found {entry.kind}"
    expected = {
        "intent": intent.sequence,
        "version": intent.about.get("version"),
        "run": intent.run,
        "digest": intent.digest,
    }
    reported = {
        "intent": entry.about.get("intent"),
        "version": entry.about.get("version"),
        "run": entry.run,
        "digest": entry.digest,
    }
    for what, value in expected.items():
        if reported[what] != value:
            yield f"{place}: expected {what} {value} as in its intent, found {reported[what]}"
