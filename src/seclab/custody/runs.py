"""Runs of rows as people write them: ``0-3 7`` for the rows 0, 1, 2, 3 and 7."""

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from seclab.errors import Misconfigured

Runs = tuple[tuple[int, int], ...]
"""First and last position of each run of rows."""

PATTERN = r"^(0|[1-9][0-9]{0,15})(-[1-9][0-9]{0,15})?( (0|[1-9][0-9]{0,15})(-[1-9][0-9]{0,15})?)*$"
"""What the text of some runs looks like."""


def runs_of(rows: Iterable[int]) -> Runs:
    """The runs of adjacent positions among some, in ascending order."""
    at = np.unique(np.fromiter(rows, dtype=np.int64))
    parts = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if at.size else []
    return tuple((int(part[0]), int(part[-1])) for part in parts)


def runs_text(runs: Runs) -> str:
    """Runs as text."""
    return " ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def parse_runs(text: str) -> Runs:
    """Runs from their text.

    Raises:
        Misconfigured: Anything but runs that are ascending and apart.
    """
    if not re.fullmatch(PATTERN.removeprefix("^").removesuffix("$"), text):
        raise Misconfigured(f"{text[:80]!r} names no rows; they read 0-3 7")
    ends = [part.partition("-") for part in text.split(" ")]
    runs = tuple((int(first), int(last or first)) for first, _, last in ends)
    ordered = all(first <= last for first, last in runs)
    if not ordered or any(one[1] >= other[0] for one, other in pairwise(runs)):
        raise Misconfigured(f"the rows {text[:80]!r} must be ascending and apart")
    return runs


def positions(runs: Runs, rows: int) -> np.ndarray:
    """The positions in some runs, as far as there are such rows."""
    parts = [np.arange(first, min(last + 1, rows)) for first, last in runs if first < rows]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
