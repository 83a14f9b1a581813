"""What a bundle says of each evaluation: which criteria judged it, and what broke."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from seclab.coverage.records import State, worst
from seclab.errors import EvidenceMismatch, SeclabError
from seclab.evidence import Bundle, decision_of, outcomes_of, reports_of
from seclab.gate import CriterionResult, Verdict
from seclab.outcome import Evaluated, Missing, Outcome, Unevaluated
from seclab.registers import DATA_CHECKS
from seclab.shelf import RunSummary, Shelf
from seclab.shelf.records import RISK_TAG
from seclab.shelf.verdicts import risk_tags

Row: TypeAlias = tuple[str, str]
"""An evaluation and one of its metrics; ``data_checks`` and an empty text for the checks."""

_CHECK = "check:"
_STATES: Mapping[Verdict, State] = {Verdict.PASS: "passed", Verdict.BLOCK: "failed"}
_MISSING: Mapping[Missing, State] = {Missing.ERRORED: "errored", Missing.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What is inside a bundle, as far as coverage needs it.

    Attributes:
        outcomes: What came of the evaluations.
        criteria: The criteria of the decision.
        rows: By id of a criterion of the thresholds, what it judges.
        words: By risk what it says, as the tags of the run should have it.
        problem: Why nothing of it can be believed; empty where it can.
    """

    outcomes: tuple[Outcome, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def passes(self, risk: str) -> bool:
        """Whether a criterion of the thresholds passed a risk, and not data checks alone."""
        return any(
            risk in each.risks and each.criterion in self.rows and each.verdict is Verdict.PASS
            for each in self.criteria
        )

    def why_not_evaluated(self, risk: str) -> tuple[State, str]:
        """What kept a risk from a verdict, and the words for it."""
        if self.problem:
            return "errored", self.problem
        broken = [self._broken(each) for each in self.outcomes if risk in each.risks]
        criteria = [
            each
            for each in self.criteria
            if risk in each.risks and each.verdict is Verdict.NOT_EVALUATED
        ]
        found = [each for each in broken if each] + [self._judged(each) for each in criteria]
        return _worst(found) if found else ("skipped", "the gate gave no verdict on it")

    def state_of(self, risk: str, rows: Collection[Row]) -> tuple[State, str] | None:
        """What came of some rows of the matrix, and of no others.

        Args:
            risk: The risk they belong to.
            rows: Their evaluations and metrics.

        Returns:
            The worst state and its words; ``None`` where the run holds nothing about them.
        """
        if self.problem:
            return "errored", self.problem
        evaluations = {evaluation for evaluation, _ in rows}
        judged = [
            self._judged(each)
            for each in self.criteria
            if risk in each.risks and self._row(each.criterion) in rows
        ]
        own = [each for each in self.outcomes if each.evaluation in evaluations]
        judged += [broken for each in own if (broken := self._broken(each))]
        if judged:
            return _worst(judged)
        unjudged = sorted(
            {outcome.evaluation for outcome in own for row in _measured(outcome) if row in rows}
        )
        if unjudged:
            return "skipped", f"measured by {', '.join(unjudged)}, and no criterion judges it"
        return None

    def _row(self, criterion: str) -> Row | None:
        return (DATA_CHECKS, "") if criterion.startswith(_CHECK) else self.rows.get(criterion)

    def _judged(self, result: CriterionResult) -> tuple[State, str]:
        state = _STATES.get(result.verdict)
        if state:
            return state, f"{result.criterion}: {result.reason}"
        row = self._row(result.criterion)
        for outcome in self.outcomes:
            if row and outcome.evaluation == row[0] and (broken := self._broken(outcome)):
                return broken
        # A check without a verdict broke; a criterion without one was given nothing to judge.
        state = "errored" if result.criterion.startswith(_CHECK) else "skipped"
        return state, f"{result.criterion}: {result.reason}"

    @staticmethod
    def _broken(outcome: Outcome) -> tuple[State, str] | None:
        if not isinstance(outcome, Unevaluated):
            return None
        state = _MISSING[outcome.missing]
        return state, f"{outcome.evaluation} was {state}: {outcome.reason}"


def contents_of(shelf: Shelf, run: RunSummary) -> Contents:
    """What the bundle of a run holds; its problem where it cannot be read.

    One damaged bundle is a state of its risks, and no reason to say nothing of all others.
    """
    try:
        bundle = shelf.evidence(run).bundle
        if str(bundle.digest) != run.bundle_digest:
            raise EvidenceMismatch(f"the bundle of run {run.run_id[:12]} is not the recorded one")
        outcomes, decision = outcomes_of(bundle), decision_of(bundle)
        tags = risk_tags(decision, outcomes, reports_of(bundle))
        words = {tag.removeprefix(RISK_TAG.format("")): word for tag, word in tags.items()}
        return Contents(outcomes, decision.criteria, dict(_rows(bundle)), words)
    except SeclabError as error:
        return Contents(problem="; ".join(error.problems))
    except (AttributeError, LookupError, TypeError, ValueError):
        return Contents(problem=f"the bundle of run {run.run_id[:12]} is malformed")


def _rows(bundle: Bundle) -> Iterator[tuple[str, Row]]:
    for each in bundle.predicate["thresholds"]:
        yield each["id"], (each["evaluation"], each["metric"])


def _measured(outcome: Outcome) -> Iterator[Row]:
    if isinstance(outcome, Evaluated):
        for measurement in outcome.measurements:
            yield outcome.evaluation, measurement.metric


def _worst(found: Collection[tuple[State, str]]) -> tuple[State, str]:
    """The worst state, with the words of all that are in it."""
    state = worst(each for each, _ in found)
    return state, "; ".join(dict.fromkeys(why for each, why in found if each == state))
