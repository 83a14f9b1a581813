"""The rule: from what the evidence rests on and what depends on it to three scores."""

from collections.abc import Iterable

from seclab.registers import TIERS, Risk, TierName
from seclab.scoring.records import Score, Scoring, Strength


def score(risk: Risk, strength: Strength, scoring: Scoring, *, tier: TierName) -> Score:
    """The scores of a risk.

    Args:
        risk: The risk, with its likelihood and impact before controls.
        strength: What its fresh, passing evidence rests on; ``none`` for any other evidence.
        scoring: The scale and the rule.
        tier: The strictest of the systems that carry it.
    """
    likelihood = _lowered(risk, strength, scoring)
    left = residual(risk, strength, scoring)
    target = scoring.targets[tier]
    return Score(
        inherent=risk.likelihood * risk.impact,
        residual=left,
        target=target,
        likelihood=risk.likelihood,
        residual_likelihood=likelihood,
        impact=risk.impact,
        strength=strength,
        band=scoring.band_of(left),
        why=(
            f"{scoring.strength[strength].means}: likelihood {risk.likelihood} becomes "
            f"{likelihood}; tier {tier} bears {target} at most"
        ),
    )


def residual(risk: Risk, strength: Strength, scoring: Scoring) -> int:
    """The score that is left of a risk by what its evidence rests on."""
    return _lowered(risk, strength, scoring) * risk.impact


def _lowered(risk: Risk, strength: Strength, scoring: Scoring) -> int:
    return max(1, risk.likelihood - scoring.strength[strength].steps)


def strictest(tiers: Iterable[TierName]) -> TierName:
    """The strictest of some tiers.

    Of none it is the strictest there is: what was forgotten must not be judged mildly.
    """
    return max(tiers, key=TIERS.index, default=TIERS[-1])
