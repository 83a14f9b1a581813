"""Membership inference by confidence: rows a model is surer of were more likely in its training."""

from collections.abc import Callable

import numpy as np


def true_label_confidence(
    predict_proba: Callable[[np.ndarray], np.ndarray], x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Membership score of each row: the confidence the model has in its true label.

    Args:
        predict_proba: Rows (n, d) to class probabilities (n, k), column j for label j.
        x: Rows of shape (n, d).
        y: Their true labels, integers of shape (n,), 0 to k - 1.

    Returns:
        Scores of shape (n,) in 0 to 1; higher means "more likely a member". All rows are asked
        in one call.

    References:
        Yeom et al. (2018), Privacy risk in machine learning: analyzing the connection to
        overfitting, arXiv:1709.01604. Song and Mittal (2021), Systematic evaluation of privacy
        risks of machine learning models, arXiv:2003.10595.
    """
    scores: np.ndarray = predict_proba(x)[np.arange(len(x)), y]
    return scores
