"""All attacks that go by probabilities, by name: the same answers serve every one of them."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from seclab.attacks.membership.likelihood_ratio import (
    Variance,
    logit_confidence,
    offline_likelihood_ratio,
    online_likelihood_ratio,
)
from seclab.attacks.membership.relative import (
    average_confidence,
    estimated_average_confidence,
    relative_membership,
)
from seclab.attacks.membership.shadows import Shadows
from seclab.attacks.membership.thresholds import (
    confidence,
    negative_entropy,
    negative_loss,
    negative_modified_entropy,
    standardised_by_class,
)

Scores: TypeAlias = dict[str, np.ndarray]
_VARIANCES: tuple[Variance, ...] = ("fixed", "per_example")
_RATIOS = MappingProxyType({"online": online_likelihood_ratio, "offline": offline_likelihood_ratio})


def threshold_scores(answers: np.ndarray, y: np.ndarray, *, candidates: int) -> Scores:
    """Scores from one answer a row, for one threshold and for one a class.

    The loss is left out where one threshold serves all: it keeps the order of the confidence.

    Args:
        answers: The target's class probabilities, shape (n, k): candidates first, then rows known
            to be no members, at least 2 of these.
        y: True labels of all, shape (n,).
        candidates: How many of the rows are in question.

    Returns:
        Scores of shape (candidates,) by name of the attack; higher means "more likely a member".
    """
    sure, loss = confidence(answers, y), negative_loss(answers, y)
    entropy, modified = negative_entropy(answers), negative_modified_entropy(answers, y)
    own, known = slice(candidates), slice(candidates, None)
    by_class = partial(standardised_by_class, y=y[own], known_labels=y[known])
    return {
        "confidence": sure[own],
        "entropy": entropy[own],
        "modified_entropy": modified[own],
        "loss_by_class": by_class(loss[own], known=loss[known]),
        "entropy_by_class": by_class(entropy[own], known=entropy[known]),
        "modified_entropy_by_class": by_class(modified[own], known=modified[known]),
    }


def shadow_scores(
    answers: np.ndarray, y: np.ndarray, *, shadows: Shadows, candidates: int
) -> Scores:
    """Scores by comparison with models that are known to have seen a row or not.

    Args:
        answers: The target's class probabilities, shape (n, k): candidates first, then rows known
            to be no members of it, at least 1 of these.
        y: True labels of all, shape (n,).
        shadows: Shadows and their answers on the same rows, at least two with and two without
            each.
        candidates: How many of the rows are in question.

    Returns:
        Scores of shape (candidates,) by name of the attack; higher means "more likely a member".
    """
    return _lira(answers, y, shadows, candidates) | _rmia(answers, y, shadows, candidates)


def _lira(answers: np.ndarray, y: np.ndarray, shadows: Shadows, candidates: int) -> Scores:
    own = slice(candidates)
    logit = partial(logit_confidence, y=y[own])
    observed, compared = logit(answers[own]), logit(shadows.answers[:, own])
    return {
        f"lira_{way}_{variance}": ratio(
            observed, compared, shadows.inside[:, own], variance=variance
        )
        for way, ratio in _RATIOS.items()
        for variance in _VARIANCES
    }


def _rmia(answers: np.ndarray, y: np.ndarray, shadows: Shadows, candidates: int) -> Scores:
    own, known = slice(candidates), slice(candidates, None)
    sure = confidence(answers, y)
    compared = np.stack([confidence(each, y) for each in shadows.answers])
    # Of the population every attacker may train on any half: it needs no estimate.
    usual = average_confidence(compared, shadows.inside)
    averages: Mapping[str, np.ndarray] = {
        "online": usual,
        "offline": estimated_average_confidence(compared, shadows.inside),
    }
    return {
        f"rmia_{way}": relative_membership(
            sure[own],
            average[own],
            population=sure[known],
            population_average=usual[known],
        )
        for way, average in averages.items()
    }
