"""What of the registers a run has evidence about, as its report shows it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CoveredRisk:
    """A risk that a run has evidence about.

    Attributes:
        id: ``R-EVA-01``.
        title: What it is.
        asset_class: Kind of asset.
        state: What this run says of it, in the words of coverage: ``passed``, ``failed``,
            ``errored`` or ``skipped``.
        techniques: By ATLAS id what this run says of each technique that the matrix names for it.
    """

    id: str
    title: str
    asset_class: str
    state: str
    techniques: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunCoverage:
    """What one run has evidence about, and how much it leaves alone.

    Attributes:
        risks: Those it has evidence about, in the order of the register.
        registered: How many risks the register holds.
    """

    risks: tuple[CoveredRisk, ...]
    registered: int

    @property
    def silent(self) -> int:
        """The number of risks that the run says nothing about."""
        return self.registered - len(self.risks)

    @property
    def techniques(self) -> int:
        """The number of techniques that it has evidence about."""
        return len({id_ for risk in self.risks for id_ in risk.techniques})
