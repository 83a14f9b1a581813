"""The tables of MITRE ATLAS: three for each edition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from seclab.frameworks.records import ATLAS, Edition, Entry, Kind, Status
from seclab.frameworks.sheets import Sheet, Tables
from seclab.registers.tables import Cells

TACTIC = r"AML\.TA[0-9]{4}"
TECHNIQUE = r"AML\.T[0-9]{4}(\.[0-9]{3})?"
MITIGATION = r"AML\.M[0-9]{4}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table of ATLAS.

    Attributes:
        id: The id.
        name: The name.
        refers_to: Tactics of a technique, techniques of a mitigation.
    """

    id: str
    name: str
    refers_to: tuple[str, ...] = ()

    @property
    def parent(self) -> str:
        """The technique that a sub-technique belongs to; empty elsewhere."""
        return self.id.rpartition(".")[0] if self.id.count(".") > 1 else ""


@dataclass(frozen=True, slots=True)
class AtlasEdition:
    """The tables of one edition of ATLAS.

    Attributes:
        edition: Which.
        tactics: In the order of the matrix.
        techniques: With their sub-techniques.
        mitigations: With the techniques they stand against.
    """

    edition: Edition
    tactics: Sheet[Line]
    techniques: Sheet[Line]
    mitigations: Sheet[Line]

    @property
    def sheets(self) -> Mapping[Kind, Sheet[Line]]:
        """The tables by what stands in them."""
        return {
            "tactic": self.tactics,
            "technique": self.techniques,
            "mitigation": self.mitigations,
        }

    def names(self) -> Mapping[str, str]:
        """Every id with its name."""
        return {line.id: line.name for sheet in self.sheets.values() for line in sheet.values}


def read_atlas(tables: Tables, editions: Sequence[Edition]) -> tuple[AtlasEdition, ...]:
    """The editions of ATLAS that the table of the editions names, each checked within itself."""
    found = tuple(_read(tables, edition) for edition in editions if edition.framework == ATLAS)
    for edition in found:
        _check(edition)
    return found


def _read(tables: Tables, edition: Edition) -> AtlasEdition:
    stem = f"atlas_{edition.edition.replace('.', '_')}"
    return AtlasEdition(
        edition,
        tables.sheet(f"{stem}_tactics.csv", ("id", "name"), _tactic),
        tables.sheet(f"{stem}_techniques.csv", ("id", "name", "tactic_ids"), _technique),
        tables.sheet(f"{stem}_mitigations.csv", ("id", "name", "technique_ids"), _mitigation),
    )


def _tactic(cells: Cells) -> Line:
    return Line(cells.name("id", TACTIC, "AML.TA0002"), cells.text("name"))


def _technique(cells: Cells) -> Line:
    return Line(
        cells.name("id", TECHNIQUE, "AML.T0043 or AML.T0043.001"),
        cells.text("name"),
        cells.letters("tactic_ids", TACTIC, "AML.TA0002"),
    )


def _mitigation(cells: Cells) -> Line:
    return Line(
        cells.name("id", MITIGATION, "AML.M0003"),
        cells.text("name"),
        cells.ids("technique_ids", TECHNIQUE, "AML.T0043 or AML.T0043.001"),
    )


def _check(atlas: AtlasEdition) -> None:
    """Whether every parent, tactic and technique that a row names is there."""
    techniques = atlas.techniques.ids
    for cells, line in atlas.techniques.rows:
        if techniques is not None and line.parent and line.parent not in techniques:
            cells.wrong("id", f"the technique {line.parent} that it belongs to is not in the table")
        _check_known(cells, "tactic_ids", line.refers_to, atlas.tactics)
    for cells, line in atlas.mitigations.rows:
        _check_known(cells, "technique_ids", line.refers_to, atlas.techniques)


def _check_known(cells: Cells, column: str, ids: Sequence[str], sheet: Sheet[Line]) -> None:
    known = sheet.ids
    for each in ids:
        if known is not None and each not in known:
            cells.wrong(column, f"{each} is not in {sheet.file}")


def atlas_entries(editions: Sequence[AtlasEdition]) -> Iterator[Entry]:
    """Every entry of every edition, the oldest edition first."""
    newest = editions[-1].names()
    for atlas in editions:
        current = atlas is editions[-1]
        names = atlas.names()
        for kind, sheet in atlas.sheets.items():
            for line in sheet.values:
                status = "current" if current else _status(line, newest)
                prefix = f"{names[line.parent]}: " if line.parent else ""
                yield Entry(
                    id=line.id,
                    name=line.name,
                    full_name=prefix + line.name,
                    framework="MITRE ATLAS",
                    edition=atlas.edition.edition,
                    kind=kind,
                    status=cast("Status", status),
                    verified=atlas.edition.verified,
                    parent=line.parent,
                    tactics=line.refers_to if kind == "technique" else (),
                )


def _status(line: Line, newest: Mapping[str, str]) -> str:
    if line.id not in newest:
        return "retired"
    return "superseded" if newest[line.id] == line.name else "renamed"
