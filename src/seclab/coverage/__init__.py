"""What of the register, of ATLAS and of the systems was ever measured, and what came of it.

What was not measured is never counted as if it had passed.
"""

from seclab.coverage.covering import cover
from seclab.coverage.of_run import of_run
from seclab.coverage.records import (
    STATES,
    WORST_FIRST,
    Coverage,
    Gap,
    GroupCoverage,
    Link,
    Point,
    RiskCoverage,
    State,
    Tally,
    TechniqueCoverage,
)

__all__ = [
    "STATES",
    "WORST_FIRST",
    "Coverage",
    "Gap",
    "GroupCoverage",
    "Link",
    "Point",
    "RiskCoverage",
    "State",
    "Tally",
    "TechniqueCoverage",
    "cover",
    "of_run",
]
