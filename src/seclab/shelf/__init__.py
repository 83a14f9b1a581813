"""What an evidence store holds, as values, and the reading of it.

An embedded store is read without MLflow, whose import takes longer than the whole question;
a server is asked through :mod:`seclab.tracking`, which answers with the same values.
"""

from seclab.shelf.embedded import EmbeddedShelf
from seclab.shelf.records import Champion, Evidence, Registered, RunSummary, Shelf
from seclab.shelf.risks import (
    STALE,
    WORST_FIRST,
    RiskEvidence,
    Standing,
    evidence_by_risk,
    standings,
)

__all__ = [
    "STALE",
    "WORST_FIRST",
    "Champion",
    "EmbeddedShelf",
    "Evidence",
    "Registered",
    "RiskEvidence",
    "RunSummary",
    "Shelf",
    "Standing",
    "evidence_by_risk",
    "standings",
]
