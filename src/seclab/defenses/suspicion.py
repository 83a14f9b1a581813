"""What a detector of poisoned data answers."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Something that rows of one label have in common and should not.

    Attributes:
        label: The label that goes with it.
        columns: Indexes of the features it is made of, shape (m,).
        values: What they are set to, in native units, shape (m,).
        rows: Indexes of the rows that carry it, ascending.
    """

    label: int
    columns: np.ndarray
    values: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """The answer of one detector about a labelled set of rows.

    Attributes:
        detector: Its name.
        scores: How suspicious each row is, higher is worse, shape (n,), finite.
        flagged: Rows that should be set aside, booleans of shape (n,).
        alarm: Whether the set as a whole is suspicious. Single rows may be flagged without: hard
            genuine rows are in every set.
        found: What was found, short, for people.
        patterns: What flagged rows have in common, the strongest first.
    """

    detector: str
    scores: np.ndarray
    flagged: np.ndarray
    alarm: bool
    found: str
    patterns: tuple[Pattern, ...] = field(default=())
