"""What the gate says: verdicts, the criteria they follow from, and both in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from seclab.measurement import Measurement, Subject, SubjectKind


class Verdict(StrEnum):
    """What the gate says. Only PASS opens it."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    BLOCK = "BLOCK"
    NOT_EVALUATED = "NOT_EVALUATED"


WORST_FIRST = (Verdict.BLOCK, Verdict.NOT_EVALUATED, Verdict.PASS)


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion, decided.

    Attributes:
        criterion: ID of the threshold, ``check:<expectation>``, ``required:<evaluation>``, or
            ``E-...`` where it is about the evidence itself.
        risks: The risks it guards against; empty where it is about none in particular.
        verdict: What it says.
        reason: Why, in words.
        measured: What was measured, for people: ``robust_accuracy (attack=strongest, ...)``.
        value: The point estimate, ``None`` where nothing was measured.
        judged: The number that was judged: an end of the interval, or the loss against the
            champion.
        bound: The bound it was held against.
        waiver: ID of the waiver that takes the decision from a BLOCK; empty where none does.
    """

    criterion: str
    risks: tuple[str, ...]
    verdict: Verdict
    reason: str
    measured: str
    value: float | None = None
    judged: float | None = None
    bound: float | None = None
    waiver: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The champion that a challenger is held against.

    Attributes:
        run: The run that measured it.
        bundle: Digest of that run's evidence.
        version: Its version in the model registry.
        measurements: What was measured of it.
    """

    run: str
    bundle: str
    version: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict about one subject and every criterion it follows from.

    Attributes:
        subject: What was judged.
        verdict: BLOCK if any criterion blocks that is not waived, PASS only if every other passes.
        criteria: Failures first, then what could not be evaluated, then the waived failures, then
            what passed.
        warnings: Findings that do not decide: failed checks below critical, and those whose rows
            people released.
    """

    subject: Subject
    verdict: Verdict
    criteria: tuple[CriterionResult, ...]
    warnings: tuple[str, ...] = ()

    @property
    def waived(self) -> tuple[CriterionResult, ...]:
        """The failures that do not decide because somebody answers for them."""
        return tuple(result for result in self.criteria if result.waiver)

    @property
    def headline(self) -> str:
        """The verdict with its waivers counted: ``PASS with 1 waiver``."""
        count = len(self.waived)
        return str(self.verdict) + (f" with {count} waiver{'s' * (count > 1)}" if count else "")

    def of(self, verdict: Verdict) -> tuple[CriterionResult, ...]:
        """The criteria with this verdict, waived ones among them."""
        return tuple(result for result in self.criteria if result.verdict is verdict)

    def risks(self) -> dict[str, Verdict]:
        """The verdict per risk: the worst of its criteria. A waived risk is borne, not gone."""
        verdicts: dict[str, Verdict] = {}
        for result in self.criteria:
            for risk in result.risks:
                known = verdicts.get(risk, Verdict.PASS)
                verdicts[risk] = min(known, result.verdict, key=WORST_FIRST.index)
        return verdicts


def conclude(
    subject: Subject, results: Iterable[CriterionResult], *, warnings: Iterable[str]
) -> Decision:
    """The decision that follows from criteria.

    Args:
        subject: What was judged.
        results: Its criteria, at least one.
        warnings: Findings that do not decide.
    """
    ordered = sorted(results, key=_place)
    deciding = [result.verdict for result in ordered if not result.waiver]
    verdict = min(deciding, key=WORST_FIRST.index, default=Verdict.PASS)
    return Decision(subject, verdict, tuple(ordered), tuple(warnings))


def _place(result: CriterionResult) -> float:
    """Where a criterion stands in the list: the waived ones before what passed."""
    return 1.5 if result.waiver else WORST_FIRST.index(result.verdict)


def missing(criterion: str, risks: tuple[str, ...], measured: str, reason: str) -> CriterionResult:
    """A criterion that could not be evaluated."""
    return CriterionResult(criterion, risks, Verdict.NOT_EVALUATED, reason, measured)


def overall(decisions: Iterable[tuple[SubjectKind, Verdict]]) -> Verdict:
    """The verdict over everything one command evaluated.

    Args:
        decisions: The kind of each subject with its verdict.

    Returns:
        NOT_EVALUATED when any subject has no verdict; PASS when every agent and dataset passes
        and, of the models, at least one, for one is all that can be promoted; otherwise BLOCK.
    """
    decisions = tuple(decisions)
    verdicts = [verdict for _, verdict in decisions]
    if not verdicts or Verdict.NOT_EVALUATED in verdicts:
        return Verdict.NOT_EVALUATED
    models = [verdict for kind, verdict in decisions if kind == "model"]
    others = [verdict for kind, verdict in decisions if kind != "model"]
    if Verdict.BLOCK in others or (models and Verdict.PASS not in models):
        return Verdict.BLOCK
    return Verdict.PASS


def explain(decision: Decision) -> str:
    """The decision in words: the verdict, then what decided it, then the rest."""
    subject = decision.subject
    lines = [f"{decision.headline}  {subject.kind} {subject.name}"]
    for heading, results in (
        ("Blocked by", [r for r in decision.of(Verdict.BLOCK) if not r.waiver]),
        ("Could not be evaluated", decision.of(Verdict.NOT_EVALUATED)),
        ("Waived", decision.waived),
        ("Passed", decision.of(Verdict.PASS)),
    ):
        if results:
            lines.append(f"{heading}:")
            lines += [f"  {r.criterion} ({', '.join(r.risks) or '-'}): {r.reason}" for r in results]
    if decision.warnings:
        lines.append("Warnings:")
        lines += [f"  {warning}" for warning in decision.warnings]
    return "\n".join(lines)
