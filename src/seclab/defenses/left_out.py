"""Groups of rows, each judged by a fit that has seen none of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seclab.defenses.kernel_ridge import RidgeFit

_UNCERTAIN = 1.3  # standard errors of a deviation that a group is given away


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Rows of one label, judged by a fit that has seen none of them.

    Attributes:
        label: Index of their class.
        rival: Index of the other class that most of them look like.
        rows: Indexes of the rows, shape (g,).
        pull: Score of the rival less that of the own class, in ordinary margins, shape (g,).
        level: How suspicious the group is, above 1 for one to take out.
    """

    label: int
    rival: int
    rows: np.ndarray
    pull: np.ndarray
    level: float


@dataclass(frozen=True, slots=True)
class Cuts:
    """What makes a group suspicious.

    Attributes:
        quantile: Of the pull of its rows, 0 to 1, that counts as its strength.
        alien: A strength above this is enough by itself, above 0.
        steady: The strength times how many deviations the mean pull is above 0 is enough above
            this, above 0.
    """

    quantile: float
    alien: float
    steady: float

    def level(self, pull: np.ndarray) -> float:
        """How suspicious a group is: above 1 it is taken out."""
        strength = float(np.quantile(pull, self.quantile))
        # The deviation of a few rows is uncertain; a small group must not win by chance.
        certain = max(1.0 - _UNCERTAIN / float(np.sqrt(2.0 * len(pull))), 0.0)
        steadiness = certain * float(pull.mean() / max(float(pull.std()), 1e-6))
        if strength <= 0.0:
            return strength / self.alien
        return max(strength / self.alien, strength * steadiness / self.steady)


def judged_groups(
    fit: RidgeFit,
    groups: Mapping[int, list[np.ndarray]],
    out: np.ndarray,
    *,
    smallest: int,
    largest_share: float,
    cuts: Cuts,
) -> list[Group]:
    """Leave every group out, one after the other, and judge it.

    Args:
        fit: Of all rows that are not out.
        groups: Indexes of the rows of each group, by the index of their class.
        out: Rows that are taken out already, booleans of shape (n,).
        smallest: Groups of which fewer rows are left are passed over.
        largest_share: So are those that are more than this share of what is left of their label:
            a fit that knows nothing else of a label finds none of its rows like it.
        cuts: What makes a group suspicious.
    """
    unit = fit.held_out().unit
    judged = []
    left = np.bincount(fit.y[~out], minlength=int(fit.y.max()) + 1)
    for label, branches in groups.items():
        for branch in branches:
            rows = branch[~out[branch]] if out.any() else branch
            if len(rows) < smallest or len(rows) > largest_share * left[label]:
                continue
            scores = fit.without(rows)
            own = scores[:, label].copy()
            scores[:, label] = -np.inf
            rival = int(np.bincount(scores.argmax(axis=1), minlength=scores.shape[1]).argmax())
            pull = (scores[:, rival] - own) / unit
            judged.append(Group(label, rival, rows, pull, cuts.level(pull)))
    return judged
