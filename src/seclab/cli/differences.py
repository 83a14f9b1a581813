"""What changed between two versions of data, printed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seclab import custody
from seclab.cli.output import say, table
from seclab.custody import Block, Changes, Kind, Manifest, Rows
from seclab.datasets import Dataset

_SHOWN = 20  # runs of rows of each kind


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of two versions to compare.

    Attributes:
        title: What it is, for people.
        rows: Its rows.
        ordered: Digest of its rows in their order.
        dataset: The data itself, where it is there.
        manifests: The recorded versions of the same rows.
    """

    title: str
    rows: Rows
    ordered: str
    dataset: Dataset | None
    manifests: tuple[Manifest, ...]


def document(
    before: Side, after: Side, changes: Changes, blocks: Sequence[Block]
) -> dict[str, Any]:
    """What changed, for other programs."""
    labels = _labels(changes)
    return {
        "before": {"what": before.title, "rows": changes.before, "ordered": before.ordered},
        "after": {"what": after.title, "rows": changes.after, "ordered": after.ordered},
        "counts": dict(changes.counts()),
        "reordered": changes.reordered,
        "compared": changes.compared,
        "added": changes.added.tolist(),
        "removed": changes.removed.tolist(),
        "changed": [
            {"before": a, "after": b, "classes": labels[b]} for a, b in changes.changed.tolist()
        ],
        "relabelled": [
            {"before": a, "after": b, "classes": labels[b]} for a, b in changes.relabelled.tolist()
        ],
        "by_class": _by_class(before, after, changes),
        "unexplained": [
            {"kind": str(b.kind), "first": b.first, "last": b.last, "reason": b.reason}
            for b in blocks
        ],
    }


def say_changes(before: Side, after: Side, changes: Changes, blocks: Sequence[Block]) -> None:
    """Print what changed, and what of it nobody has declared."""
    say(f"from {before.title}, {changes.before} rows, to {after.title}, {changes.after} rows")
    counts = changes.counts()
    say(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    if changes.reordered:
        say("rows that stayed stand in another order")
    if not changes.compared and counts["changed"] + counts["removed"] + counts["added"]:
        say("a changed row was sought in its place alone: without the data of both, or of so many")
    say()
    for kind in Kind:
        runs = custody.runs_of(changes.rows(kind).tolist())
        if runs:
            more = f" and {len(runs) - _SHOWN} more runs" if len(runs) > _SHOWN else ""
            say(f"{kind:10} {custody.runs_text(runs[:_SHOWN])}{more}")
    by_class = _by_class(before, after, changes)
    if by_class:
        say()
        kinds = [str(kind) for kind in Kind]
        cells = [(name, *(str(each[kind]) for kind in kinds)) for name, each in by_class.items()]
        table(("class", *kinds), cells)
    say()
    if not blocks:
        say("every change is declared" if any(len(changes.rows(k)) for k in Kind) else "the same")
        return
    for line in _unexplained(blocks):
        say(line)


def _unexplained(blocks: Sequence[Block]) -> Iterator[str]:
    yield f"{sum(map(len, blocks))} rows unexplained:"
    for block in blocks[:_SHOWN]:
        yield f"  {block}"
    if len(blocks) > _SHOWN:
        yield f"  and {len(blocks) - _SHOWN} more runs"


def _labels(changes: Changes) -> Mapping[int, tuple[str, str]]:
    """Class before and after by position after, of rows that were relabelled or changed."""
    moved = np.concatenate([changes.relabelled, changes.changed])[:, 1].tolist()
    return dict(zip(moved, changes.labels, strict=True))


def _by_class(before: Side, after: Side, changes: Changes) -> dict[str, dict[str, int]]:
    """How many rows of each class: of removed ones the class before, of all others that after."""
    counted: dict[str, dict[str, int]] = {}
    for kind in Kind:
        holder = before.rows if kind is Kind.REMOVED else after.rows
        for row in changes.rows(kind).tolist():
            each = counted.setdefault(holder.classes[row], {str(k): 0 for k in Kind})
            each[str(kind)] += 1
    return dict(sorted(counted.items()))
