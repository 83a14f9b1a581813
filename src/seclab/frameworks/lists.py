"""The tables of NIST AI 100-2, the OWASP lists, STRIDE and PASTA, and that of the editions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from seclab.frameworks.records import (
    FRAMEWORKS,
    VERIFIED,
    ChangeKind,
    Edition,
    Entry,
    Framework,
    Kind,
    Succession,
    Verified,
)
from seclab.frameworks.sheets import Sheet, Tables
from seclab.registers.tables import NONE, Cells

NIST = r"NISTAML\.0[1-9][0-9]?"
OWASP = "(LLM|ML|ASI)(0[1-9]|10):[0-9]{4}"
OBJECTIVES = ("availability", "integrity", "privacy", "misuse", "supply-chain")
LISTS: Mapping[str, Framework] = {"LLM": "OWASP LLM", "ML": "OWASP ML", "ASI": "OWASP Agentic"}
SUCCESSIONS = ("same", "renamed", "broadened", "nearest", NONE)


@dataclass(frozen=True, slots=True)
class NistLine:
    """One row of the taxonomy of NIST.

    Attributes:
        id: ``NISTAML.022``.
        name: Its name; several attacks share one.
        kind: An objective or an attack.
        aims: The objectives in words, of predictive systems first.
        verified: How it was read.
        note: What a reader has to know.
    """

    id: str
    name: str
    kind: Kind
    aims: tuple[str, ...]
    verified: Verified
    note: str


@dataclass(frozen=True, slots=True)
class OwaspLine:
    """One row of the OWASP lists.

    Attributes:
        id: ``LLM06:2025``.
        name: Its name.
        successor: What goes on with it in the next edition; ``None`` in the newest.
        verified: How it was read.
    """

    id: str
    name: str
    successor: Succession | None
    verified: Verified

    @property
    def valid(self) -> bool:
        """Whether the id has the form of one."""
        return bool(re.fullmatch(OWASP, self.id))

    @property
    def framework(self) -> Framework:
        """The list it stands in, of a valid id."""
        return LISTS[re.sub("[0-9:].*", "", self.id)]

    @property
    def edition(self) -> str:
        """The edition, a year."""
        return self.id.partition(":")[2]


def read_editions(tables: Tables) -> Sheet[Edition]:
    """The editions that the other tables hold, of each framework from the oldest to the newest."""
    columns = ("framework", "edition", "published", "verified", "licence", "address")
    return tables.sheet("editions.csv", columns, _edition, key=("framework", "edition"))


def _edition(cells: Cells) -> Edition:
    return Edition(
        framework=cast("Framework", cells.choice("framework", FRAMEWORKS)),
        edition=_or_empty(cells.text("edition")),
        published=_or_empty(cells.text("published")),
        verified=cast("Verified", cells.choice("verified", VERIFIED)),
        licence=_or_empty(cells.text("licence")),
        address=_or_empty(cells.text("address")),
    )


def _or_empty(cell: str) -> str:
    return "" if cell == NONE else cell


def read_nist(tables: Tables) -> Sheet[NistLine]:
    """The taxonomy of NIST AI 100-2."""
    columns = (
        "id",
        "name",
        "kind",
        "predictive",
        "generative",
        "generative_as_printed",
        "verified",
        "note",
    )
    sheet = tables.sheet("nist.csv", columns, _nist)
    named = {line.aims for line in sheet.values if line.kind == "objective"}
    for cells, line in sheet.rows:
        objective = line.id[: len("NISTAML.01")]
        if sheet.ids is not None and line.id and objective not in sheet.ids:
            cells.wrong("id", f"the objective {objective} that it belongs to is not in the table")
        for aim in line.aims:
            if sheet.ids is not None and (aim,) not in named:
                cells.wrong("predictive", f"no row of kind objective is about {aim}")
    return sheet


def _nist(cells: Cells) -> NistLine:
    pattern, example = "|".join(OBJECTIVES), ", ".join(OBJECTIVES)
    predictive = cells.ids("predictive", pattern, example)
    generative = cells.ids("generative", pattern, example)
    printed = cells.ids("generative_as_printed", pattern, example)
    aims = tuple(each for each in OBJECTIVES if each in predictive + generative)
    if not aims:
        cells.wrong("predictive", "it names no objective, for neither kind of system")
    kind = cells.choice("kind", ("objective", "attack"))
    if kind == "objective" and len(aims) > 1:
        cells.wrong("predictive", "an objective names itself only")
    errata = f"printed under {', '.join(printed)} for generative systems, before the errata"
    return NistLine(
        id=cells.name("id", NIST, "NISTAML.022"),
        name=cells.text("name"),
        kind=cast("Kind", kind),
        aims=aims,
        verified=cast("Verified", cells.choice("verified", VERIFIED)),
        note="; ".join(filter(None, (errata if printed else "", cells.optional("note")))),
    )


def read_owasp(tables: Tables) -> Sheet[OwaspLine]:
    """The OWASP lists, all editions."""
    columns = ("id", "name", "successor_id", "successor_kind", "verified")
    return tables.sheet("owasp.csv", columns, _owasp)


def _owasp(cells: Cells) -> OwaspLine:
    successor = cells.ids("successor_id", OWASP, "LLM06:2025")
    kind = cells.choice("successor_kind", SUCCESSIONS)
    if len(successor) > 1:
        cells.wrong("successor_id", "one id only, the one that goes on with most of it")
    if kind and bool(successor) == (kind == NONE):
        cells.wrong("successor_kind", "a successor needs a kind, and a kind a successor")
    return OwaspLine(
        id=cells.name("id", OWASP, "LLM06:2025"),
        name=cells.text("name"),
        successor=Succession(successor[0], cast("ChangeKind", kind)) if successor else None,
        verified=cast("Verified", cells.choice("verified", VERIFIED)),
    )


def read_stride(tables: Tables) -> Sheet[tuple[str, str, str]]:
    """The six kinds of threats: letter, name, and the property that each violates."""
    return tables.sheet(
        "stride.csv",
        ("id", "name", "violates"),
        lambda cells: (
            cells.name("id", "[STRIDE]", "a letter of STRIDE"),
            cells.text("name"),
            cells.text("violates"),
        ),
    )


def read_pasta(tables: Tables) -> Sheet[tuple[str, str]]:
    """The seven stages of PASTA: id and name."""
    return tables.sheet(
        "pasta.csv",
        ("id", "name"),
        lambda cells: (cells.name("id", "PASTA-[1-7]", "PASTA-1"), cells.text("name")),
    )


def nist_entries(lines: Sequence[NistLine], edition: Edition) -> Iterator[Entry]:
    """The entries of NIST AI 100-2."""
    objectives = {line.aims[0]: line.id for line in lines if line.kind == "objective"}
    for line in lines:
        attack = line.kind == "attack"
        yield Entry(
            id=line.id,
            name=line.name,
            full_name=f"{line.name} ({', '.join(line.aims)})" if attack else line.name,
            framework="NIST AI 100-2",
            edition=edition.edition,
            kind=line.kind,
            status="current",
            verified=line.verified,
            objectives=tuple(objectives[aim] for aim in line.aims) if attack else (),
            note=line.note,
        )


def owasp_entries(lines: Sequence[OwaspLine]) -> Iterator[Entry]:
    """The entries of the OWASP lists."""
    for line in lines:
        yield Entry(
            id=line.id,
            name=line.name,
            full_name=line.name,
            framework=line.framework,
            edition=line.edition,
            kind="entry",
            status="superseded" if line.successor else "current",
            verified=line.verified,
        )


def method_entries(
    stride: Sequence[tuple[str, str, str]],
    pasta: Sequence[tuple[str, str]],
    editions: Mapping[str, Edition],
) -> Iterator[Entry]:
    """The letters of STRIDE and the stages of PASTA."""
    for letter, name, violates in stride:
        yield _plain(letter, name, "threat", editions["STRIDE"], note=f"violates {violates}")
    for stage, name in pasta:
        yield _plain(stage, name, "stage", editions["PASTA"])


def _plain(id_: str, name: str, kind: Kind, edition: Edition, *, note: str = "") -> Entry:
    return Entry(
        id=id_,
        name=name,
        full_name=name,
        framework=edition.framework,
        edition=edition.edition,
        kind=kind,
        status="current",
        verified=edition.verified,
        note=note,
    )
