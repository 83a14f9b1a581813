"""What is wrong in one row of the risk register, beside its ids."""

import re
from collections.abc import Collection, Iterator
from datetime import date

from seclab.findings import Edit, Finding
from seclab.register_checks.forms import days, says_nothing
from seclab.register_checks.writing import Writer
from seclab.registers import DATA_CHECKS, NEVER_TESTED
from seclab.registers.risks import RISK_ID, meant_id
from seclab.registers.tables import Row

_UNTESTED = (NEVER_TESTED, "never tested", "untested", "not tested")
_SEPARATORS = re.compile(r"[;,|\s]+")


def identity(row: Row, write: Writer) -> Iterator[Finding]:
    """Whether an id is only written wrong; not safe to change, since other files name it."""
    cell = row.cells.get("id", "")
    meant = meant_id(cell)
    if cell != meant and re.fullmatch(RISK_ID, meant):
        yield write.about(
            row,
            "malformed",
            "id",
            message=f"{cell!r} has not the form of an id",
            suggestion=f"write {meant}",
            edit=Edit(meant, safe=False),
        )


def owner_and_review(row: Row, write: Writer, *, at: date) -> Iterator[Finding]:
    """Whether somebody answers for a risk, and whether it is due on the day ``at``."""
    if "owner" in row.cells and says_nothing(row.cells["owner"]):
        yield write.about(
            row,
            "owner-missing",
            "owner",
            message="nobody answers for the risk",
            suggestion="name the role that does",
        )
    if "review_date" not in row.cells:
        return
    found = days(row.cells["review_date"])
    if says_nothing(row.cells["review_date"]):
        yield write.about(
            row,
            "review-missing",
            "review_date",
            message="the risk has no review date",
            suggestion="name the day it must be looked at again, like 2027-03-31",
        )
    elif len(found) == 1 and found[0] < at:
        overdue = (at - found[0]).days
        yield write.about(
            row,
            "review-past",
            "review_date",
            message=f"the review of {found[0]} is {overdue} days overdue",
            suggestion="look at the risk again and set the next date",
        )


def evidence_items(row: Row) -> tuple[str, ...]:
    """What a risk names as its evidence, in any spelling; empty where it was never tested."""
    cell = " ".join(row.cells.get("evidence", "").split())
    if says_nothing(cell) or cell.casefold() in _UNTESTED:
        return ()
    return tuple(dict.fromkeys(filter(None, _SEPARATORS.split(cell))))


def evidence(
    row: Row, write: Writer, *, evaluations: Collection[str], suites: Collection[str]
) -> Iterator[Finding]:
    """Whether the evidence that a risk names exists."""
    items = evidence_items(row)
    found = list(_unknown(items, write, row, evaluations=evaluations, suites=suites))
    yield from found
    cell = row.cells.get("evidence", "")
    meant = ";".join(items) or NEVER_TESTED
    if cell.strip() and cell != meant and not found:
        yield write.about(
            row,
            "malformed",
            "evidence",
            message=f"{cell!r} has not the form that is needed",
            suggestion=f"write {meant}",
            edit=Edit(meant, safe=bool(items) or cell.strip().casefold() in _UNTESTED),
        )


def _unknown(
    items: tuple[str, ...],
    write: Writer,
    row: Row,
    *,
    evaluations: Collection[str],
    suites: Collection[str],
) -> Iterator[Finding]:
    for item in items:
        kind, _, suite = item.partition(":")
        is_suite = kind == DATA_CHECKS
        name, known = (suite, suites) if is_suite else (item, evaluations)
        if name in known or (is_suite and not suite):
            continue

        def cell(near: str, item: str = item, prefix: str = f"{kind}:" * is_suite) -> str:
            return ";".join(prefix + near if each == item else each for each in items)

        yield write.unknown(
            row,
            "unknown-suite" if is_suite else "unknown-evaluation",
            "evidence",
            message=f"there is no {'check suite' if is_suite else 'evaluation'} {name!r}",
            name=name,
            known=known,
            cell=cell,
        )
