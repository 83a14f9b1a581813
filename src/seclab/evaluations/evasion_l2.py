"""Evasion in the L2 norm: how short a change of the whole image makes the model wrong."""

from collections.abc import Sequence

import numpy as np

from seclab.evasion import L2, METRICS, Effort, evade
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation


@evaluation(risks=("R-EVA-01",), metrics=METRICS)
def evasion_l2(
    target: Target,
    *,
    rng: np.random.Generator,
    epsilons: Sequence[float] = (0.5, 1.0, 1.5),
    samples: int = 360,
    steps: int = 40,
    restarts: int = 5,
    score_queries: int = 500,
    walk_iterations: int = 12,
) -> Result:
    """Accuracy that survives an attacker whose change, as a vector, is at most epsilon long.

    The same attacks, proofs and numbers as :func:`seclab.evaluations.evasion_linf`, in the
    Euclidean norm: an attacker who may change a few pixels by much rather than all by little.

    Args:
        target: The model.
        rng: Chooses the images where fewer than all are asked for, starts and directions.
        epsilons: L2 radii in feature ranges, each above 0, at most the root of the number of
            features.
        samples: Test images attacked, at most all.
        steps: Projected-gradient steps per start.
        restarts: Projected-gradient starts.
        score_queries: Answers that the search by scores may use on one image at one size.
        walk_iterations: Rounds of the walk along the boundary.

    Returns:
        As :func:`seclab.evaluations.evasion_linf`.

    References:
        NIST AI 100-2 E2025, NISTAML.022 and NISTAML.025. Carlini and Wagner (2017),
        arXiv:1608.04644. Andriushchenko et al. (2020), arXiv:1912.00049. Chen et al. (2020),
        arXiv:1904.02144.
    """
    effort = Effort(steps, restarts, score_queries, walk_iterations)
    return evade(target, L2, epsilons=epsilons, samples=samples, effort=effort, rng=rng)
