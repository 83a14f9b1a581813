"""The state of every row in quarantine, as it follows from findings and decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from seclab.quarantine.findings import Finding

Choice: TypeAlias = Literal["confirm", "release"]


class State(StrEnum):
    """What holds for a row. Only what is released may be trained from."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    RELEASED = "released"


CHOSEN: Mapping[Choice, State] = {"confirm": State.CONFIRMED, "release": State.RELEASED}


@dataclass(frozen=True, slots=True)
class RowDecision:
    """What somebody decided about rows.

    Attributes:
        choice: Whether they are bad indeed, or a false alarm.
        rows: Digests of their content.
        by: Who decided: a role, a team, a name.
        reason: Why.
        at: When, with time zone.
        digest: Digest of the record of it.
        signed_by: ID of the key the record is signed with, empty when it is unsigned.
        problem: Why it does not count, empty when it does.
    """

    choice: Choice
    rows: tuple[str, ...]
    by: str
    reason: str
    at: datetime
    digest: str
    signed_by: str = ""
    problem: str = ""

    def words(self) -> str:
        """Who decided what, when and why, as a part of a sentence."""
        done = "confirmed" if self.choice == "confirm" else "released"
        return f"{done} by {self.by} on {self.at:%Y-%m-%d}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of one content in quarantine.

    Attributes:
        row: Digest of the content.
        index: Where the first of them stood in the set in which it was found.
        label: Their label.
        flagged_by: Every expectation that named one of them.
        runs: The runs that found them, the first first.
        found: When the first was found.
        copies: How many were found; rows of equal content beyond them stay in the set.
        decisions: Everything that was decided about them, in order.
    """

    row: str
    index: int
    label: int
    flagged_by: tuple[str, ...]
    runs: tuple[str, ...]
    found: datetime
    copies: int
    decisions: tuple[RowDecision, ...] = ()

    @property
    def decision(self) -> RowDecision | None:
        """The decision that counts: the last, unless something is wrong with it."""
        last = self.decisions[-1] if self.decisions else None
        return None if last is None or last.problem else last

    @property
    def state(self) -> State:
        """What the last decision made of them. Without one that counts they are suspected."""
        return CHOSEN[self.decision.choice] if self.decision else State.SUSPECTED


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The rows of one dataset that were ever set aside.

    Attributes:
        dataset: Name of the dataset.
        rows: What is held, by digest of the content, in the order of finding.
        ledger: Digest of the newest ledger entry this was read from, empty without any.
    """

    dataset: str
    rows: Mapping[str, Held]
    ledger: str = ""

    def of(self, *states: State) -> list[Held]:
        """What is in one of these states."""
        return [held for held in self.rows.values() if held.state in states]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the run that made it.

    Attributes:
        finding: What was found.
        run: ID of the run.
        at: When it was sealed.
    """

    finding: Finding
    run: str
    at: datetime


def hold(
    dataset: str, found: Iterable[Found], decisions: Iterable[RowDecision], *, ledger: str = ""
) -> Quarantine:
    """The quarantine that follows from what was found and decided.

    Args:
        dataset: Name of the dataset.
        found: What runs found, in order.
        decisions: What people decided, in order. One about a row that nobody found says nothing.
        ledger: Digest of the newest ledger entry.
    """
    rows: dict[str, Held] = {}
    for run in found:
        _add(rows, run)
    for decision in decisions:
        for row in decision.rows:
            if row in rows:
                rows[row] = replace(rows[row], decisions=(*rows[row].decisions, decision))
    return Quarantine(dataset, rows, ledger)


def _add(rows: dict[str, Held], run: Found) -> None:
    """Add a finding: what an earlier run had found is set aside, so these are further copies."""
    for suspect in run.finding.rows:
        known = rows.get(suspect.row)
        if known is None:
            rows[suspect.row] = Held(
                suspect.row,
                suspect.index,
                suspect.label,
                suspect.flagged_by,
                (run.run,),
                run.at,
                copies=1,
            )
            continue
        rows[suspect.row] = replace(
            known,
            flagged_by=tuple(dict.fromkeys((*known.flagged_by, *suspect.flagged_by))),
            runs=tuple(dict.fromkeys((*known.runs, run.run))),
            copies=known.copies + 1,
        )
