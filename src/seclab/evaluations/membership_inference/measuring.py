"""One attack in numbers, from its scores of members and non-members in random order."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from seclab.measurement import Estimate, Interval, Reading
from seclab.statistics import (
    BOUND,
    LEVEL,
    auc,
    balanced_accuracy,
    epsilon_lower_bound,
    tpr_at_fpr,
)

FPR, STRICT_FPR = 0.01, 0.001
TPR_METRICS: Mapping[float, str] = MappingProxyType(
    {FPR: "tpr_at_1pct_fpr", STRICT_FPR: "tpr_at_0_1pct_fpr"}
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What an attack achieved.

    Attributes:
        attack: Its name.
        auc: Area under its ROC curve.
        rates: True-positive rate by the false-positive rate allowed, where the rows support it.
        balanced: Balanced accuracy on half of the rows, the threshold chosen on the other.
        epsilon: Lower bound on the epsilon of differential privacy, chosen and bounded likewise.
    """

    attack: str
    auc: Estimate
    rates: Mapping[float, Estimate]
    balanced: Estimate
    epsilon: float

    @property
    def proven(self) -> Estimate:
        """The bound on epsilon: at 95% the true value is no lower, so both its ends are itself."""
        interval = Interval(self.epsilon, self.epsilon, LEVEL, BOUND)
        return Estimate(self.epsilon, interval, self.balanced.n)

    def readings(self) -> list[Reading]:
        """Those of the numbers that are metrics."""
        where = {"attack": self.attack}
        return [
            Reading("membership_auc", self.auc, where),
            Reading("balanced_accuracy", self.balanced, where),
            Reading("epsilon_lower_bound", self.proven, where),
            *(Reading(TPR_METRICS[fpr], rate, where) for fpr, rate in self.rates.items()),
        ]


def measure(attack: str, members: np.ndarray, others: np.ndarray) -> Measured:
    """Measure scores of shape (n,) each, where higher means "more likely a member"."""
    balanced, epsilon = _held_out(members, others)
    rates = {
        fpr: tpr_at_fpr(members, others, fpr=fpr) for fpr in TPR_METRICS if others.size * fpr >= 1.0
    }
    return Measured(attack, auc(members, others), rates, balanced, epsilon)


def _held_out(members: np.ndarray, others: np.ndarray) -> tuple[Estimate, float]:
    """Balanced accuracy and proven epsilon on half of the rows, thresholds chosen on the other."""
    half = len(members) // 2
    choices = np.unique([members[:half], others[:half]])
    # Half-way to the next lower score: the least sure member of one half is not that of the other.
    thresholds = (choices + np.roll(choices, 1)) / 2
    thresholds[0] = choices[0]
    right = half - np.searchsorted(np.sort(members[:half]), choices)
    wrong = half - np.searchsorted(np.sort(others[:half]), choices)
    best = thresholds[(right - wrong).argmax()]
    balanced = balanced_accuracy(members[half:] >= best, others[half:] >= best)
    proving = thresholds[epsilon_lower_bound(right, half, wrong, half).argmax()]
    hits, alarms = members[half:] >= proving, others[half:] >= proving
    epsilon = epsilon_lower_bound(hits.sum(), hits.size, alarms.sum(), alarms.size)
    return balanced, float(epsilon)
