"""Waivers, entry by entry."""

from seclab.registers.criteria import THRESHOLD_ID
from seclab.registers.entries import Entry, read_document
from seclab.registers.records import Waiver
from seclab.registers.risks import RISK_ID
from seclab.registers.tables import Problems
from seclab.yaml_files import YamlMapping

_KEYS = ("id", "risk", "criterion", "model", "reason", "owner", "approver", "until")
_WAIVER_ID = "W-[0-9]{3}"


def waivers(data: bytes | None, problems: Problems) -> list[tuple[YamlMapping, Waiver]]:
    """The waivers of a file, each with its mapping; the mistakes are noted in ``problems``."""
    document = read_document(data, problems)
    if document is None:
        return []
    if not isinstance(document, list):
        problems.add("a list of waivers is needed; write [] for none")
        return []
    found = []
    first: dict[str, int] = {}
    for number, item in enumerate(document, start=1):
        if not isinstance(item, YamlMapping):
            problems.add(f"waiver {number} is no mapping; write '- id: ...' and its other keys")
            continue
        waiver = _waiver(Entry(item, problems))
        found.append((item, waiver))
        line = first.setdefault(waiver.id, item.line)
        if waiver.id and line != item.line:
            problems.add(f"{waiver.id} stands in line {line} already", line=item.line, column="id")
    return found


def _waiver(entry: Entry) -> Waiver:
    entry.only(_KEYS, required=_KEYS)
    waiver = Waiver(
        id=entry.name("id", _WAIVER_ID, "W-001"),
        risk=entry.name("risk", RISK_ID, "R-EVA-01"),
        criterion=entry.name("criterion", THRESHOLD_ID, "T-EVA-01"),
        model=entry.text("model"),
        reason=entry.text("reason"),
        owner=entry.text("owner"),
        approver=entry.text("approver"),
        until=entry.day("until"),
    )
    owner, approver = (" ".join(who.split()).casefold() for who in (waiver.owner, waiver.approver))
    if owner and owner == approver:
        entry.wrong("approver", f"{waiver.approver} cannot approve a waiver of their own")
    return waiver
