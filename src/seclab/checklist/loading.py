"""Reading ``evidence_checklist.yaml``: every mistake at once, each with its line and key."""

from pathlib import Path
from typing import cast

from seclab.checklist.records import FAMILIES, NAMED, PLACES, Family, Item, Place
from seclab.errors import Misconfigured
from seclab.measurement import SubjectKind
from seclab.registers.entries import Entry, read_document
from seclab.registers.records import SUBJECTS
from seclab.registers.tables import Problems
from seclab.yaml_files import YamlMapping

CHECKLIST = "evidence_checklist.yaml"

_KEYS = ("id", "family", "holds", "why", "applies", "place", "name", "ages")
_REQUIRED = ("id", "family", "holds", "why", "applies", "place")
_ID = "[A-Z]{3}-[0-9]{2}"


def load_checklist(folder: Path) -> tuple[Item, ...]:
    """The items of the checklist, in the order of the file.

    Args:
        folder: The folder of the registers.

    Raises:
        Misconfigured: The file is missing, or something in it is wrong; all mistakes at once.
    """
    try:
        data = (folder / CHECKLIST).read_bytes()
    except OSError as error:
        raise Misconfigured(
            f"{CHECKLIST}: the file cannot be read: {error.strerror}; it belongs into {folder}"
        ) from error
    problems = Problems(CHECKLIST)
    items = _items(read_document(data, problems), problems)
    if problems.found:
        raise Misconfigured(problems.found)
    return tuple(items)


def _items(document: object, problems: Problems) -> list[Item]:
    if not isinstance(document, list) or not document:
        if not problems.found:
            problems.add("a list of items is needed")
        return []
    found: list[Item] = []
    first: dict[str, int] = {}
    for number, each in enumerate(document, start=1):
        if not isinstance(each, YamlMapping):
            problems.add(f"item {number} is no mapping; write '- id: ...' and its other keys")
            continue
        item = _item(Entry(each, problems))
        line = first.setdefault(item.id, each.line)
        if item.id and line != each.line:
            problems.add(f"{item.id} stands in line {line} already", line=each.line, column="id")
        found.append(item)
    return found


def _item(entry: Entry) -> Item:
    entry.only(_KEYS, required=_REQUIRED)
    place, name = entry.choice("place", PLACES), entry.text("name")
    if place in NAMED and not name:
        entry.wrong("place", f"a {place} is found by its name; add the key name")
    if place in PLACES and place not in NAMED and name:
        entry.wrong("name", f"there is one {place} only; leave the name out")
    applies = entry.words("applies")
    for kind in applies:
        if kind not in SUBJECTS:
            entry.wrong("applies", f"{kind!r} is not one of {', '.join(SUBJECTS)}")
    if not applies:
        entry.wrong("applies", f"name at least one of {', '.join(SUBJECTS)}")
    return Item(
        id=entry.name("id", _ID, "MOD-01"),
        family=cast("Family", entry.choice("family", FAMILIES)),
        holds=entry.text("holds"),
        why=entry.text("why"),
        applies=cast("tuple[SubjectKind, ...]", applies),
        place=cast("Place", place),
        name=name,
        ages=entry.flag("ages"),
    )
