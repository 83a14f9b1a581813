"""What ``seclab frameworks`` lists, shows and finds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from seclab import settings
from seclab.cli.framework_words import VERIFIED, change_in_words, find, titles
from seclab.cli.output import as_json, say, table
from seclab.errors import Misconfigured
from seclab.frameworks import (
    FOLDER,
    FRAMEWORKS,
    KINDS,
    Crossing,
    Entry,
    Frameworks,
    Related,
    load_frameworks,
    related,
)
from seclab.registers import Registers, Risk, load_registers


def list_entries(
    *, framework: str | None, edition: str | None, kind: str | None, json: bool
) -> None:
    """Print the editions, or the entries that the options select.

    Raises:
        Misconfigured: There is no such framework, edition or kind.
    """
    frameworks = load()
    if framework is edition is kind is None:
        _list_editions(frameworks, json=json)
        return
    found = _selected(frameworks, framework, edition, kind)
    if json:
        as_json([asdict(entry) for entry in found])
    else:
        table(("id", "name", "kind", "edition", "status"), [_cells(entry) for entry in found])


def _list_editions(frameworks: Frameworks, *, json: bool) -> None:
    counts = Counter((entry.framework, entry.edition) for entry in frameworks.entries)
    found = [(each, counts[each.framework, each.edition]) for each in frameworks.editions]
    if json:
        as_json([asdict(each) | {"entries": count} for each, count in found])
        return
    table(
        ("framework", "edition", "published", "entries", "read"),
        [
            (
                each.framework,
                each.edition or "-",
                each.published or "-",
                str(count),
                VERIFIED[each.verified],
            )
            for each, count in found
        ],
    )


def _selected(
    frameworks: Frameworks, framework: str | None, edition: str | None, kind: str | None
) -> list[Entry]:
    """The entries of the newest editions, or of the one that is asked for."""
    of_framework = [each for each in frameworks.editions if framework in (None, each.framework)]
    editions = dict.fromkeys(each.edition for each in of_framework if each.edition)
    problems = []
    if not of_framework:
        problems.append(f"--framework {framework!r} is none of {', '.join(FRAMEWORKS)}")
    elif edition is not None and edition not in editions:
        known = ", ".join(editions) or "it has none"
        problems.append(f"--edition {edition!r} is not among those of the tables: {known}")
    if kind not in (None, *KINDS):
        problems.append(f"--kind {kind!r} is none of {', '.join(KINDS)}")
    if problems:
        raise Misconfigured(problems)
    return [
        entry
        for entry in frameworks.entries
        if framework in (None, entry.framework)
        and kind in (None, entry.kind)
        and entry.edition == (edition or frameworks.newest(entry.framework))
    ]


def show(id_: str, *, json: bool) -> None:
    """Print one entry.

    Raises:
        Misconfigured: There is none with this id; the message says what was probably meant.
    """
    frameworks = load()
    entry = find(frameworks, id_)
    risks, problem = _risks(entry)
    ties = related(frameworks, entry)
    if json:
        as_json(_document(frameworks, entry, ties, risks))
        return
    say(f"{entry.id}  {entry.full_name}")
    for line in _about(frameworks, entry):
        say(f"  {line}")
    _say_ties(ties, risks)
    _say_crosswalk(frameworks.crosswalk(entry.id))
    if problem:
        say()
        say(problem)


def _about(frameworks: Frameworks, entry: Entry) -> Iterator[str]:
    """What the tables know of an entry, a line each."""
    edition = f"{entry.framework} {entry.edition}".strip()
    yield f"{edition}, {entry.kind}, {entry.status}; read {VERIFIED[entry.verified]}"
    older = frameworks.editions_of(entry.id)[:-1]
    for each in older:
        yield f"also in {each.edition}" + (f" as {each.name}" * (each.name != entry.name))
    for former in frameworks.former_names_of(entry.id):
        if former.name != entry.name:
            yield f"formerly {former.name} (seen first in {former.first_seen})"
    change = frameworks.change_of(entry.id)
    if change:
        yield f"changed: {change_in_words(frameworks, change)}"
    for each in older:
        known = frameworks.mitigations_of(entry.id, edition=each.edition)
        ids = {mitigation.id for mitigation in known}
        new = [m.id for m in frameworks.mitigations_of(entry.id) if m.id not in ids]
        if new:
            yield f"mitigations new since {each.edition}: {titles(frameworks, new)}"
    attack = frameworks.attack_ids_of(entry.id)
    if attack:
        yield f"made after {', '.join(attack)} of ATT&CK"
    if entry.note:
        yield f"note: {entry.note}"


def _say_ties(ties: Sequence[Related], risks: Sequence[Risk]) -> None:
    rows = [
        *((str(each.relation), each.entry.id, each.entry.full_name) for each in ties),
        *(("risk", risk.id, f"{risk.title} ({risk.status})") for risk in risks),
    ]
    if rows:
        say()
        table(("what", "id", "name"), rows)


def _say_crosswalk(crossings: Sequence[Crossing]) -> None:
    if not crossings:
        return
    say()
    rows = [
        (
            each.threat,
            " ".join(each.nist_ids),
            " ".join((*each.atlas_ids, *each.older_atlas_ids)),
            " ".join(each.owasp_ids),
            "".join(each.stride),
        )
        for each in crossings
    ]
    table(("threat, by our mapping", "NIST AI 100-2", "MITRE ATLAS", "OWASP", "STRIDE"), rows)


def _risks(entry: Entry) -> tuple[tuple[Risk, ...], str]:
    """The risks of the register that carry an entry, and why there are none if it is unreadable."""
    try:
        register = load_registers(settings.find().registers)
    except Misconfigured as error:
        return (), f"The risks are left out, because the registers are wrong: {error.problems[0]}"
    return _carriers(register, entry.id), ""


def _carriers(register: Registers, id_: str) -> tuple[Risk, ...]:
    return tuple(
        risk
        for risk in register.risks.values()
        if id_ in (risk.nist_id, *risk.atlas_ids, *risk.owasp_ids, *risk.stride)
    )


def _document(
    frameworks: Frameworks, entry: Entry, ties: Sequence[Related], risks: Sequence[Risk]
) -> dict[str, Any]:
    change = frameworks.change_of(entry.id)
    return asdict(entry) | {
        "editions": [
            {"edition": each.edition, "name": each.name}
            for each in frameworks.editions_of(entry.id)
        ],
        "former_names": [asdict(each) for each in frameworks.former_names_of(entry.id)],
        "change": asdict(change) if change else None,
        "attack_ids": frameworks.attack_ids_of(entry.id),
        "related": [
            {"relation": each.relation, "id": each.entry.id, "name": each.entry.full_name}
            for each in ties
        ],
        "crosswalk": [asdict(each) for each in frameworks.crosswalk(entry.id)],
        "risks": [risk.id for risk in risks],
    }


def search(words: str, *, json: bool) -> None:
    """Print the entries that have every word in their id or in a name they have or had."""
    frameworks = load()
    found = frameworks.search(words)
    if json:
        as_json([asdict(entry) for entry in found])
    elif not found:
        say(f"no entry has {words!r} in its id or in a name it has or had")
    else:
        rows = [
            (*_cells(entry), ", ".join(each.name for each in frameworks.former_names_of(entry.id)))
            for entry in found
        ]
        table(("id", "name", "kind", "edition", "status", "formerly"), rows)


def _cells(entry: Entry) -> tuple[str, ...]:
    edition = f"{entry.framework} {entry.edition}".strip()
    return (entry.id, entry.full_name, entry.kind, edition, entry.status)


def load() -> Frameworks:
    """The frameworks of the project."""
    return load_frameworks(settings.find().registers / FOLDER)
