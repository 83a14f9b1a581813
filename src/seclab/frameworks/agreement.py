"""Whether the tables of the frameworks agree with one another."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from seclab.frameworks.atlas import AtlasEdition
from seclab.frameworks.lists import NistLine, OwaspLine
from seclab.frameworks.records import (
    ATLAS,
    FRAMEWORKS,
    Crossing,
    Edition,
    FormerName,
    Legacy,
    Reference,
)
from seclab.frameworks.sheets import Sheet
from seclab.registers.tables import Cells


@dataclass(frozen=True, slots=True)
class Sheets:
    """All tables, read but not yet held against one another.

    Attributes:
        editions: Which editions there are.
        atlas: The tables of ATLAS, the oldest edition first.
        nist: The taxonomy of NIST.
        owasp: The OWASP lists.
        stride: Letter, name, violated property.
        pasta: Id and name.
        crosswalk: Threats in the words of all frameworks.
        former_names: Names that ids carried before.
        references: From ATT&CK to ATLAS.
        legacy: What people write in the place of an id.
    """

    editions: Sheet[Edition]
    atlas: tuple[AtlasEdition, ...]
    nist: Sheet[NistLine]
    owasp: Sheet[OwaspLine]
    stride: Sheet[tuple[str, str, str]]
    pasta: Sheet[tuple[str, str]]
    crosswalk: Sheet[Crossing]
    former_names: Sheet[FormerName]
    references: Sheet[Reference]
    legacy: Sheet[Legacy]


class Known:
    """Which ids there are. A table that cannot be read might hold any: nothing is held against it.

    Args:
        sheets: All tables.
    """

    def __init__(self, sheets: Sheets) -> None:
        self.nist = sheets.nist.ids
        self.owasp = sheets.owasp.ids
        self.stride = sheets.stride.ids
        self.techniques = [each.techniques.ids for each in sheets.atlas]
        self.mitigations = [each.mitigations.ids for each in sheets.atlas]
        tactics = [each.tactics.ids for each in sheets.atlas]
        newest = (self.techniques[-1:], self.mitigations[-1:], tactics[-1:])
        self.newest = _union([ids for group in newest for ids in group] or [None])
        atlas = _union([*self.techniques, *self.mitigations, *tactics] or [None])
        self.anything = _union([atlas, self.nist, self.owasp])
        self.in_use = _union([self.newest, self.nist, self.owasp])


def _union(parts: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    known = [part for part in parts if part is not None]
    return frozenset().union(*known) if len(known) == len(parts) else None


def check(sheets: Sheets) -> None:
    """Note in each table what does not agree with the others."""
    known = Known(sheets)
    _check_editions(sheets)
    _check_successors(sheets)
    for cells, former in sheets.former_names.rows:
        _check_former(cells, former, known)
    for cells, reference in sheets.references.rows:
        _expect(cells, "atlas_id", [reference.atlas_id], known.newest)
    for cells, crossing in sheets.crosswalk.rows:
        _check_crossing(cells, crossing, known)
        _check_links(cells, crossing, sheets.atlas)
    for cells, legacy in sheets.legacy.rows:
        _expect(cells, "replacement_id", [legacy.replacement], known.anything)
        _expect(cells, "alternative_ids", legacy.alternatives, known.anything)


def _expect(
    cells: Cells,
    column: str,
    ids: Collection[str],
    known: frozenset[str] | None,
    *,
    where: str = "any table",
) -> None:
    for each in ids:
        if each and known is not None and each not in known:
            cells.wrong(column, f"{each} is not in {where}")


def _check_editions(sheets: Sheets) -> None:
    """Whether every entry belongs to an edition that is listed, and every edition has entries."""
    listed = Counter(edition.framework for edition in sheets.editions.values)
    editions = {(edition.framework, edition.edition) for edition in sheets.editions.values}
    owasp = {(line.framework, line.edition) for line in sheets.owasp.values if line.valid}
    for cells, edition in sheets.editions.rows:
        if edition.framework.startswith("OWASP") and sheets.owasp.ids is not None:
            if (edition.framework, edition.edition) not in owasp:
                cells.wrong("edition", f"{sheets.owasp.file} has no entry of this edition")
        elif edition.framework != ATLAS and listed[edition.framework] > 1:
            cells.wrong("edition", f"there is one table of {edition.framework}, so one edition")
    if not sheets.editions.table.complete:
        return
    for cells, line in sheets.owasp.rows:
        if line.valid and (line.framework, line.edition) not in editions:
            cells.wrong("id", f"{sheets.editions.file} does not name this edition of the list")
    missing = [name for name in FRAMEWORKS if not listed[name]]  # type: ignore[index]
    if missing and sheets.editions.rows:
        problem = f"no edition is listed of {', '.join(missing)}"
        sheets.editions.rows[-1][0].wrong("framework", problem)


def _check_successors(sheets: Sheets) -> None:
    """Whether every entry of an older list says what goes on with it in the next edition."""
    order = [(each.framework, each.edition) for each in sheets.editions.values]
    for cells, line in sheets.owasp.rows:
        if not line.valid or (line.framework, line.edition) not in order:
            continue
        place = order.index((line.framework, line.edition))
        later = [edition for name, edition in order[place + 1 :] if name == line.framework]
        successor = line.successor.id if line.successor else ""
        _expect(cells, "successor_id", [successor], sheets.owasp.ids, where=sheets.owasp.file)
        if later and not successor:
            cells.wrong("successor_id", f"edition {later[0]} of the list must go on with it")
        elif successor and (not later or successor.partition(":")[2] != later[0]):
            cells.wrong("successor_id", f"{successor} is not of the next edition")
        elif successor and successor[:2] != line.id[:2]:
            cells.wrong("successor_id", f"{successor} is of another list")


def _check_former(cells: Cells, former: FormerName, known: Known) -> None:
    _expect(cells, "replacement_id", [former.replacement], known.in_use, where="the newest edition")
    if known.in_use is None:
        return
    if not former.replacement:
        _expect(cells, "id", [former.id], known.in_use, where="the newest edition")
    elif former.id in known.in_use:
        cells.wrong("replacement_id", f"{former.id} is still in use: write none")


def _check_crossing(cells: Cells, crossing: Crossing, known: Known) -> None:
    """Whether the frameworks have what a row of the crosswalk names."""
    newest = known.techniques[-1] if known.techniques else None
    older = _union(known.techniques[:-1] or [None])
    mitigations = known.mitigations[-1] if known.mitigations else None
    where = "the newest edition of ATLAS"
    _expect(cells, "nist_ids", crossing.nist_ids, known.nist)
    _expect(cells, "atlas_ids", crossing.atlas_ids, newest, where=where)
    _expect(cells, "older_atlas_ids", crossing.older_atlas_ids, older, where="an older edition")
    for each in crossing.older_atlas_ids:
        if newest is not None and each in newest:
            cells.wrong("older_atlas_ids", f"{each} is in {where}: it belongs into atlas_ids")
    _expect(cells, "mitigation_ids", crossing.mitigation_ids, mitigations, where=where)
    judged = crossing.judged_mitigation_ids
    _expect(cells, "judged_mitigation_ids", judged, mitigations, where=where)
    _expect(cells, "owasp_ids", crossing.owasp_ids, known.owasp)
    _expect(cells, "stride", crossing.stride, known.stride)


def _check_links(cells: Cells, crossing: Crossing, atlas: Sequence[AtlasEdition]) -> None:
    """Whether ATLAS itself links the mitigations to a technique of the row, as the column says."""
    if not all(edition.mitigations.table.complete for edition in atlas):
        return
    techniques = {*crossing.atlas_ids, *crossing.older_atlas_ids}
    linked = {
        line.id
        for edition in atlas
        for line in edition.mitigations.values
        if techniques & set(line.refers_to)
    }
    for each in crossing.mitigation_ids:
        if each not in linked:
            problem = f"no edition of ATLAS links {each} to a technique of this row"
            cells.wrong("mitigation_ids", f"{problem}: it belongs into judged_mitigation_ids")
    for each in crossing.judged_mitigation_ids:
        if each in linked:
            problem = f"ATLAS links {each} to a technique of this row"
            cells.wrong("judged_mitigation_ids", f"{problem}: it belongs into mitigation_ids")
