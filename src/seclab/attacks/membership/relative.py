"""Relative membership (RMIA): does the model favour a row more than it favours others?"""

import numpy as np


def average_confidence(shadows: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """What a model drawn at random would say of a row: half of them knew it, half did not.

    Args:
        shadows: Confidence of m shadows in the true label, shape (m, n), 0 to 1.
        inside: Whether the row was in the shadow's training, shape (m, n), at least once true
            and once false for each row.

    Returns:
        Averages of shape (n,), 0 to 1.

    References:
        Zarifzadeh, Liu and Shokri (2024), Low-cost high-power membership inference attacks,
        arXiv:2312.03262.
    """
    average: np.ndarray = (_mean(shadows, inside) + _mean(shadows, ~inside)) / 2
    return average


def estimated_average_confidence(
    shadows: np.ndarray, inside: np.ndarray, *, a: float = 0.3
) -> np.ndarray:
    """:func:`average_confidence` from the shadows without the row alone.

    A line through (1, 1) stands for those with it: a row of confidence p without it is taken to
    have a * p + 1 - a with it.

    Args:
        shadows: Confidence of m shadows in the true label, shape (m, n), 0 to 1.
        inside: Whether the row was in the shadow's training, shape (m, n), at least once false
            for each row; the shadows where it is true are not used for the row.
        a: Slope of the line, 0 to 1: 0 for models that know all their members by heart, 1 for
            models that do not tell them apart.

    Returns:
        Averages of shape (n,), 0 to 1.

    References:
        Zarifzadeh, Liu and Shokri (2024), arXiv:2312.03262, section on the offline attack.
    """
    without = _mean(shadows, ~inside)
    average: np.ndarray = ((1.0 + a) * without + (1.0 - a)) / 2
    return average


def relative_membership(
    observed: np.ndarray,
    average: np.ndarray,
    *,
    population: np.ndarray,
    population_average: np.ndarray,
    gamma: float = 1.0,
) -> np.ndarray:
    """Share of a population that a row dominates in the likelihood ratio.

    The ratio is the target's confidence in the row over that of a model drawn at random. Rows that
    dominate equally many are ordered by their ratios, for at the strict end, which matters most,
    whole groups dominate everybody. All rows meet the same population, hence the order is that of
    the ratios; population and ``gamma`` give the scores their meaning, not their order.

    Args:
        observed: The target's confidence in the true label, shape (n,), 0 to 1.
        average: What a model drawn at random would say, shape (n,), 0 to 1.
        population: The target's confidence in m rows that are no members, shape (m,).
        population_average: What a model drawn at random would say of them, shape (m,).
        gamma: How many times the other's ratio is needed to dominate it, at least 1.

    Returns:
        Scores of shape (n,), 0 to 1; higher means "more likely a member". They are the share
        dominated to within 1 / (m + 1): of non-members like the population about a share t scores
        above 1 - t where ``gamma`` is 1, and fewer where it is more.

    References:
        Zarifzadeh, Liu and Shokri (2024), arXiv:2312.03262.
    """
    tiny = np.finfo(float).tiny
    ratio = observed / np.maximum(average, tiny)
    others = np.sort(gamma * population / np.maximum(population_average, tiny))
    dominated = np.searchsorted(others, ratio, side="right")
    scores: np.ndarray = (dominated + ratio / (1.0 + ratio)) / (len(others) + 1)
    return scores


def _mean(shadows: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean of each row over the shadows chosen for it, shape (n,)."""
    mean: np.ndarray = np.where(chosen, shadows, 0.0).sum(axis=0) / chosen.sum(axis=0)
    return mean
