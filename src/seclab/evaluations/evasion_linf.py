"""Evasion in the L-infinity norm: how small a change of every pixel makes the model wrong."""

from collections.abc import Sequence

import numpy as np

from seclab.evasion import LINF, METRICS, Effort, evade
from seclab.models import Target
from seclab.outcome import Result
from seclab.registry import evaluation


@evaluation(risks=("R-EVA-01",), metrics=METRICS)
def evasion_linf(
    target: Target,
    *,
    rng: np.random.Generator,
    epsilons: Sequence[float] = (0.05, 0.1, 0.15, 0.2, 0.3),
    samples: int = 360,
    steps: int = 40,
    restarts: int = 5,
    score_queries: int = 500,
    walk_iterations: int = 12,
) -> Result:
    """Accuracy that survives an attacker who may change every pixel by up to epsilon.

    What is tried depends on what the model is, and the attacker knows that. An affine model has a
    worst case in closed form, a single tree a nearest leaf of another class. A network is attacked
    along its gradients, and what survives in the ball is bounded from below by linear relaxation.
    A forest is searched by its scores and walked along its boundary by labels alone, and bounded
    from below by its leaves. Success is counted on the clipped input by the model's own answer.
    ``attack=strongest`` takes the worst of all attacks image by image. Between certified and
    robust accuracy lies what nobody knows.

    Args:
        target: The model.
        rng: Chooses the images where fewer than all are asked for, starts and directions.
        epsilons: L-infinity radii as fractions of the feature range, each above 0, at most 1.
        samples: Test images attacked, at most all.
        steps: Projected-gradient steps per start.
        restarts: Projected-gradient starts.
        score_queries: Answers that the search by scores may use on one image at one size.
        walk_iterations: Rounds of the walk along the boundary.

    Returns:
        Clean accuracy; per epsilon and attack ``robust_accuracy`` (higher is better) and
        ``attack_success_rate`` (lower is better); per epsilon ``certified_accuracy``,
        ``confidence_drop`` and ``masked_share``; ``full_range_accuracy``, which is above 0 only
        where the attacks are at fault; ``median_smallest_change`` in feature ranges and
        ``median_queries``. Rates have Wilson's interval.

    References:
        NIST AI 100-2 E2025, NISTAML.022 and NISTAML.025. Goodfellow et al. (2015),
        arXiv:1412.6572. Madry et al. (2018), arXiv:1706.06083. Andriushchenko et al. (2020),
        arXiv:1912.00049. Chen et al. (2020), arXiv:1904.02144. Zhang et al. (2018),
        arXiv:1811.00866. Chen et al. (2019), arXiv:1906.03849. Carlini et al. (2019), On
        evaluating adversarial robustness, arXiv:1902.06705, for the checks of the attacks.
    """
    effort = Effort(steps, restarts, score_queries, walk_iterations)
    return evade(target, LINF, epsilons=epsilons, samples=samples, effort=effort, rng=rng)
