"""Expectations about versions: is this what was recorded, and what it was recorded as?"""

from collections.abc import Sequence

import numpy as np

from seclab.custody import Kind, Rows, Undeclared, runs_of, runs_text, standing
from seclab.data_checks.catalogue import expectation
from seclab.data_checks.table import Finding, Table, indexes
from seclab.errors import NotEvaluated
from seclab.fingerprint import fingerprint

_TOLD = 8  # runs of rows, and changes of label, of each kind


@expectation(
    why="Rows were added, removed, relabelled or altered since somebody reviewed this data, and "
    "nobody has declared it. Find out by whom; only then record the new version.",
    suspects=False,
)
def expect_changes_to_be_explained(table: Table) -> Finding:
    """The rows are those of the newest recorded version, in any order, but for rows set aside.

    A recorded version was made of the one before by declared steps that account for every row;
    here everything is a change that none accounts for, but what is set aside. Removed rows are
    named by their position in the recorded version, all others by their position here.

    Raises:
        NotEvaluated: No version of this dataset is recorded.
    """
    if table.baseline is None:
        raise NotEvaluated("no version of this dataset is recorded; review it and record one")
    newest = table.baseline.newest
    now = fingerprint(
        table.features,
        table.labels,
        feature_names=table.feature_names,
        class_names=table.class_names,
    )
    left = Rows.of_arrays(table.features, table.labels, class_names=table.class_names)
    expected = f"the {newest.rows} rows recorded as {newest.title}, {newest.unordered}"
    found = f"{now.rows} rows, {now.unordered}"
    if table.acquired is not None:
        found += f", without the {len(table.acquired) - now.rows} set aside"
    if (now.unordered, now.rows) == (newest.unordered, newest.rows):
        moved = "" if now.ordered == newest.ordered else "; in another order"
        return Finding(holds=True, expected=expected, found=found + moved)
    undeclared = standing(table.baseline.rows[newest.digest], table.acquired or left, left)
    told = [text for kind in Kind if (text := _told(kind, undeclared))]
    if not told and table.acquired is None:
        told = ["the same rows under other names of columns or classes"]
    here = np.unique([each.row for each in undeclared if each.kind is not Kind.REMOVED])
    return Finding(not told, expected, "; ".join([found, *told]), indexes(here.astype(int)))


def _told(kind: Kind, undeclared: Sequence[Undeclared]) -> str:
    those = [each for each in undeclared if each.kind is kind]
    if not those:
        return ""
    runs = runs_of(each.row for each in those)
    where = runs_text(runs[:_TOLD]) + (" and more" if len(runs) > _TOLD else "")
    turned = sorted({(e.was, e.now) for e in those if e.was and e.now and e.was != e.now})
    classes = ", ".join(f"{old} to {new}" for old, new in turned[:_TOLD])
    more = " and more" if len(turned) > _TOLD else ""
    return f"{len(those)} {kind} (rows {where}" + (f"; {classes}{more})" if classes else ")")
