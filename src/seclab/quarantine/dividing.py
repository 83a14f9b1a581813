"""A dataset divided by its quarantine: what is set aside, what was released, what is left."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seclab.datasets import Dataset
from seclab.errors import InvalidData
from seclab.fingerprint import ROW_RECIPE, row_digests
from seclab.quarantine.states import Held, Quarantine, RowDecision, State

_TYPE = "urn:ai-security-lab:set-aside-rows:v1"


@dataclass(frozen=True, slots=True, eq=False)
class Divided:
    """A dataset without the rows that are in quarantine.

    Attributes:
        acquired: The set as it was acquired.
        left: What may be used; the very set when nothing is set aside.
        places: For each row of ``left`` its index in ``acquired``, shape (n,).
        aside: Index in ``acquired`` and what is held, for every row set aside.
        released: Index in ``left`` and what is held, for every row that people released.
        ledger: Digest of the newest ledger entry the quarantine was read from.
    """

    acquired: Dataset
    left: Dataset
    places: np.ndarray
    aside: tuple[tuple[int, Held], ...]
    released: tuple[tuple[int, Held], ...]
    ledger: str

    def decided(self) -> dict[int, RowDecision]:
        """Who released a row, by its index in ``left``."""
        return {index: held.decision for index, held in self.released if held.decision}

    def words(self) -> str:
        """How many rows are set aside, in which states; empty when none is, nor is released."""
        counts = dict.fromkeys(State, 0)
        for _, held in self.aside:
            counts[held.state] += 1
        told = []
        if self.aside:
            told.append(
                f"{len(self.aside)} of {len(self.acquired)} rows set aside "
                f"({counts[State.SUSPECTED]} suspected, {counts[State.CONFIRMED]} confirmed)"
            )
        if self.released:
            told.append(f"{len(self.released)} suspected rows released by people")
        return "; ".join(told)

    def text(self) -> str:
        """Every row that is set aside or was released, and why, as JSON."""
        document = {
            "type": _TYPE,
            "recipe": ROW_RECIPE,
            "dataset": self.acquired.name,
            "acquired": str(self.acquired.fingerprint().ordered),
            "left": str(self.left.fingerprint().ordered),
            "ledger": self.ledger,
            "set_aside": [_row(index, held) for index, held in self.aside],
            "released": [_row(int(self.places[index]), held) for index, held in self.released],
        }
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def divide(dataset: Dataset, quarantine: Quarantine) -> Divided:
    """Set aside the rows that are suspected or confirmed.

    As many rows of a content are set aside as were found, the last ones: a copy that was planted
    beside a genuine row takes nothing but itself out of the set.

    Args:
        dataset: The set as it was acquired.
        quarantine: What is held of it.

    Raises:
        InvalidData: Nothing is left.
    """
    digests = row_digests(dataset.features, dataset.labels) if quarantine.rows else []
    places: dict[str, list[int]] = {}
    for index, digest in enumerate(digests):
        if digest in quarantine.rows:
            places.setdefault(digest, []).append(index)
    aside = sorted(
        (index, held)
        for held in quarantine.of(State.SUSPECTED, State.CONFIRMED)
        for index in places.get(held.row, [])[-held.copies :]
    )
    kept = np.setdiff1d(np.arange(len(dataset)), [index for index, _ in aside])
    if not kept.size:
        raise InvalidData(f"dataset {dataset.name}: every row is in quarantine; nothing is left")
    released = sorted(
        (int(np.searchsorted(kept, index)), held)
        for held in quarantine.of(State.RELEASED)
        for index in places.get(held.row, [])
    )
    divided = Divided(dataset, dataset, kept, tuple(aside), tuple(released), quarantine.ledger)
    if not aside:
        return divided
    sampling = "; ".join(filter(None, (dataset.provenance.sampling, divided.words())))
    left = replace(dataset.take(kept), provenance=replace(dataset.provenance, sampling=sampling))
    return replace(divided, left=left)


def _row(index: int, held: Held) -> Mapping[str, Any]:
    decision = held.decision
    return {
        "row": held.row,
        "index": index,
        "label": held.label,
        "state": held.state,
        "flagged_by": list(held.flagged_by),
        "runs": list(held.runs),
        "decision": decision and _decision(decision),
    }


def _decision(decision: RowDecision) -> Mapping[str, Any]:
    return {
        "by": decision.by,
        "reason": decision.reason,
        "at": decision.at.isoformat(),
        "digest": decision.digest,
        "signed_by": decision.signed_by,
    }
