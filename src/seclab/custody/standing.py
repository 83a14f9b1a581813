"""Changes that nobody declared and that are still there after rows were set aside."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seclab.custody.accounting import Block, unexplained
from seclab.custody.changes import Changes, explain_rows
from seclab.custody.manifest import Kind
from seclab.custody.rows import Rows


@dataclass(frozen=True, slots=True)
class Undeclared:
    """One row to which something happened that nobody declared.

    Attributes:
        kind: What happened.
        row: Its position: in the recorded version if it was removed, else in what is left.
        was: Its class before; empty where it was added.
        now: Its class now; empty where it was removed.
    """

    kind: Kind
    row: int
    was: str
    now: str


def standing(recorded: Rows, acquired: Rows, left: Rows) -> tuple[Undeclared, ...]:
    """What is left of the undeclared changes of a set once rows of it are set aside.

    To set a row aside is declared by the record of the decision. So a row that was added, changed
    or relabelled and is set aside is accounted for, and with it the row that it took the place of:
    what is left are rows of the recorded version. A row that is gone without another in its place
    is not.

    Args:
        recorded: The newest recorded version.
        acquired: The set as it came.
        left: The rows of it that are used.

    Returns:
        By kind, then by position.
    """
    came, used = acquired.contents(), left.contents()
    aside = Counter(came) - Counter(used)
    if Counter(used) - Counter(came):  # What is used did not come with this set.
        acquired, came, aside = left, used, Counter()
    places = defaultdict(list)
    for row, content in enumerate(used):
        places[content].append(row)
    changes = explain_rows(recorded, acquired)
    before = _classes_before(changes)
    found = []
    # Of equal rows the last ones are set aside, and the last ones are the added ones.
    for kind, row in reversed(list(_rows(unexplained(changes, recorded, acquired, ())))):
        if kind is Kind.REMOVED:
            found.append(Undeclared(kind, row, recorded.classes[row], ""))
        elif aside[came[row]] > 0:
            aside[came[row]] -= 1
        else:
            now = acquired.classes[row]
            place = places[came[row]].pop()
            found.append(Undeclared(kind, place, before.get(row, ""), now))
    order = list(Kind)
    return tuple(sorted(found, key=lambda each: (order.index(each.kind), each.row)))


def _rows(blocks: tuple[Block, ...]) -> Iterator[tuple[Kind, int]]:
    for block in blocks:
        yield from ((block.kind, row) for row in range(block.first, block.last + 1))


def _classes_before(changes: Changes) -> dict[int, str]:
    moved = np.concatenate([changes.relabelled, changes.changed])[:, 1].tolist()
    return {row: before for row, (before, _) in zip(moved, changes.labels, strict=True)}
