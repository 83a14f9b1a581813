"""Expectations about labels: has somebody tampered with them?"""

from typing import Annotated

import numpy as np
from pydantic import Field

from seclab.data_checks.catalogue import expectation
from seclab.data_checks.table import Finding, Table, indexes
from seclab.errors import NotEvaluated

_Labels = Annotated[list[int], Field(min_length=1)]


@expectation(
    why="A label nobody declared is damage or an injected class; a missing class is one the model "
    "cannot learn and no number would show it."
)
def expect_labels_to_match_set(table: Table, *, labels: _Labels) -> Finding:
    """Every label is a known one, and every known one is there."""
    unknown = np.flatnonzero(~np.isin(table.labels, labels))
    missing = [label for label in labels if label not in table.labels]
    found = []
    if unknown.size:
        names = ", ".join(map(str, np.unique(table.labels[unknown])[:10]))
        found.append(f"{unknown.size} rows with unknown labels ({names})")
    if missing:
        found.append(f"no row of class {', '.join(map(table.class_name, missing))}")
    return Finding(
        not found,
        f"exactly the labels {', '.join(map(str, labels))}",
        "; ".join(found) or "exactly these",
        indexes(unknown),
    )


@expectation(
    why="Relabelling or adding rows in bulk shifts the classes: what an attacker favours grows, "
    "what is attacked shrinks."
)
def expect_classes_to_be_balanced(
    table: Table,
    *,
    labels: _Labels,
    max_relative_deviation: Annotated[float, Field(ge=0, lt=1)],
) -> Finding:
    """No class is larger or smaller than its fair share by more than a fraction of it."""
    counts = np.array([np.count_nonzero(table.labels == label) for label in labels])
    fair = len(table.labels) / len(labels)
    deviations = np.abs(counts - fair) / fair
    worst = int(deviations.argmax())
    return Finding(
        bool(deviations[worst] <= max_relative_deviation),
        f"every class within {max_relative_deviation:.1%} of its fair share of {fair:g} rows",
        f"class {table.class_name(labels[worst])} furthest, with {counts[worst]} rows "
        f"({deviations[worst]:.1%} off)",
    )


@expectation(
    why="A class absent from training cannot be learned, one absent from the others is never "
    "judged: its failures would not show in any number."
)
def expect_splits_to_hold_every_class(
    table: Table, *, splits: Annotated[list[str], Field(min_length=1)], labels: _Labels
) -> Finding:
    """Every class has rows in every split.

    Raises:
        NotEvaluated: The rows are not split.
    """
    if table.splits is None:
        raise NotEvaluated("these rows are not split; this suite is for splits")
    lacking = [
        f"{split} has no row of class {table.class_name(label)}"
        for split in splits
        for label in labels
        if not np.any((table.splits == split) & (table.labels == label))
    ]
    return Finding(
        not lacking,
        f"all {len(labels)} classes in each of {', '.join(splits)}",
        "; ".join(lacking) or "all of them",
    )
