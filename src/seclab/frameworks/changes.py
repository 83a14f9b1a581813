"""What changed between two editions of a framework."""

from collections.abc import Iterator, Mapping

from seclab.frameworks.records import Change, ChangeKind, Content, Entry, FormerName

_LOOSENESS: tuple[ChangeKind, ...] = ("same", "renumbered", "renamed", "broadened", "nearest")


def between(content: Content, old: str, new: str) -> Iterator[Change]:
    """What changed in ATLAS, in the order of the newer tables, then what is gone.

    Args:
        content: All tables.
        old: The older edition.
        new: The newer one.
    """
    before = {e.id: e for e in content.entries if (e.framework, e.edition) == ("MITRE ATLAS", old)}
    after = {e.id: e for e in content.entries if (e.framework, e.edition) == ("MITRE ATLAS", new)}
    gone = {former.id: former for former in content.former_names if former.replacement}
    for entry in after.values():
        change = _changed(content, before.get(entry.id), entry, old=old)
        if change:
            yield change
    for entry in before.values():
        if entry.id not in after:
            yield _retired(entry, gone.get(entry.id), after, edition=new)


def _changed(content: Content, was: Entry | None, entry: Entry, *, old: str) -> Change | None:
    """What changed about an entry; ``None`` for nothing."""
    before = set(_ties(content, was)) if was else set()
    now = _ties(content, entry)
    gained = tuple(each for each in now if each not in before)
    lost = tuple(each for each in _ties(content, was) if each not in now) if was else ()
    kind: ChangeKind = "tactics-changed" if entry.kind == "technique" else "links-changed"
    if was is None:
        kind, gained = "new", ()
    elif was.name != entry.name:
        kind = "renamed"
    elif not gained and not lost:
        return None
    return Change(
        id=entry.id,
        framework=entry.framework,
        old_edition=old,
        new_edition=entry.edition,
        kind=kind,
        old_name=was.full_name if was else "",
        new_name=entry.full_name,
        gained=gained,
        lost=lost,
    )


def _ties(content: Content, entry: Entry) -> tuple[str, ...]:
    """What an entry is tied to in its edition: tactics of a technique, techniques of the rest."""
    if entry.kind == "mitigation":
        return content.links[entry.edition][entry.id]
    return entry.tactics


def _retired(
    entry: Entry, former: FormerName | None, after: Mapping[str, Entry], *, edition: str
) -> Change:
    replacement = former.replacement if former else ""
    return Change(
        id=entry.id,
        framework=entry.framework,
        old_edition=entry.edition,
        new_edition=edition,
        kind="retired",
        old_name=entry.full_name,
        new_name=after[replacement].full_name if replacement in after else "",
        replacement=replacement,
    )


def successions(content: Content, framework: str, old: str, new: str) -> Iterator[Change]:
    """What became of an OWASP list, entry by entry, and what is new in it.

    Args:
        content: All tables.
        framework: The list.
        old: The older edition.
        new: The newer one.
    """
    entries = {e.id: e for e in content.entries if e.framework == framework}
    reached: set[str] = set()
    for entry in entries.values():
        if entry.edition == old:
            change = _succession(content, entry, entries, edition=new)
            reached.add(change.replacement)
            yield change
    for entry in entries.values():
        if entry.edition == new and entry.id not in reached:
            yield Change(
                id=entry.id,
                framework=entry.framework,
                old_edition=old,
                new_edition=new,
                kind="new",
                old_name="",
                new_name=entry.name,
            )


def _succession(
    content: Content, entry: Entry, entries: Mapping[str, Entry], *, edition: str
) -> Change:
    """Where an entry went, over all editions between; the loosest tie on the way counts."""
    last, kind = entry, _LOOSENESS[0]
    while last.edition != edition:
        step = content.successors[last.id]
        kind = max(kind, step.kind, key=_LOOSENESS.index)
        last = entries[step.id]
    if kind == "same" and last.id.partition(":")[0] != entry.id.partition(":")[0]:
        kind = "renumbered"
    return Change(
        id=entry.id,
        framework=entry.framework,
        old_edition=entry.edition,
        new_edition=edition,
        kind=kind,
        old_name=entry.name,
        new_name=last.name,
        replacement=last.id,
    )
