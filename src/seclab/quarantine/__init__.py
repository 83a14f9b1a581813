"""Quarantine: rows set aside on suspicion, what people decided about them, and what follows."""

from seclab.quarantine.dividing import Divided, divide
from seclab.quarantine.findings import (
    SET_ASIDE_FILE,
    SUSPECTED_FILE,
    Finding,
    Suspect,
    find,
    read_finding,
)
from seclab.quarantine.picking import decidable, pick
from seclab.quarantine.states import (
    Choice,
    Found,
    Held,
    Quarantine,
    RowDecision,
    State,
    hold,
)

__all__ = [
    "SET_ASIDE_FILE",
    "SUSPECTED_FILE",
    "Choice",
    "Divided",
    "Finding",
    "Found",
    "Held",
    "Quarantine",
    "RowDecision",
    "State",
    "Suspect",
    "decidable",
    "divide",
    "find",
    "hold",
    "pick",
    "read_finding",
]
