"""Membership inference: was a row part of a model's training? One file a family of attacks.

Every attack gives scores of shape (n,), higher for rows more likely in the training.
"""

from seclab.attacks.membership.label_only import NoiseProbe, noise_robustness
from seclab.attacks.membership.likelihood_ratio import (
    logit_confidence,
    offline_likelihood_ratio,
    online_likelihood_ratio,
)
from seclab.attacks.membership.relative import (
    average_confidence,
    estimated_average_confidence,
    relative_membership,
)
from seclab.attacks.membership.shadows import Shadows, ask_shadows, shadow_plan
from seclab.attacks.membership.suite import shadow_scores, threshold_scores
from seclab.attacks.membership.thresholds import (
    confidence,
    negative_entropy,
    negative_loss,
    negative_modified_entropy,
    standardised_by_class,
)

__all__ = [
    "NoiseProbe",
    "Shadows",
    "ask_shadows",
    "average_confidence",
    "confidence",
    "estimated_average_confidence",
    "logit_confidence",
    "negative_entropy",
    "negative_loss",
    "negative_modified_entropy",
    "noise_robustness",
    "offline_likelihood_ratio",
    "online_likelihood_ratio",
    "relative_membership",
    "shadow_plan",
    "shadow_scores",
    "standardised_by_class",
    "threshold_scores",
]
