"""Which changes no declared step accounts for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.custody.changes import Changes
from seclab.custody.manifest import Effect, Kind, Transformation
from seclab.custody.rows import Rows
from seclab.custody.runs import positions, runs_of, runs_text
from seclab.custody.settlement import settle
from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Block:
    """A run of rows whose change and whose declaration do not agree.

    Attributes:
        kind: What happened to them, or was declared to have.
        first: Position of the first one: before if removed, else after.
        last: Position of the last one.
        reason: Why they are not accounted for.
    """

    kind: Kind
    first: int
    last: int
    reason: str

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        rows = "row" if len(self) == 1 else "rows"
        return f"{rows} {runs_text(((self.first, self.last),))} {self.kind}: {self.reason}"


def effect(kind: Kind, rows: Iterable[int], holder: Rows) -> Effect:
    """Declare what a step did to some rows, their content pinned.

    Args:
        kind: What it did to them.
        rows: Their positions.
        holder: The version that holds them: the old one if they were removed, else the new one.

    Raises:
        Misconfigured: No rows, or positions that the version does not have.
    """
    at = np.unique(np.fromiter(rows, dtype=np.int64))
    if not at.size or at[0] < 0 or at[-1] >= len(holder):
        raise Misconfigured(f"{kind} rows must be positions from 0 to {len(holder) - 1}, some")
    return Effect(kind, runs_of(at), holder.content(at))


def unexplained(
    changes: Changes, before: Rows, after: Rows, steps: Sequence[Transformation]
) -> tuple[Block, ...]:
    """The changes that no declared step accounts for, and the declared ones that did not happen.

    A step accounts for a row if it declares this kind of change at its position and the content
    that it declares is the content that is there. Which rows are gone and which are new is certain;
    which became which is not: a new row may be declared as changed or as added, and each that is
    declared as changed accounts for one that is gone. Rows of equal content stand for one another.

    Args:
        changes: What :func:`~seclab.custody.explain` found between the two.
        before: The old version; of several parents the rows one after another.
        after: The new version.
        steps: What the manifest of the new version declares.

    Returns:
        Runs of adjacent rows, by kind and position.
    """
    declared = {
        kind: _Declared.of(kind, steps, before if kind is Kind.REMOVED else after) for kind in Kind
    }
    settled = settle(changes, before, after, {kind: each.rows for kind, each in declared.items()})
    blocks: list[Block] = []
    for kind in Kind:
        happened = set(settled.happened[kind])
        for name, rows in declared[kind].wrong:
            # Of rows that are not there, or to which nothing happened, the declaration is told.
            reason = f"{name} declares other content for them"
            blocks += _blocks(kind, (happened & rows) or rows, reason)
            happened -= rows
        blocks += _blocks(kind, happened, "no step declares it")
        blocks += _blocks(kind, settled.idle[kind], "a step declares it, but it did not happen")
    order = list(Kind)
    return tuple(sorted(blocks, key=lambda block: (order.index(block.kind), block.first)))


@dataclass(frozen=True, slots=True)
class _Declared:
    """What steps declare of one kind.

    Attributes:
        rows: The positions of declarations that hold the content that is there.
        wrong: The other declarations: name of the step, positions.
    """

    rows: frozenset[int]
    wrong: tuple[tuple[str, frozenset[int]], ...]

    @classmethod
    def of(cls, kind: Kind, steps: Sequence[Transformation], holder: Rows) -> "_Declared":
        rows: set[int] = set()
        wrong = []
        for step in steps:
            for entry in (entry for entry in step.effects if entry.kind is kind):
                at = positions(entry.rows, len(holder))
                # One that also names rows that are not there is wrong as a whole.
                if at.size == len(entry) and holder.content(at) == entry.content:
                    rows |= set(at.tolist())
                else:
                    wrong.append((step.name, frozenset(at.tolist()) or frozenset(_ends(entry))))
        return cls(frozenset(rows), tuple(wrong))


def _ends(entry: Effect) -> tuple[int, int]:
    return entry.rows[0][0], entry.rows[-1][1]


def _blocks(kind: Kind, rows: Iterable[int], reason: str) -> list[Block]:
    return [Block(kind, first, last, reason) for first, last in runs_of(rows)]
