"""Expectations about shape and values: is this still the data it is declared to be?"""

from typing import Annotated

import numpy as np
from pydantic import Field

from seclab.data_checks.catalogue import expectation
from seclab.data_checks.table import Finding, Table, indexes
from seclab.errors import Misconfigured

_Names = Annotated[list[str], Field(min_length=1)]
_NAMED = 8  # columns that are told one by one


@expectation(
    why="Columns in another order or of another kind feed the model other data under the same "
    "names, and every number about it is then about something else."
)
def expect_schema_to_match(
    table: Table,
    *,
    columns: _Names,
    feature_dtype: str,
    label_dtype: str,
    class_names: _Names,
    image_shape: list[int] | None,
) -> Finding:
    """The declared columns, in order, with the declared types, classes and image shape."""
    found = {
        "columns": list(table.feature_names),
        "feature_dtype": str(table.features.dtype),
        "label_dtype": str(table.labels.dtype),
        "class_names": list(table.class_names),
        "image_shape": list(table.image_shape) if table.image_shape else None,
    }
    differences = [
        f"{name} {found[name]}, not {wanted}"
        for name, wanted in (
            ("feature_dtype", feature_dtype),
            ("label_dtype", label_dtype),
            ("class_names", class_names),
            ("image_shape", image_shape),
        )
        if found[name] != wanted
    ]
    differences += _column_differences(table.feature_names, columns)
    return Finding(
        not differences,
        f"{len(columns)} columns of {feature_dtype}, labels of {label_dtype}, "
        f"{len(class_names)} classes, images of shape {image_shape}",
        "; ".join(differences) or "exactly these",
    )


def _column_differences(found: tuple[str, ...], wanted: list[str]) -> list[str]:
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    differences = []
    if missing:
        differences.append(f"missing columns {_some(missing)}")
    if extra:
        differences.append(f"unknown columns {_some(extra)}")
    if not differences and list(found) != wanted:
        place = next(i for i, name in enumerate([*found, ""]) if name != [*wanted, ""][i])
        differences.append(f"columns repeated or in another order, from column {place} on")
    return differences


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


@expectation(
    why="A value outside the range is no measurement of the sensor: it is damage, another scale, "
    "or a trigger brighter than any real input."
)
def expect_features_to_be_in_range(table: Table, *, low: float, high: float) -> Finding:
    """Every feature lies in the range, and the dataset declares just this range.

    NaN lies in no range.
    """
    if not low < high:
        raise Misconfigured(f"the range {low:g} to {high:g} is empty: low must be below high")
    inside = (table.features >= low) & (table.features <= high)
    rows = np.flatnonzero(~inside.all(axis=1))
    found = f"{rows.size} of {len(inside)} rows outside"
    declared = table.feature_range == (low, high)
    if not declared:
        found += f", and a declared range of {table.feature_range[0]:g} to "
        found += f"{table.feature_range[1]:g}"
    return Finding(
        declared and not rows.size, f"all features from {low:g} to {high:g}", found, indexes(rows)
    )


@expectation(
    why="NaN and infinities spread through training: the model learns nothing or something "
    "arbitrary, and distances to such a row mean nothing."
)
def expect_features_to_be_finite(table: Table) -> Finding:
    """No null, NaN or infinity anywhere."""
    bad = ~np.isfinite(table.features)
    rows = np.flatnonzero(bad.any(axis=1))
    return Finding(
        not rows.size,
        "no null, NaN or infinite value",
        f"{int(bad.sum())} such values in {rows.size} rows",
        indexes(rows),
    )
