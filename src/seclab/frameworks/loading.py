"""Reading the folder of the frameworks: every table, every mistake, at once."""

from collections.abc import Mapping
from pathlib import Path

from seclab.errors import Misconfigured
from seclab.frameworks.agreement import Sheets, check
from seclab.frameworks.atlas import atlas_entries, read_atlas
from seclab.frameworks.catalogue import Frameworks
from seclab.frameworks.lists import (
    method_entries,
    nist_entries,
    owasp_entries,
    read_editions,
    read_nist,
    read_owasp,
    read_pasta,
    read_stride,
)
from seclab.frameworks.mappings import (
    read_crosswalk,
    read_former_names,
    read_legacy,
    read_references,
)
from seclab.frameworks.records import Content, Edition, Entry
from seclab.frameworks.sheets import Tables

FOLDER = "frameworks"


def load_frameworks(folder: Path) -> Frameworks:
    """Read the tables of the frameworks.

    Args:
        folder: Where ``editions.csv`` and the tables beside it stand.

    Raises:
        Misconfigured: All mistakes of all tables, each with file, line and column.
    """
    tables = Tables(folder)
    editions = read_editions(tables)
    sheets = Sheets(
        editions=editions,
        atlas=read_atlas(tables, editions.values),
        nist=read_nist(tables),
        owasp=read_owasp(tables),
        stride=read_stride(tables),
        pasta=read_pasta(tables),
        crosswalk=read_crosswalk(tables),
        former_names=read_former_names(tables),
        references=read_references(tables),
        legacy=read_legacy(tables),
    )
    check(sheets)
    problems = list(tables.problems())
    if problems:
        raise Misconfigured(problems)
    return Frameworks(_content(sheets))


def _content(sheets: Sheets) -> Content:
    owasp = sheets.owasp.values
    return Content(
        editions=sheets.editions.values,
        entries=_entries(sheets),
        links={
            atlas.edition.edition: {line.id: line.refers_to for line in atlas.mitigations.values}
            for atlas in sheets.atlas
        },
        successors={line.id: line.successor for line in owasp if line.successor},
        crossings=sheets.crosswalk.values,
        former_names=sheets.former_names.values,
        legacy=sheets.legacy.values,
        references=sheets.references.values,
    )


def _entries(sheets: Sheets) -> tuple[Entry, ...]:
    editions: Mapping[str, Edition] = {each.framework: each for each in sheets.editions.values}
    return (
        *atlas_entries(sheets.atlas),
        *nist_entries(sheets.nist.values, editions["NIST AI 100-2"]),
        *owasp_entries(sheets.owasp.values),
        *method_entries(sheets.stride.values, sheets.pasta.values, editions),
    )
