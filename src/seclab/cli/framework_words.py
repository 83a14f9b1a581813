"""Entries of the frameworks in sentences: what became of one, and what a wrong id may mean."""

from collections.abc import Iterable, Iterator

from seclab.errors import Misconfigured
from seclab.frameworks import Change, Entry, Frameworks, Legacy

_MOST = 3

VERIFIED = {
    "yes": "in the publisher's own files",
    "secondary": "in copies by others that agree",
    "no": "in copies by others that disagree about the name",
}
"""How an entry was read."""

_TIES = {
    "same": "same number and name",
    "renumbered": "same name, another number",
    "renamed": "another name",
    "broadened": "takes in more",
    "nearest": "the entry was dropped, this is the nearest by our judgement",
}


def titles(frameworks: Frameworks, ids: Iterable[str]) -> str:
    """Ids with the names of today, for a sentence."""
    found = ((each, frameworks.get(each)) for each in ids)
    return ", ".join(f"{each} {entry.full_name}" if entry else each for each, entry in found)


def change_in_words(frameworks: Frameworks, change: Change) -> str:
    """What became of an id, without the id."""
    if change.kind == "new":
        return f"new in {change.new_edition}"
    after = f"{change.replacement} {change.new_name}"
    if change.kind == "retired":
        instead = f"use {after}" if change.replacement else "nothing takes its place"
        return f"retired, no longer in {change.new_edition}: {instead}"
    if change.replacement:
        return f"goes on in {change.new_edition} as {after} ({_TIES[change.kind]})"
    parts = [f"{change.old_name} until {change.old_edition}"] if change.kind == "renamed" else []
    for verb, ids in (("gained", change.gained), ("lost", change.lost)):
        if ids:
            named = titles(frameworks, ids) if len(ids) <= _MOST else ", ".join(ids)
            parts.append(f"{verb} {named}")
    return "; ".join(parts)


def find(frameworks: Frameworks, id_: str) -> Entry:
    """The entry with an id, in any case of letters.

    Raises:
        Misconfigured: There is none; the sentences say what was probably meant.
    """
    entry = frameworks.get(id_) or frameworks.get(id_.strip().upper())
    if entry is None:
        raise Misconfigured(list(_unknown(frameworks, id_)))
    return entry


def _unknown(frameworks: Frameworks, token: str) -> Iterator[str]:
    """What a token that is no id may mean."""
    rows = _legacy_rows(frameworks, token)
    for row in rows:
        yield _legacy(frameworks, row)
    if rows:
        return
    guesses = frameworks.nearest(token) or frameworks.search(token)
    if guesses:
        found = titles(frameworks, (entry.id for entry in guesses[:_MOST]))
        yield f"{token}: no framework has this id; near it are {found}"
    else:
        yield (
            f"{token}: no framework has this id, and none is near it; look for words of its name "
            "with seclab frameworks search"
        )


def _legacy_rows(frameworks: Frameworks, token: str) -> tuple[Legacy, ...]:
    """What a token is, or of one of ATT&CK what it is without the prefix of ATLAS, or its whole."""
    rows = frameworks.legacy(token)
    if not rows:
        of_attack = frameworks.legacy(token.upper().removeprefix("AML."))
        rows = tuple(row for row in of_attack if row.replacement or row.alternatives)
    elif not any(row.replacement or row.alternatives for row in rows) and "." in token:
        rows += frameworks.legacy(token.partition(".")[0])
    return rows


def _legacy(frameworks: Frameworks, row: Legacy) -> str:
    where = f" (where it is about {row.context})" if row.context else ""
    meant = f"write {titles(frameworks, [row.replacement])}" if row.replacement else ""
    others = titles(frameworks, row.alternatives)
    or_else = f"{'or' if meant else 'it may be'} {others}" if others else ""
    advice = ", ".join(filter(None, (meant, or_else)))
    hint = advice or "look for words of its name with seclab frameworks search"
    return f"{row.token}{where}: {row.what_it_is}; {hint}"
