"""Expectations about rows of equal content: copied, contradicted, or leaked between splits."""

import hashlib
from typing import Annotated

import numpy as np
from pydantic import Field

from seclab.data_checks.catalogue import expectation
from seclab.data_checks.table import Finding, Table, indexes
from seclab.errors import NotEvaluated


@expectation(
    why="A row that stands many times counts many times in training: the cheapest way to make a "
    "poisoned sample heavy."
)
def expect_rows_to_be_unique(table: Table) -> Finding:
    """No two rows have equal features and label. The first of each kind is not an offender."""
    pairs = np.stack([_content(table.features), table.labels], axis=1)
    kept = np.unique(pairs, axis=0, return_index=True)[1]
    rows = np.setdiff1d(np.arange(len(pairs)), kept)
    return Finding(
        not rows.size,
        "no row to stand twice",
        f"{rows.size} copies among {len(pairs)} rows",
        indexes(rows),
    )


@expectation(
    why="One of the labels is wrong, whoever wrote it: a trace of flipped labels, and a row no "
    "model can get right."
)
def expect_labels_to_be_consistent(table: Table) -> Finding:
    """Rows of equal features carry one label."""
    content = _content(table.features)
    rows = _in_several(content, table.labels)
    return Finding(
        not rows.size,
        "one label for rows of equal content",
        f"{np.unique(content[rows]).size} contents under several labels, in {rows.size} rows",
        indexes(rows),
    )


@expectation(
    why="What the model has seen cannot judge it: accuracy, robustness and privacy would be "
    "measured on members and look better, or worse, than they are."
)
def expect_splits_to_be_disjoint(
    table: Table, *, splits: Annotated[list[str], Field(min_length=2)]
) -> Finding:
    """No content stands in two splits, whatever its labels, and the splits are the named ones.

    Raises:
        NotEvaluated: The rows are not split.
    """
    if table.splits is None:
        raise NotEvaluated("these rows are not split; this suite is for splits")
    names, membership = np.unique(table.splits.astype(str), return_inverse=True)
    content = _content(table.features)
    rows = _in_several(content, membership)
    found = f"{np.unique(content[rows]).size} shared contents"
    if rows.size:
        found += f", in {', '.join(names[np.unique(membership[rows])])}"
    named = sorted(splits) == names.tolist()
    if not named:
        found += f"; the splits are {', '.join(names)}"
    return Finding(
        named and not rows.size, f"no content in two of {', '.join(splits)}", found, indexes(rows)
    )


def _content(features: np.ndarray) -> np.ndarray:
    """A number per row, shape (n,), equal for rows of equal values.

    Adding zero makes -0.0 and 0.0 one: no copy hides behind a sign that no model sees.
    """
    groups: dict[bytes, int] = {}
    digests = (hashlib.sha256(row.tobytes()).digest() for row in features + 0.0)
    return np.array([groups.setdefault(digest, len(groups)) for digest in digests])


def _in_several(content: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Rows whose content stands under more than one kind."""
    pairs = np.unique(np.stack([content, kinds], axis=1), axis=0)
    contents, times = np.unique(pairs[:, 0], return_counts=True)
    return np.flatnonzero(np.isin(content, contents[times > 1]))
