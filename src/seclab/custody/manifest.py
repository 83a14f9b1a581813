"""What is written down about one version of a dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from seclab.custody.rows import index_of
from seclab.custody.runs import Runs, runs_text
from seclab.datasets import Dataset
from seclab.errors import Misconfigured
from seclab.fingerprint import Digest, of_bytes, of_json

SCHEMA = "seclab-dataset-manifest/1"
"""Which kind of document a manifest is."""


class Kind(StrEnum):
    """What can happen to a row between two versions."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RELABELLED = "relabelled"


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How data came here, as told by whoever brought it.

    Attributes:
        when: The day.
        how: Short, for people: downloaded from where, by whom.
    """

    when: date
    how: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a transformation says it did to which rows.

    Attributes:
        kind: What happened to them.
        rows: First and last position of each run of rows, ascending. Removed rows are counted in
            the parents, one after another; all others in the version that resulted.
        content: Order-free digest of these rows, :meth:`~seclab.custody.Rows.content`: as they
            were, if removed, else as they became. It keeps a declaration from covering other
            content at the same place.
    """

    kind: Kind
    rows: Runs
    content: Digest

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.rows)


@dataclass(frozen=True, slots=True)
class Transformation:
    """A step that made this version out of its parents.

    Attributes:
        name: Short name.
        digest: Digest of what was done: of the script, the settings or the record of decisions.
        effects: What it did to which rows.
    """

    name: str
    digest: Digest
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassContent:
    """The rows of one class: its name, how many there are, and their order-free digest."""

    name: str
    rows: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a dataset: what it holds and where it came from.

    Attributes:
        dataset: Name of the dataset.
        source: Citation or address of the original of the rows that no parent has; None: unknown.
        licence: SPDX identifier or name of their licence; None: unknown.
        acquired: When and how they came; None: unknown, or all rows come from parents.
        parents: Digests of the manifests of the versions that this one was made of.
        transformations: The steps from the parents to this version.
        rows: Number of rows.
        ordered: Digest of the rows in their order.
        unordered: Digest of the rows in any order.
        index: Digest of the list of the rows, :func:`~seclab.custody.index_of`.
        classes: Content of each label that occurs.
    """

    dataset: str
    source: str | None
    licence: str | None
    acquired: Acquisition | None
    parents: tuple[Digest, ...]
    transformations: tuple[Transformation, ...]
    rows: int
    ordered: Digest
    unordered: Digest
    index: Digest
    classes: Mapping[int, ClassContent]

    def document(self) -> dict[str, Any]:
        """The manifest as a JSON value."""
        acquired = self.acquired
        return {
            "schema": SCHEMA,
            "dataset": self.dataset,
            "source": self.source,
            "licence": self.licence,
            "acquired": acquired and {"when": acquired.when.isoformat(), "how": acquired.how},
            "parents": [str(parent) for parent in self.parents],
            "transformations": [_step(step) for step in self.transformations],
            "rows": self.rows,
            "ordered": str(self.ordered),
            "unordered": str(self.unordered),
            "index": str(self.index),
            "classes": {
                str(label): {
                    "name": content.name,
                    "rows": content.rows,
                    "digest": str(content.digest),
                }
                for label, content in sorted(self.classes.items())
            },
        }

    @property
    def digest(self) -> Digest:
        """Digest of the canonical JSON form: what a later version names as its parent."""
        return of_json(self.document())

    @property
    def title(self) -> str:
        """Name of the dataset and the beginning of the digest, for people."""
        return f"{self.dataset} {self.digest.value[:12]}"


def record_manifest(
    dataset: Dataset,
    *,
    source: str | None = None,
    licence: str | None = None,
    acquired: Acquisition | None = None,
    parents: Sequence[Manifest] = (),
    transformations: Sequence[Transformation] = (),
) -> Manifest:
    """Write down a version of a dataset.

    Nothing is taken over from ``dataset.provenance``: a file may say anything of itself. Who
    records answers for what is recorded.

    Args:
        dataset: The version.
        source: Where the rows come from that no parent has.
        licence: Under which licence they came.
        acquired: When and how they came.
        parents: The versions that it was made of.
        transformations: How it was made of them.

    Raises:
        Misconfigured: Labels without a class name: such rows belong to no class.
    """
    content = dataset.fingerprint()
    known = range(len(dataset.class_names))
    odd = [label for label in content.classes if label not in known]
    if odd:
        raise Misconfigured(f"dataset {dataset.name}: labels {odd} have no class name")
    return Manifest(
        dataset=dataset.name,
        source=source,
        licence=licence,
        acquired=acquired,
        parents=tuple(parent.digest for parent in parents),
        transformations=tuple(transformations),
        rows=content.rows,
        ordered=content.ordered,
        unordered=content.unordered,
        index=of_bytes(index_of(dataset)),
        classes={
            label: ClassContent(
                dataset.class_names[label], int((dataset.labels == label).sum()), digest
            )
            for label, digest in content.classes.items()
        },
    )


def _step(step: Transformation) -> dict[str, Any]:
    return {
        "name": step.name,
        "digest": str(step.digest),
        "effects": [
            {
                "kind": str(entry.kind),
                "rows": runs_text(entry.rows),
                "content": str(entry.content),
            }
            for entry in step.effects
        ],
    }
