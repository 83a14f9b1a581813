"""Membership by a threshold on what one answer says: how sure of the row the model is."""

import numpy as np

_TINY = float(np.finfo(float).tiny)


def confidence(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Membership score: the confidence in the true label.

    Args:
        probabilities: The model's answers, shape (n, k), column j for label j.
        y: True labels, integers of shape (n,), 0 to k - 1.

    Returns:
        Scores of shape (n,), 0 to 1; higher means "more likely a member".

    References:
        Yeom et al. (2018), Privacy risk in machine learning: analyzing the connection to
        overfitting, arXiv:1709.01604.
    """
    scores: np.ndarray = probabilities[np.arange(len(y)), y]
    return scores


def negative_loss(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Membership score: the cross-entropy loss in nats, negated.

    A global threshold on it is one on :func:`confidence`, for it keeps the order. Standardised by
    class the two differ.

    Args:
        probabilities: The model's answers, shape (n, k).
        y: True labels, shape (n,).

    Returns:
        Scores of shape (n,), at most 0; higher means "more likely a member".
    """
    scores: np.ndarray = np.log(np.maximum(confidence(probabilities, y), _TINY))
    return scores


def negative_entropy(probabilities: np.ndarray) -> np.ndarray:
    """Membership score: the entropy of the answer in nats, negated. It needs no true label.

    Args:
        probabilities: The model's answers, shape (n, k).

    Returns:
        Scores of shape (n,), minus log k to 0; higher means "more likely a member".

    References:
        Song and Mittal (2021), Systematic evaluation of privacy risks of machine learning models,
        arXiv:2003.10595.
    """
    scores: np.ndarray = (probabilities * np.log(np.maximum(probabilities, _TINY))).sum(axis=1)
    return scores


def negative_modified_entropy(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Membership score: entropy that counts a confidently wrong answer as surprise, negated.

    Args:
        probabilities: The model's answers, shape (n, k).
        y: True labels, shape (n,).

    Returns:
        Scores of shape (n,), at most 0; higher means "more likely a member".

    References:
        Song and Mittal (2021), Systematic evaluation of privacy risks of machine learning models,
        arXiv:2003.10595, equation of the modified entropy.
    """
    rows = np.arange(len(y))
    own = probabilities[rows, y]
    others = probabilities * np.log(np.maximum(1.0 - probabilities, _TINY))
    others[rows, y] = 0.0
    scores: np.ndarray = (1.0 - own) * np.log(np.maximum(own, _TINY)) + others.sum(axis=1)
    return scores


def standardised_by_class(
    scores: np.ndarray, y: np.ndarray, *, known: np.ndarray, known_labels: np.ndarray
) -> np.ndarray:
    """Scores as deviations from what is usual in their class: one threshold becomes one a class.

    The attacker knows labelled rows that are not members, and the model's answers to them; a class
    of which fewer than two are known is measured against all of them.

    Args:
        scores: Scores of shape (n,).
        y: Labels of the rows, shape (n,).
        known: Scores of rows known to be no members, shape (m,), m at least 2.
        known_labels: Their labels, shape (m,).

    Returns:
        Scores of shape (n,) in standard deviations of the known rows of the class; where these
        are all alike, the plain difference. Scaling or shifting all scores changes nothing but
        in that last case.

    Raises:
        ValueError: Fewer than two known rows.

    References:
        Song and Mittal (2021), arXiv:2003.10595: thresholds that depend on the class.
    """
    if len(known) < 2:
        raise ValueError(f"a spread needs two known non-members, got {len(known)}")
    standardised = np.empty(len(scores))
    for label in np.unique(y):
        usual = known[known_labels == label]
        if len(usual) < 2:
            usual = known
        # Scores equal but for their last bits have no spread to measure by.
        spread = usual.std(ddof=1) if np.ptp(usual) > 1e-12 else 1.0
        own = y == label
        standardised[own] = (scores[own] - usual.mean()) / spread
    return standardised
