"""From what a detector suspects to what an expectation found."""

import numpy as np

from seclab.data_checks.table import Finding, Table, indexes
from seclab.defenses.suspicion import Pattern, Suspicion
from seclab.errors import NotEvaluated
from seclab.measurement import SuspectedPattern

_PATTERNS = 10  # told of a set; the strongest come first


def require_finite(table: Table) -> None:
    """Nothing can be said of rows that hold no numbers.

    Raises:
        NotEvaluated: A feature is NaN or infinite.
    """
    if not np.isfinite(table.features).all():
        raise NotEvaluated("some features are NaN or infinite; another expectation names them")


def finding_of(suspicion: Suspicion, expected: str) -> Finding:
    """It holds where the set raises no alarm; else its rows and patterns are named."""
    rows = np.flatnonzero(suspicion.flagged) if suspicion.alarm else np.array([], dtype=int)
    return Finding(
        not suspicion.alarm,
        expected,
        suspicion.found,
        indexes(rows),
        patterns_of(suspicion.patterns),
    )


def patterns_of(patterns: tuple[Pattern, ...]) -> tuple[SuspectedPattern, ...]:
    """The strongest patterns, as they are kept with the evidence."""
    return tuple(
        SuspectedPattern(
            label=int(pattern.label),
            columns=tuple(pattern.columns.tolist()),
            values=tuple(map(float, pattern.values)),
            rows=len(pattern.rows),
        )
        for pattern in patterns[:_PATTERNS]
    )
