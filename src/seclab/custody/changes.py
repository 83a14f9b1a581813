"""What changed between two versions of a dataset, row by row."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.custody.manifest import Kind
from seclab.custody.nearest import nearest_partners
from seclab.custody.rows import Rows
from seclab.datasets import Dataset
from seclab.errors import Misconfigured


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """How each row of two versions is accounted for. Every row stands in exactly one group.

    Pairs are int64 arrays of shape (k, 2): position before, position after, ascending before.

    Attributes:
        before: Rows before.
        after: Rows after.
        unchanged: Pairs of the same features and the same class, wherever they stand.
        relabelled: Pairs of the same features in another class.
        changed: Pairs of nearest rows that differ in their features, in any class; without the
            data, pairs at the same place between rows that stayed. That one became the other is
            likely, not certain: no row carries a name.
        distances: How far apart the changed pairs are, shape (k,): mean absolute difference of
            their features as a share of the feature range; NaN without the data.
        removed: Positions before that have no partner.
        added: Positions after that have no partner.
        labels: For each relabelled pair, then for each changed pair: class before and after.
        compared: False where partners were sought only in their place, because so many rows were
            left or the data was not there: rows that were changed and moved stand among the removed
            and added ones.
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
    comparisons: int = 4_000_000,
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
    matching = _Matching.of(Rows.of(before), Rows.of(after))
    changed, distances, compared = nearest_partners(
        before.features,
        after.features,
        matching.olds,
        matching.news,
        feature_range=before.feature_range,
        farthest=farthest,
        comparisons=comparisons,
    )
    return matching.changes(changed, distances, compared=compared)


def explain_rows(before: Rows, after: Rows) -> Changes:
    """Account for every row of two versions of which the data is not there.

    As :func:`explain`, but how near two rows are cannot be known: a row that has no equal became
    the one that stands in its place, counted from the row before it that stayed.

    Args:
        before: The old version.
        after: The new version.
    """
    matching = _Matching.of(before, after)
    changed = matching.in_place()
    return matching.changes(changed, np.full(len(changed), np.nan), compared=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Matching:
    """Two versions after their equal rows were matched.

    Attributes:
        before: The old version.
        after: The new version.
        unchanged: Pairs of equal rows.
        relabelled: Pairs of equal features.
        olds: Positions before that have no partner, ascending.
        news: Positions after that have no partner, ascending.
    """

    before: Rows
    after: Rows
    unchanged: np.ndarray
    relabelled: np.ndarray
    olds: np.ndarray
    news: np.ndarray

    @classmethod
    def of(cls, before: Rows, after: Rows) -> "_Matching":
        olds, news = np.arange(len(before)), np.arange(len(after))
        unchanged, olds, news = _match(before.contents(), after.contents(), olds=olds, news=news)
        relabelled, olds, news = _match(before.keys, after.keys, olds=olds, news=news)
        return cls(before, after, unchanged, relabelled, olds, news)

    def in_place(self) -> np.ndarray:
        """Pairs of rows without a partner that stand as far behind rows that are partners."""
        stayed = np.concatenate([[[-1, -1]], self.unchanged, self.relabelled])
        stayed = stayed[np.argsort(stayed[:, 0])]
        anchors = stayed[np.searchsorted(stayed[:, 0], self.olds) - 1]
        places = anchors[:, 1] + self.olds - anchors[:, 0]
        there = np.flatnonzero(np.isin(places, self.news))
        # Where rows were moved, two of them may have the same place.
        first = there[np.unique(places[there], return_index=True)[1]]
        pairs = np.column_stack([self.olds[first], places[first]])
        return pairs[np.argsort(pairs[:, 0])]

    def changes(self, changed: np.ndarray, distances: np.ndarray, *, compared: bool) -> Changes:
        moved = np.concatenate([self.relabelled, changed]).tolist()
        return Changes(
            before=len(self.before),
            after=len(self.after),
            unchanged=self.unchanged,
            relabelled=self.relabelled,
            changed=changed,
            distances=distances,
            removed=np.setdiff1d(self.olds, changed[:, 0]),
            added=np.setdiff1d(self.news, changed[:, 1]),
            labels=tuple((self.before.classes[a], self.after.classes[b]) for a, b in moved),
            compared=compared,
        )


def _match(
    before: Sequence[Hashable], after: Sequence[Hashable], *, olds: np.ndarray, news: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair equal ones among some positions; gives the pairs, and what is left on both sides."""
    mine, theirs = _places(before, olds), _places(after, news)
    pairs = [pair for key, at in mine.items() for pair in _pair_up(at, theirs.get(key, ()))]
    result = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return result, np.setdiff1d(olds, result[:, 0]), np.setdiff1d(news, result[:, 1])


def _places(keys: Sequence[Hashable], rows: np.ndarray) -> Mapping[Hashable, list[int]]:
    places = defaultdict(list)
    for at in rows.tolist():
        places[keys[at]].append(at)
    return places


def _pair_up(olds: Sequence[int], news: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of positions: the same ones first, the rest in order."""
    same = set(olds) & set(news)
    rest = zip(
        (at for at in olds if at not in same), (at for at in news if at not in same), strict=False
    )
    return [*((at, at) for at in same), *rest]
