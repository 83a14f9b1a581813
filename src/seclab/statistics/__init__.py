"""Confidence intervals: no number leaves an evaluation without one.

scipy.stats is reached through scipy, which imports it when it is first used: that takes a second,
and the gate compares numbers without it.
"""

from seclab.statistics.differences import difference, mcnemar, mean_difference, paired_difference
from seclab.statistics.levels import BOUND, LEVEL
from seclab.statistics.rates import mean_of_fractions, mean_of_groups, proportion, proportion_of
from seclab.statistics.samples import mean_of, median_of
from seclab.statistics.scores import auc, balanced_accuracy, epsilon_lower_bound, tpr_at_fpr

__all__ = [
    "BOUND",
    "LEVEL",
    "auc",
    "balanced_accuracy",
    "difference",
    "epsilon_lower_bound",
    "mcnemar",
    "mean_difference",
    "mean_of",
    "mean_of_fractions",
    "mean_of_groups",
    "median_of",
    "paired_difference",
    "proportion",
    "proportion_of",
    "tpr_at_fpr",
]
