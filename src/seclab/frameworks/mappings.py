"""The tables that tie the frameworks together, and those of what people write instead of an id."""

from typing import cast

from seclab.frameworks.atlas import MITIGATION, TACTIC, TECHNIQUE
from seclab.frameworks.lists import NIST, OWASP
from seclab.frameworks.records import (
    LEGACY_KINDS,
    SEVERITIES,
    Crossing,
    FormerName,
    Legacy,
    LegacyKind,
    Reference,
    Severity,
)
from seclab.frameworks.sheets import Sheet, Tables
from seclab.registers.tables import Cells

ANY = f"{TACTIC}|{TECHNIQUE}|{MITIGATION}|{NIST}|{OWASP}"
ATTACK = r"TA[0-9]{4}|[TM][1-9][0-9]{3}(\.[0-9]{3})?"
_EXAMPLE = "AML.T0043.001, NISTAML.022 or LLM06:2025"


def read_crosswalk(tables: Tables) -> Sheet[Crossing]:
    """Each threat in the words of all frameworks."""
    columns = (
        "threat",
        "name",
        "system",
        "nist_ids",
        "atlas_ids",
        "older_atlas_ids",
        "mitigation_ids",
        "judged_mitigation_ids",
        "owasp_ids",
        "stride",
        "basis",
    )
    return tables.sheet("crosswalk.csv", columns, _crossing, key=("threat",))


def _crossing(cells: Cells) -> Crossing:
    technique, mitigation = "AML.T0043 or AML.T0043.001", "AML.M0003"
    return Crossing(
        threat=cells.name("threat", "[a-z]+(-[a-z]+)*", "availability-poisoning"),
        name=cells.text("name"),
        system=cells.letters("system", "predictive|generative", "predictive or generative"),
        nist_ids=cells.ids("nist_ids", NIST, "NISTAML.022"),
        atlas_ids=cells.ids("atlas_ids", TECHNIQUE, technique),
        older_atlas_ids=cells.ids("older_atlas_ids", TECHNIQUE, technique),
        mitigation_ids=cells.ids("mitigation_ids", MITIGATION, mitigation),
        judged_mitigation_ids=cells.ids("judged_mitigation_ids", MITIGATION, mitigation),
        owasp_ids=cells.ids("owasp_ids", OWASP, "LLM06:2025 (with the edition)"),
        stride=cells.letters("stride", "[STRIDE]", "a letter of STRIDE"),
        basis=cells.text("basis"),
    )


def read_former_names(tables: Tables) -> Sheet[FormerName]:
    """Names that ids carried before."""
    columns = ("id", "name", "first_seen_in", "replacement_id")
    return tables.sheet("former_names.csv", columns, _former_name, key=("id", "name"))


def _former_name(cells: Cells) -> FormerName:
    return FormerName(
        id=cells.name("id", ANY, _EXAMPLE),
        name=cells.text("name"),
        first_seen=cells.text("first_seen_in"),
        replacement=_one(cells, "replacement_id"),
    )


def _one(cells: Cells, column: str) -> str:
    found = cells.ids(column, ANY, _EXAMPLE)
    if len(found) > 1:
        cells.wrong(column, "one id only, or none")
    return found[0] if found else ""


def read_references(tables: Tables) -> Sheet[Reference]:
    """The entries of ATT&CK that entries of ATLAS were made after."""
    columns = ("attack_id", "kind", "atlas_id")
    return tables.sheet("attack_references.csv", columns, _reference, key=("attack_id", "atlas_id"))


def _reference(cells: Cells) -> Reference:
    return Reference(
        attack_id=cells.name("attack_id", ATTACK, "T1595 or T1583.001"),
        kind=cells.choice("kind", ("tactic", "technique", "mitigation")),
        atlas_id=cells.name("atlas_id", f"{TACTIC}|{TECHNIQUE}|{MITIGATION}", "AML.T0006"),
    )


def read_legacy(tables: Tables) -> Sheet[Legacy]:
    """What people write in the place of an id."""
    columns = (
        "token",
        "context",
        "kind",
        "what_it_is",
        "replacement_id",
        "alternative_ids",
        "severity",
    )
    return tables.sheet("legacy_ids.csv", columns, _legacy, key=("token", "context"))


def _legacy(cells: Cells) -> Legacy:
    replacement = _one(cells, "replacement_id")
    alternatives = cells.ids("alternative_ids", ANY, _EXAMPLE)
    if not replacement and not alternatives:
        cells.wrong("replacement_id", "it says neither what to write nor what may be meant")
    return Legacy(
        token=cells.text("token"),
        context=cells.optional("context"),
        kind=cast("LegacyKind", cells.choice("kind", LEGACY_KINDS)),
        what_it_is=cells.text("what_it_is"),
        replacement=replacement,
        alternatives=alternatives,
        severity=cast("Severity", cells.choice("severity", SEVERITIES)),
    )
