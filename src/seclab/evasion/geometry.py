"""What differs between the L-infinity and the L2 ball, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from seclab.attacks.boundary_walk import Walked, hop_skip_jump
from seclab.attacks.linear_worst_case import (
    SmallestChange,
    WorstCase,
    l2_linear_minimal,
    l2_linear_worst_case,
    linf_linear_minimal,
    linf_linear_worst_case,
)
from seclab.attacks.score_search import SearchResult, l2_square_search, linf_square_search
from seclab.norms import Norm, lengths, shortened


@dataclass(frozen=True, slots=True)
class Geometry:
    """A norm, and the searches that are made for it.

    Attributes:
        norm: Its name, as attacks take it and begin with.
        worst_case: The exact worst case of an affine model in a ball.
        minimal: The exact smallest change of an affine model.
        search: The random search by scores.
        walk: The walk along the boundary by labels alone.
    """

    norm: Norm
    worst_case: Callable[..., WorstCase]
    minimal: Callable[..., SmallestChange]
    search: Callable[..., SearchResult]
    walk: Callable[..., Walked]

    def lengths(self, changes: np.ndarray) -> np.ndarray:
        """The norm of each row of ``changes`` (n, d), shape (n,)."""
        return lengths(changes, self.norm)

    def shortened(self, changes: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Rows of ``changes`` (n, d) cut down to at most ``limits`` (n,)."""
        return shortened(changes, limits, self.norm)

    def diameter(self, features: int) -> float:
        """The longest change inside the box, as a fraction of the feature range."""
        return 1.0 if self.norm == "linf" else float(np.sqrt(features))


LINF = Geometry(
    norm="linf",
    worst_case=linf_linear_worst_case,
    minimal=linf_linear_minimal,
    search=linf_square_search,
    walk=partial(hop_skip_jump, norm="linf"),
)
L2 = Geometry(
    norm="l2",
    worst_case=l2_linear_worst_case,
    minimal=l2_linear_minimal,
    search=l2_square_search,
    walk=partial(hop_skip_jump, norm="l2"),
)
