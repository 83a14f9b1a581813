"""What changed between two versions of a dataset, row by row."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.custody.manifest import Kind
from seclab.custody.nearest import nearest_partners
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import row_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """How each row of two versions is accounted for. Every row stands in exactly one group.

    Pairs are int64 arrays of shape (k, 2): position before, position after, ascending before.

    Attributes:
        before: Rows before.
        after: Rows after.
        unchanged: Pairs of the same features and the same class, wherever they stand.
        relabelled: Pairs of the same features in another class.
        changed: Pairs of nearest rows that differ in their features, in any class. That one became
            the other is likely, not certain: no row carries a name.
        distances: How far apart the changed pairs are, shape (k,): mean absolute difference of
            their features as a share of the feature range.
        removed: Positions before that have no partner.
        added: Positions after that have no partner.
        labels: For each relabelled pair, then for each changed pair: class before and after.
        compared: False where so many rows were left that partners were sought only at the same
            position: rows that were changed and moved stand among the removed and added ones.
    """

    before: int
    after: int
    unchanged: np.ndarray
    relabelled: np.ndarray
    changed: np.ndarray
    distances: np.ndarray
    removed: np.ndarray
    added: np.ndarray
    labels: tuple[tuple[str, str], ...]
    compared: bool

    @property
    def reordered(self) -> bool:
        """Whether unchanged rows stand in another order than before."""
        return bool((np.diff(self.unchanged[:, 1]) < 0).any())

    def counts(self) -> Mapping[str, int]:
        """Number of rows of each kind, and of unchanged ones."""
        groups = {"unchanged": self.unchanged} | {
            kind.value: self.rows(kind) for kind in (Kind.ADDED, Kind.REMOVED)
        }
        groups |= {"changed": self.changed, "relabelled": self.relabelled}
        return {name: len(group) for name, group in groups.items()}

    def rows(self, kind: Kind) -> np.ndarray:
        """Positions of the rows of a kind, ascending: before for removed ones, else after."""
        if kind is Kind.REMOVED:
            return self.removed
        if kind is Kind.ADDED:
            return self.added
        pairs = self.changed if kind is Kind.CHANGED else self.relabelled
        return np.sort(pairs[:, 1])


def explain(
    before: Dataset,
    after: Dataset,
    *,
    farthest: float = 0.15,
    comparisons: int = 25_000_000,
) -> Changes:
    """Account for every row of two versions.

    Rows are matched in three rounds, each among what the one before left over: equal content;
    equal features in another class; nearest partners no farther apart than ``farthest``, the
    nearest first. Among equals the one at the same position goes first, then the earlier one.
    What is then left was removed or added. So a row that was changed beyond recognition counts as
    removed and added, and a step that changes every row, such as another scale, is explained by
    applying it to the old version first. Bit patterns are compared: 0.0 and -0.0 differ.

    Args:
        before: The old version.
        after: The new version, with the same columns.
        farthest: Largest mean absolute difference of a changed row, as a share of the feature
            range of the old version, 0 to 1.
        comparisons: Beyond so many pairs of unmatched rows, partners are first sought at the same
            position; if still more are left, only there.

    Raises:
        Misconfigured: The columns differ, or ``farthest`` is no share.
    """
    if before.feature_names != after.feature_names:
        raise Misconfigured(
            f"{before.name} has {len(before.feature_names)} columns and {after.name} "
            f"{len(after.feature_names)}, or their names differ: rows cannot be compared"
        )
    if not 0 <= farthest <= 1:
        raise Misconfigured(f"the largest distance must be from 0 to 1, got {farthest}")
    old, new = _Side.of(before), _Side.of(after)
    unchanged = old.match(new, labelled=True)
    relabelled = old.match(new, labelled=False)
    changed, distances, compared = nearest_partners(
        before.features,
        after.features,
        old.left,
        new.left,
        feature_range=before.feature_range,
        farthest=farthest,
        comparisons=comparisons,
    )
    moved = np.concatenate([relabelled, changed])
    return Changes(
        before=len(before),
        after=len(after),
        unchanged=unchanged,
        relabelled=relabelled,
        changed=changed,
        distances=distances,
        removed=np.setdiff1d(old.left, changed[:, 0]),
        added=np.setdiff1d(new.left, changed[:, 1]),
        labels=tuple((old.classes[a], new.classes[b]) for a, b in moved),
        compared=compared,
    )


def class_of(dataset: Dataset, label: int) -> str:
    """Name of a class, or the label itself where it has none."""
    known = 0 <= label < len(dataset.class_names)
    return dataset.class_names[label] if known else f"label {label}"


@dataclass(slots=True, eq=False)
class _Side:
    """One of the two versions.

    Attributes:
        keys: Digest of the features of each row.
        classes: Name of the class of each row: numbers may change their meaning.
        left: Positions not matched yet, ascending.
    """

    keys: list[bytes]
    classes: list[str]
    left: np.ndarray

    @classmethod
    def of(cls, dataset: Dataset) -> "_Side":
        blind = np.zeros(len(dataset), dtype=np.int8)
        step = 4096
        keys = [
            hashlib.sha256(row).digest()
            for start in range(0, len(dataset), step)
            for row in row_bytes(
                dataset.features[start : start + step], blind[start : start + step]
            )
        ]
        classes = [class_of(dataset, int(label)) for label in dataset.labels]
        return cls(keys, classes, np.arange(len(dataset)))

    def match(self, other: "_Side", *, labelled: bool) -> np.ndarray:
        """Pair rows of equal keys, take them out on both sides, and give the pairs."""
        mine, theirs = self.places(labelled=labelled), other.places(labelled=labelled)
        pairs = [pair for key, olds in mine.items() for pair in _pair_up(olds, theirs.get(key, ()))]
        result = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
        self.left = np.setdiff1d(self.left, result[:, 0])
        other.left = np.setdiff1d(other.left, result[:, 1])
        return result

    def places(self, *, labelled: bool) -> Mapping[tuple[bytes, str], list[int]]:
        """Positions not matched yet, by features and, if asked, class."""
        places = defaultdict(list)
        for at in self.left.tolist():
            places[self.keys[at], self.classes[at] if labelled else ""].append(at)
        return places


def _pair_up(olds: Sequence[int], news: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of positions: the same ones first, the rest in order."""
    same = set(olds) & set(news)
    rest = zip(
        (at for at in olds if at not in same), (at for at in news if at not in same), strict=False
    )
    return [*((at, at) for at in same), *rest]
