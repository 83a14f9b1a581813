"""A scale, what evidence is worth on it, and the scores of a risk, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from seclab.registers import TierName

Band: TypeAlias = Literal["low", "moderate", "high", "critical"]
Strength: TypeAlias = Literal["thresholds", "checks", "none"]

BANDS: tuple[Band, ...] = get_args(Band)
# What fresh, passing evidence rests on, the strongest first; ``none`` where there is none such.
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
SCALE = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind of evidence does to the likelihood.

    Attributes:
        steps: By how much it lowers it, 0 to 4.
        means: What kind of evidence that is, in words.
    """

    steps: int
    means: str


@dataclass(frozen=True, slots=True)
class Scoring:
    """How risks are scored.

    Attributes:
        likelihood: What each of 1 to 5 means, in words.
        impact: The same for impact.
        bands: The least score of each band, the mildest first.
        strength: What each kind of evidence does.
        targets: The highest residual score that may stay, by tier.
    """

    likelihood: Mapping[int, str]
    impact: Mapping[int, str]
    bands: Mapping[Band, int]
    strength: Mapping[Strength, Effect]
    targets: Mapping[TierName, int]

    def band_of(self, score: int) -> Band:
        """The band that a score lies in."""
        return max(
            (band for band in BANDS if self.bands[band] <= score), key=BANDS.index, default="low"
        )


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of a risk; each is likelihood x impact, 1 to 25.

    Attributes:
        inherent: Before controls.
        residual: With what the evidence shows of the controls.
        target: The highest residual score that may stay.
        likelihood: Before controls, 1 to 5.
        residual_likelihood: With what the evidence shows, 1 to 5.
        impact: 1 to 5; no evidence changes it.
        strength: What the evidence rests on.
        band: Of the residual score.
        why: How the residual and the target score came about, in words.
    """

    inherent: int
    residual: int
    target: int
    likelihood: int
    residual_likelihood: int
    impact: int
    strength: Strength
    band: Band
    why: str

    @property
    def met(self) -> bool:
        """Whether the residual score may stay."""
        return self.residual <= self.target
