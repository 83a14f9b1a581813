"""The newest evidence for every risk, and whether it is too old to count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seclab.gate.evidence_criteria import CLOCK_SKEW
from seclab.registers import Registers
from seclab.shelf.records import RunSummary

STALE = "stale"
# What stands for a risk with several subjects: the first of these. What blocked blocks at any age.
WORST_FIRST = ("block", STALE, "not-evaluated", "measured", "pass")


@dataclass(frozen=True, slots=True)
class RiskEvidence:
    """The newest evidence for one risk.

    Attributes:
        risk: The risk.
        runs: Per subject the newest run that says anything about it, newest first.
    """

    risk: str
    runs: Mapping[str, RunSummary]

    @property
    def run(self) -> RunSummary:
        """The newest of the runs."""
        return next(iter(self.runs.values()))

    @property
    def verdicts(self) -> dict[str, str]:
        """What the runs said, per subject, however long ago."""
        return {subject: run.risks[self.risk] for subject, run in self.runs.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the evidence about one subject is worth now.

    Attributes:
        subject: Name of the subject.
        run: The run that holds the evidence.
        made: When it was measured.
        verdict: What it said; ``stale`` where it is too old and said nothing worse.
        age_days: Its age in days; negative where it lies in the future.
        limit_days: Oldest age that still counts, in days.
        limit_of: What sets that limit: the tier, or a threshold.
        stale: Why it is stale, in words; empty while it is fresh.
    """

    subject: str
    run: RunSummary
    made: datetime
    verdict: str
    age_days: float
    limit_days: int
    limit_of: str
    stale: str


def evidence_by_risk(runs: Sequence[RunSummary], risks: Iterable[str]) -> dict[str, RiskEvidence]:
    """The newest evidence for every risk that has any.

    A dataset that was refused stays so until it has a run of its own again: that models were
    trained since says nothing of the checks that have to find its poison.

    Args:
        runs: The runs, newest first. Those without a verdict are no evidence.
        risks: The risks to look for.
    """
    found = {}
    for risk in risks:
        newest: dict[str, RunSummary] = {}
        for run in runs:
            if run.verdict and risk in run.risks:
                newest.setdefault(run.subject, run)
        if newest:
            found[risk] = RiskEvidence(risk, newest)
    return found


def standings(
    evidence: RiskEvidence, registers: Registers, *, at: datetime
) -> tuple[Standing, ...]:
    """What the evidence for a risk is worth, per subject, the worst first.

    Args:
        evidence: The newest evidence.
        registers: Tiers and thresholds, which say how old it may be.
        at: Now, with time zone.

    Raises:
        Misconfigured: A subject has no tier.
    """
    found = [_standing(evidence.risk, run, registers, at=at) for run in evidence.runs.values()]
    return tuple(sorted(found, key=lambda each: (_rank(each.verdict), each.made, each.subject)))


def _rank(verdict: str) -> int:
    # A word that this tool never wrote stands for nothing good.
    return WORST_FIRST.index(verdict) if verdict in WORST_FIRST else -1


def _standing(risk: str, run: RunSummary, registers: Registers, *, at: datetime) -> Standing:
    made = min(run.started, run.measured.get(risk, run.started))
    limit, of = _limit(risk, run, registers)
    age = (at - made) / timedelta(days=1)
    stale = ""
    if made - at > CLOCK_SKEW:
        stale = f"it lies in the future ({made:%Y-%m-%d %H:%M %Z}): a clock was set back"
    elif age > limit:
        stale = f"{age:.1f} days old, at most {limit} are allowed by {of}"
    verdict = run.risks[risk]
    if stale and _rank(verdict) > _rank(STALE):
        verdict = STALE
    return Standing(run.subject, run, made, verdict, age, limit, of, stale)


def _limit(risk: str, run: RunSummary, registers: Registers) -> tuple[int, str]:
    """Oldest age in days, and what sets it: the strictest of tier and thresholds."""
    tier = registers.tier_of(run.subject)
    limits = [(tier.oldest_days, f"tier {tier.name}")]
    limits += [
        (threshold.oldest_days, threshold.id)
        for threshold in registers.thresholds
        if (threshold.risk, threshold.subject) == (risk, run.kind)
        and threshold.oldest_days is not None
    ]
    return min(limits, key=lambda limit: limit[0])
