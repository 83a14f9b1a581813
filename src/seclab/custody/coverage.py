"""Which rows have an origin that is written down without a gap."""

from collections.abc import Mapping
from dataclasses import dataclass

from seclab.custody.manifest import Kind, Manifest
from seclab.datasets import Dataset
from seclab.fingerprint import Digest


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
    manifest = describing(dataset, manifests)
    if manifest is None:
        gap = f"no manifest describes this version of {dataset.name}"
        return Coverage(len(dataset), 0, (gap,))
    return coverage_of(manifest, manifests)


def describing(dataset: Dataset, manifests: Mapping[Digest, Manifest]) -> Manifest | None:
    """The manifest of exactly these rows in this order; of several the one that covers most."""
    ordered = dataset.fingerprint().ordered
    counted: dict[Digest, Coverage] = {}
    found = [digest for digest, each in manifests.items() if each.ordered == ordered]
    if not found:
        return None
    return manifests[max(found, key=lambda each: _covered(each, manifests, counted).covered)]


def coverage_of(manifest: Manifest, manifests: Mapping[Digest, Manifest]) -> Coverage:
    """As :func:`coverage`, of the version that a manifest describes."""
    digest = manifest.digest
    return _covered(digest, {**manifests, digest: manifest}, {})


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
            counted[last] = _count(manifests[last], counted)
    return counted[digest]


def _count(manifest: Manifest, counted: Mapping[Digest, Coverage]) -> Coverage:
    name = manifest.title
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
