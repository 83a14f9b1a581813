"""Which changes no declared step accounts for, and which rows have a known origin."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seclab.custody.changes import Changes
from seclab.custody.manifest import Effect, Kind, Manifest, Transformation
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest


@dataclass(frozen=True, slots=True)
class Block:
    """A run of rows that changed although no declared step says so.

    Attributes:
        kind: What happened to them.
        first: Position of the first one: before if removed, else after.
        last: Position of the last one.
        reason: Why no step accounts for them.
    """

    kind: Kind
    first: int
    last: int
    reason: str

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many rows have an origin that is written down without a gap.

    Attributes:
        rows: Number of rows.
        covered: Rows that surely come from an acquisition with source and licence.
        gaps: Where the chain is broken, in words; empty where all rows are covered.
    """

    rows: int
    covered: int
    gaps: tuple[str, ...]

    @property
    def share(self) -> float:
        """Covered rows as a share of all, 0 to 1."""
        return self.covered / self.rows


def effect(kind: Kind, rows: Iterable[int], holder: Dataset) -> Effect:
    """Declare what a step did to some rows, their content pinned.

    Args:
        kind: What it did to them.
        rows: Their positions.
        holder: The version that holds them: the old one if they were removed, else the new one.

    Raises:
        Misconfigured: No rows, or positions that the version does not have.
    """
    at = np.unique(np.fromiter(rows, dtype=np.int64))
    if not at.size or at[0] < 0 or at[-1] >= len(holder):
        raise Misconfigured(f"{kind} rows must be positions from 0 to {len(holder) - 1}, some")
    return Effect(kind, _runs(at), holder.take(at).fingerprint().unordered)


def unexplained(
    changes: Changes, before: Dataset, after: Dataset, steps: Sequence[Transformation]
) -> tuple[Block, ...]:
    """The changes that no declared step accounts for.

    A step accounts for a row if it declares this kind of change at its position and the content
    that it declares is the content that is there.

    Args:
        changes: What :func:`~seclab.custody.explain` found between the two.
        before: The old version.
        after: The new version.
        steps: What the manifest of the new version declares.

    Returns:
        Runs of adjacent rows, by kind and position.
    """
    blocks: list[Block] = []
    for kind in Kind:
        holder = before if kind is Kind.REMOVED else after
        declared = [
            (step.name, _positions(entry, len(holder)), _holds(entry, holder))
            for step in steps
            for entry in step.effects
            if entry.kind is kind
        ]
        left = changes.rows(kind)
        for _, at, holds in declared:
            left = np.setdiff1d(left, at) if holds else left
        for name, at, holds in declared:
            if not holds:
                wrong = np.intersect1d(left, at)
                blocks += _blocks(kind, wrong, f"{name} declares other content for them")
                left = np.setdiff1d(left, wrong)
        blocks += _blocks(kind, left, "no step declares it")
    order = list(Kind)
    return tuple(sorted(blocks, key=lambda block: (order.index(block.kind), block.first)))


def coverage(dataset: Dataset, manifests: Mapping[Digest, Manifest]) -> Coverage:
    """How many rows of a dataset have an origin with source, licence and acquisition.

    Rows that a manifest does not declare as added come from its parents; where these are covered
    only in part, as few as possible of the covered rows are taken to have survived. Added rows,
    and all rows of a version without parents, are covered by what the manifest says itself.

    Args:
        dataset: The version at hand.
        manifests: All known manifests by their digest, as
            :func:`~seclab.custody.load_manifests` gives them.

    Returns:
        Nothing is covered if no manifest describes exactly these rows in this order.
    """
    content = dataset.fingerprint()
    counted: dict[Digest, Coverage] = {}
    found = [
        _covered(digest, manifests, counted)
        for digest, manifest in manifests.items()
        if manifest.ordered == content.ordered
    ]
    if not found:
        return Coverage(content.rows, 0, (f"no manifest describes this version of {dataset.name}",))
    return max(found, key=lambda entry: entry.covered)


def _covered(
    digest: Digest, manifests: Mapping[Digest, Manifest], counted: dict[Digest, Coverage]
) -> Coverage:
    """Coverage of one version; a chain of digests has no circles, so this ends."""
    waiting = [digest]
    while waiting:
        known = [parent for parent in manifests[waiting[-1]].parents if parent in manifests]
        missing = [parent for parent in known if parent not in counted]
        if missing:
            waiting += missing
        else:
            last = waiting.pop()
            counted[last] = _count(last, manifests[last], counted)
    return counted[digest]


def _count(digest: Digest, manifest: Manifest, counted: Mapping[Digest, Coverage]) -> Coverage:
    name = f"{manifest.dataset} {digest.value[:12]}"
    added = _declared(manifest, Kind.ADDED)
    own = min(manifest.rows, added) if manifest.parents else manifest.rows
    lacking = [
        what for what in ("source", "licence", "acquired") if getattr(manifest, what) is None
    ]
    gaps = [f"{name}: {own} rows of its own without {', '.join(lacking)}"] * bool(own and lacking)
    known = [counted[parent] for parent in manifest.parents if parent in counted]
    lost = [parent for parent in manifest.parents if parent not in counted]
    gaps += [f"{name}: the manifest of parent {parent} is missing" for parent in lost]
    gaps += [gap for parent in known for gap in parent.gaps]
    available = sum(parent.rows for parent in known) - _declared(manifest, Kind.REMOVED)
    surplus = max(0, manifest.rows - own - max(0, available))
    if surplus and not lost:
        gaps.append(f"{name}: {surplus} rows more than its parents gave")
    unknown = sum(parent.rows - parent.covered for parent in known)
    # Of a parent that is missing nobody knows the size: all inherited rows may be its own.
    inherited = 0 if lost else max(0, manifest.rows - own - surplus - unknown)
    covered = inherited + (0 if lacking else own)
    return Coverage(manifest.rows, covered, tuple(dict.fromkeys(gaps)))


def _declared(manifest: Manifest, kind: Kind) -> int:
    effects = [entry for step in manifest.transformations for entry in step.effects]
    return sum(len(entry) for entry in effects if entry.kind is kind)


def _positions(entry: Effect, rows: int) -> np.ndarray:
    """Positions that an effect names, as far as there are such rows."""
    runs = [np.arange(first, min(last + 1, rows)) for first, last in entry.rows if first < rows]
    return np.concatenate(runs) if runs else np.zeros(0, dtype=np.int64)


def _holds(entry: Effect, holder: Dataset) -> bool:
    """Whether the rows that an effect names are those whose content it declares."""
    at = _positions(entry, len(holder))
    whole = at.size > 0 and at.size == len(entry)
    return whole and holder.take(at).fingerprint().unordered == entry.content


def _runs(at: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Runs of adjacent positions: first and last of each."""
    parts = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if at.size else []
    return tuple((int(part[0]), int(part[-1])) for part in parts)


def _blocks(kind: Kind, at: np.ndarray, reason: str) -> list[Block]:
    return [Block(kind, first, last, reason) for first, last in _runs(at)]
