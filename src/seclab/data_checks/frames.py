"""Tables as the data frames that Great Expectations takes, and back."""

import pandas as pd

from seclab.data_checks.table import Table

_DECLARED = ("class_names", "feature_range", "image_shape", "baseline", "profiles")


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
    frame.attrs = {name: getattr(table, name) for name in _DECLARED}
    frame.attrs["split"] = table.splits is not None
    frame.attrs["batch"] = table.batches is not None
    return frame


def to_table(frame: pd.DataFrame) -> Table:
    """The table of a frame made by :func:`to_frame`.

    Raises:
        KeyError: The frame is another one: nothing is declared about it.
    """
    split, batch = frame.attrs["split"], frame.attrs["batch"]
    width = frame.shape[1] - 1 - split - batch
    return Table(
        features=frame.iloc[:, :width].to_numpy(),
        labels=frame.iloc[:, width].to_numpy(),
        splits=frame.iloc[:, width + 1].to_numpy() if split else None,
        batches=frame.iloc[:, -1].to_numpy() if batch else None,
        feature_names=tuple(frame.columns[:width]),
        **{name: frame.attrs[name] for name in _DECLARED},
    )
