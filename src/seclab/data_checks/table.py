"""What an expectation looks at, and what it answers."""

from dataclasses import dataclass, replace

import numpy as np

from seclab.custody import History, Rows
from seclab.datasets import Dataset, Splits
from seclab.defenses.class_profiles import ClassProfile
from seclab.errors import InvalidData
from seclab.measurement import SuspectedPattern


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Labelled rows and what is declared about them. Nothing about the content is assumed.

    Attributes:
        features: Array of shape (n, d).
        labels: Array of shape (n,).
        splits: Name of the split of each row, shape (n,); ``None`` for rows not yet split.
        feature_names: d names.
        class_names: Declared name of each label.
        feature_range: Declared smallest and largest value of a feature.
        image_shape: Declared (height, width).
        baseline: The recorded versions, the newest of which the rows are to be held against.
        acquired: The rows of the set as it was acquired, where some of them are set aside.
        profiles: What the classes of an earlier version looked like, where there is one.
        batches: When each row arrived, later is higher, shape (n,), where that is known.
    """

    features: np.ndarray
    labels: np.ndarray
    splits: np.ndarray | None
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    feature_range: tuple[float, float]
    image_shape: tuple[int, int] | None
    baseline: History | None
    acquired: Rows | None = None
    profiles: tuple[ClassProfile, ...] | None = None
    batches: np.ndarray | None = None

    def class_name(self, label: int) -> str:
        """The declared name of a label, or that it has none."""
        known = 0 <= label < len(self.class_names)
        return self.class_names[label] if known else f"undeclared label {label}"


def of_dataset(
    dataset: Dataset, baseline: History | None, *, acquired: Rows | None = None
) -> Table:
    """The table of one dataset."""
    return Table(
        features=dataset.features,
        labels=dataset.labels,
        splits=None,
        feature_names=dataset.feature_names,
        class_names=dataset.class_names,
        feature_range=dataset.feature_range,
        image_shape=dataset.image_shape,
        baseline=baseline,
        acquired=acquired,
    )


def of_splits(splits: Splits) -> tuple[Dataset, Table]:
    """All parts below one another, in the order of :meth:`Splits.parts`, and their table.

    Raises:
        InvalidData: The parts do not have the same columns.
    """
    parts = splits.parts()
    unlike = [
        f"split {name} has other columns than split train: splits of one dataset have the same"
        for name, part in parts.items()
        if part.feature_names != splits.train.feature_names
    ]
    if unlike:
        raise InvalidData(unlike)
    whole = splits.train.with_rows(
        np.concatenate([part.features for part in parts.values()]),
        np.concatenate([part.labels for part in parts.values()]),
        name=f"{splits.train.name.removesuffix('/train')}/splits",
    )
    names = np.array(list(parts), dtype=object)
    split_of_row = np.repeat(names, [len(part) for part in parts.values()])
    return whole, replace(of_dataset(whole, None), splits=split_of_row)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an expectation found.

    Attributes:
        holds: Whether the rows are as expected.
        expected: What was expected, to follow the word "expected".
        found: What was found, short.
        rows: Indexes of all offending rows.
        patterns: What such rows have in common, the strongest first.
    """

    holds: bool
    expected: str
    found: str
    rows: tuple[int, ...] = ()
    patterns: tuple[SuspectedPattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """An expectation that came to no finding.

    Attributes:
        reason: What went wrong.
    """

    reason: str


def indexes(rows: np.ndarray) -> tuple[int, ...]:
    """Row indexes as plain numbers, in their order."""
    return tuple(rows.tolist())
