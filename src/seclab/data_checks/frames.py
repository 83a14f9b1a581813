"""Tables as the data frames that Great Expectations takes, and back."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from seclab.custody import History, Rows
from seclab.data_checks.table import Table
from seclab.defenses.class_profiles import ClassProfile


@dataclass(frozen=True, slots=True)
class _Declared:
    """What is declared about the rows of a table. Nothing in it ever changes."""

    split: bool
    batch: bool
    class_names: tuple[str, ...]
    feature_range: tuple[float, float]
    image_shape: tuple[int, int] | None
    baseline: History | None
    acquired: Rows | None
    profiles: tuple[ClassProfile, ...] | None

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Declared":
        """Itself: pandas copies what is attached to a frame once for every column."""
        return self


def to_frame(table: Table) -> pd.DataFrame:
    """A frame of the features, then the label, then split and batch where there are any.

    Columns are told apart by position, so a feature may have any name. What is declared about
    the rows goes into ``attrs``.
    """
    frame = pd.DataFrame(table.features, columns=list(table.feature_names), copy=False)
    frame.insert(frame.shape[1], "label", table.labels, allow_duplicates=True)
    if table.splits is not None:
        frame.insert(frame.shape[1], "split", table.splits, allow_duplicates=True)
    if table.batches is not None:
        frame.insert(frame.shape[1], "batch", table.batches, allow_duplicates=True)
    declared = _Declared(
        table.splits is not None,
        table.batches is not None,
        table.class_names,
        table.feature_range,
        table.image_shape,
        table.baseline,
        table.acquired,
        table.profiles,
    )
    frame.attrs = {"declared": declared}
    return frame


def to_table(frame: pd.DataFrame) -> Table:
    """The table of a frame made by :func:`to_frame`.

    Raises:
        KeyError: The frame is another one: nothing is declared about it.
    """
    declared: _Declared = frame.attrs["declared"]
    width = frame.shape[1] - 1 - declared.split - declared.batch
    return Table(
        features=frame.iloc[:, :width].to_numpy(),
        labels=frame.iloc[:, width].to_numpy(),
        splits=frame.iloc[:, width + 1].to_numpy() if declared.split else None,
        batches=frame.iloc[:, -1].to_numpy() if declared.batch else None,
        feature_names=tuple(frame.columns[:width]),
        class_names=declared.class_names,
        feature_range=declared.feature_range,
        image_shape=declared.image_shape,
        baseline=declared.baseline,
        acquired=declared.acquired,
        profiles=declared.profiles,
    )
