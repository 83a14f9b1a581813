"""Poison a dataset on purpose: to see that the checks stop what they exist for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seclab.attacks.poisoning import KINDS, Poisoned
from seclab.datasets import Dataset
from seclab.measurement import CheckReport, CheckStatus
from tasks.progress import progress


@dataclass(frozen=True, slots=True, eq=False)
class Spoiled:
    """A dataset with poison in it, and where.

    Attributes:
        dataset: What is there now; its provenance says what was done.
        kind: Name of the kind of poison.
        rate: Poisoned rows as a fraction of all there were, 0 to 1.
        seed: What position, classes and rows were drawn from.
        poisoned: What was drawn.
    """

    dataset: Dataset
    kind: str
    rate: float
    seed: int
    poisoned: Poisoned

    def describe(self) -> Mapping[str, Any]:
        """What was done, with the exact rows, for the evidence."""
        return {
            "poison": {
                "kind": self.kind,
                "rate": self.rate,
                "seed": self.seed,
                "source": self.poisoned.source,
                "target": self.poisoned.target,
                "added": self.poisoned.added,
                "rows": np.flatnonzero(self.poisoned.mask).tolist(),
            }
        }


def spoil(dataset: Dataset, *, kind: str, rate: float, seed: int) -> Spoiled:
    """Poison a copy of a dataset.

    Args:
        dataset: The clean rows.
        kind: One of :data:`seclab.attacks.poisoning.KINDS`.
        rate: Poisoned rows as a fraction of all, 0 to 1.
        seed: Decides everything random.

    Raises:
        Misconfigured: A rate outside 0 to 1, or a kind for images and rows that are none.
    """
    poisoned = KINDS[kind].draw(
        np.random.default_rng(seed),
        dataset.features,
        dataset.labels,
        dataset.image_shape,
        dataset.feature_range,
        rate,
    )
    how = f"{dataset.provenance.obtained}; then poisoned on purpose: {kind}, rate {rate:g}"
    rows = dataset.with_rows(poisoned.features, poisoned.labels)
    spoiled = replace(rows, provenance=replace(dataset.provenance, obtained=how))
    progress.warning(
        "poisoned %s on purpose: %s, %d rows", dataset.name, kind, int(poisoned.mask.sum())
    )
    return Spoiled(spoiled, kind, rate, seed, poisoned)


def tell_found(spoiled: Spoiled, report: CheckReport) -> None:
    """Say how much of the poison the failed checks named, and how much that is none."""
    mask = spoiled.poisoned.mask
    named = np.zeros(len(mask), dtype=bool)
    for result in report.results:
        if result.status is CheckStatus.FAILED:
            named[list(result.rows)] = True
    progress.info(
        "found    %d of %d poisoned rows, and %d others",
        int((named & mask).sum()),
        int(mask.sum()),
        int((named & ~mask).sum()),
    )
