"""The likelihood-ratio attack (LiRA): is this confidence one of "in" or one of "out"?"""

from typing import Literal, TypeAlias

import numpy as np

Variance: TypeAlias = Literal["fixed", "per_example"]

# Beyond one per cent of doubt the logit measures the steps of a forest and the saturation of a
# network: from 0.99 to 1 is further than all the rest. Cut off there, the attack finds more members
# of either on the digits.
_SMALLEST = 0.01
# A handful of shadows that happen to agree would put any other answer infinitely far away.
_LEAST_SPREAD = 0.3


def logit_confidence(
    probabilities: np.ndarray, y: np.ndarray, *, smallest: float = _SMALLEST
) -> np.ndarray:
    """Confidence in the true label on the logit scale, where it is nearly Gaussian.

    Args:
        probabilities: Answers of shape (..., n, k), of one model or of many.
        y: True labels, integers of shape (n,).
        smallest: Probabilities below it count as it, above 0. Models that separate members by
            differences of confidence beyond 0.99 want a smaller one.

    Returns:
        log p - log(1 - p) of shape (..., n). The rest is summed over the other labels, so that
        nothing is lost where p is nearly 1.

    References:
        Carlini et al. (2022), Membership inference attacks from first principles,
        arXiv:2112.03570, section on the stable logit.
    """
    own = np.arange(probabilities.shape[-1]) == y[:, None]
    right = np.where(own, probabilities, 0.0).sum(axis=-1)
    wrong = np.where(own, 0.0, probabilities).sum(axis=-1)
    logits: np.ndarray = np.log(np.maximum(right, smallest)) - np.log(np.maximum(wrong, smallest))
    return logits


def online_likelihood_ratio(
    observed: np.ndarray, shadows: np.ndarray, inside: np.ndarray, *, variance: Variance
) -> np.ndarray:
    """Log-likelihood ratio of "was in" against "was out", both Gaussian for each row.

    Online: the attacker trained shadows with and without the very rows in question.

    Args:
        observed: The target's :func:`logit_confidence`, shape (n,).
        shadows: That of m shadows, shape (m, n).
        inside: Whether the row was in the shadow's training, shape (m, n), at least twice true
            and twice false for each row.
        variance: ``per_example`` measures a spread for each row, which takes many shadows;
            ``fixed`` one for all rows. A spread below 0.3 counts as 0.3.

    Returns:
        Scores of shape (n,) in nats, higher means "more likely a member". Shifting observed and
        shadows together changes nothing.

    Raises:
        ValueError: A row with fewer than two shadows on either side.

    References:
        Carlini et al. (2022), arXiv:2112.03570, algorithm 1.
    """
    with_it = _gaussians(shadows, inside, variance)
    without = _gaussians(shadows, ~inside, variance)
    scores: np.ndarray = _log_density(observed, *with_it) - _log_density(observed, *without)
    return scores


def offline_likelihood_ratio(
    observed: np.ndarray, shadows: np.ndarray, inside: np.ndarray, *, variance: Variance
) -> np.ndarray:
    """How far above "was out" a confidence lies, one-sided, Gaussian for each row.

    Offline: only shadows without the row are looked at; they could have been trained before the
    attacker knew which rows would be in question.

    Args:
        observed: The target's :func:`logit_confidence`, shape (n,).
        shadows: That of m shadows, shape (m, n).
        inside: Whether the row was in the shadow's training, shape (m, n), at least twice false
            for each row; the shadows where it is true are not used for the row.
        variance: As in :func:`online_likelihood_ratio`.

    Returns:
        Scores of shape (n,) in standard deviations, higher means "more likely a member": the
        one-sided p-value is the normal tail above the score. Shifting or scaling observed and
        shadows together changes nothing while the spread is above its least value.

    Raises:
        ValueError: A row with fewer than two shadows without it.

    References:
        Carlini et al. (2022), arXiv:2112.03570, section on the offline attack.
    """
    mean, spread = _gaussians(shadows, ~inside, variance)
    scores: np.ndarray = (observed - mean) / spread
    return scores


def _gaussians(
    shadows: np.ndarray, chosen: np.ndarray, variance: Variance
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each row over the shadows chosen for it, both of shape (n,)."""
    count = chosen.sum(axis=0)
    if count.min() < 2:
        raise ValueError("a spread needs two shadows with the row and two without it")
    mean = np.where(chosen, shadows, 0.0).sum(axis=0) / count
    squares = np.where(chosen, (shadows - mean) ** 2, 0.0).sum(axis=0) / (count - 1)
    if variance == "fixed":
        squares = np.full(squares.shape, squares.mean())
    return mean, np.maximum(np.sqrt(squares), _LEAST_SPREAD)


def _log_density(x: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Log of the Gaussian density but for the constant, which cancels."""
    density: np.ndarray = -np.log(spread) - 0.5 * ((x - mean) / spread) ** 2
    return density
