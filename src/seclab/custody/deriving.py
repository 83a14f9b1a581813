"""Manifests of what the pipeline makes of a version: it without some rows, and its splits."""

from collections.abc import Mapping

from seclab.custody.accounting import effect
from seclab.custody.changes import explain_rows
from seclab.custody.coverage import describing
from seclab.custody.manifest import Kind, Manifest, Transformation, record_manifest
from seclab.custody.rows import Rows
from seclab.datasets import Dataset, Splits
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_json


def manifest_of(dataset: Dataset, manifests: Mapping[Digest, Manifest]) -> Manifest:
    """The manifest that describes a dataset, or a new one that knows nothing of its origin.

    Args:
        dataset: The version at hand.
        manifests: All known manifests by their digest.

    Raises:
        Misconfigured: Nothing describes it, and it has labels without a class name.
    """
    return describing(dataset, manifests) or record_manifest(dataset)


def set_aside(left: Dataset, *, parent: Manifest, rows: Rows, decisions: Digest) -> Manifest:
    """The manifest of what is left of a version after rows of it were set aside.

    Args:
        left: The rows that are left, in any order.
        parent: The manifest of the version.
        rows: Its rows.
        decisions: Digest of the record of who decided what about which row, and why.

    Returns:
        One that declares the others as removed; that of the version itself where none is missing.

    Raises:
        Misconfigured: Rows are left that the version does not have.
    """
    if left.fingerprint().ordered == parent.ordered:
        return parent
    step = _taken("set aside", decisions, left, rows=rows, of=parent.title)
    return record_manifest(left, parents=[parent], transformations=[step])


def split_manifests(
    dataset: Dataset, splits: Splits, *, parent: Manifest
) -> Mapping[Digest, Manifest]:
    """The manifests of the parts of a dataset, each of which declares the other rows as removed.

    Args:
        dataset: The version that was split.
        splits: Its parts.
        parent: Its manifest.

    Returns:
        One for each part, by digest, in the order of :meth:`~seclab.datasets.Splits.parts`.

    Raises:
        Misconfigured: The parent describes other rows, or a part holds rows that the dataset does
            not hold.
    """
    _require_described(dataset, parent)
    whole = Rows.of(dataset)
    found = {}
    for name, part in splits.parts().items():
        # The shares and the way of splitting are those of the code, which the evidence pins.
        digest = of_json({"split": name, "seed": splits.seed})
        step = _taken(f"split: {name}", digest, part, rows=whole, of=dataset.name)
        manifest = record_manifest(part, parents=[parent], transformations=[step])
        found[manifest.digest] = manifest
    return found


def _taken(name: str, digest: Digest, part: Dataset, *, rows: Rows, of: str) -> Transformation:
    """The step that left a part of some rows, the others declared as removed."""
    changes = explain_rows(rows, Rows.of(part))
    if len(changes.unchanged) < len(part):
        raise Misconfigured(f"{part.name} holds rows that {of} does not hold")
    effects = (effect(Kind.REMOVED, changes.removed, rows),) if changes.removed.size else ()
    return Transformation(name, digest, effects)


def _require_described(dataset: Dataset, manifest: Manifest) -> None:
    if dataset.fingerprint().ordered != manifest.ordered:
        raise Misconfigured(f"{manifest.title} describes other rows than {dataset.name} holds")
